using System.Diagnostics;

namespace LeadPipeline.TestKit;

/// <summary>Runs <c>ops/scripts/servers.sh</c>.</summary>
internal static class ServerScript
{
    // A first start may have to download and install both servers.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(6);

    /// <summary>Answers what the script printed, or throws with what it complained about.</summary>
    public static async Task<string> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("bash", [Repository.PathOf("ops/scripts/servers.sh"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        using var process = Process.Start(start) ?? throw new InvalidOperationException("bash cannot be started.");
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"'servers.sh {string.Join(' ', arguments)}' took longer than {Limit.TotalMinutes} minutes.");
        }

        if (process.ExitCode == 0)
            return await output;

        throw new InvalidOperationException(
            $"'servers.sh {string.Join(' ', arguments)}' ended with exit code {process.ExitCode}:\n{await output}{await errors}");
    }
}
