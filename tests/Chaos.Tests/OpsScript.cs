using System.Diagnostics;

namespace LeadPipeline.Chaos.Tests;

/// <summary>A script of <c>ops/scripts</c>, as an operator runs it.</summary>
internal static class OpsScript
{
    /// <summary>Runs it to its end.</summary>
    public static async Task<(int Code, string Said)> RunAsync(string name, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo("bash", [Repository.PathOf("ops/scripts/" + name), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (key, value) in environment)
            start.Environment[key] = value;
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await errors);
    }
}
