using System.Diagnostics;

namespace LeadPipeline.Bench;

/// <summary>
/// Samples a worker's stacks with Linux's <c>perf</c>, and lists where its time goes: methods by their own time, and by that of all they call.
/// </summary>
internal sealed class CpuProfile : IDisposable
{
    private readonly Process recorder;
    private readonly string folder;

    private CpuProfile(Process recorder, string folder) => (this.recorder, this.folder) = (recorder, folder);

    /// <summary>What the worker must be started with so that perf can name its methods, and so that its allocations are sampled.</summary>
    public static void Prepare(Dictionary<string, string> variables, string folder)
    {
        Directory.CreateDirectory(folder);
        // Method names only: the other forms of the map cost more time and say nothing that is used here.
        variables["DOTNET_PerfMapEnabled"] = "1";
        // Otherwise the code lies in a shared mapping that perf does not take for ours.
        variables["DOTNET_EnableWriteXorExecute"] = "0";
        // Every hundred kilobytes the runtime names the type that it was just asked for.
        variables["DOTNET_EnableEventPipe"] = "1";
        variables["DOTNET_EventPipeOutputPath"] = Path.Combine(Path.GetFullPath(folder), "allocations.nettrace");
        variables["DOTNET_EventPipeConfig"] = "Microsoft-Windows-DotNETRuntime:0x1:5";
    }

    public static CpuProfile Start(int process, string folder) =>
        new(Run("perf", ["record", "-e", "cpu-clock", "-F", "499", "-g", "-p", $"{process}", "-o", Path.Combine(folder, "perf.data")]), folder);

    public async Task FinishAsync()
    {
        using (var interrupt = Run("kill", ["-INT", $"{recorder.Id}"]))
            await interrupt.WaitForExitAsync();
        await recorder.WaitForExitAsync();
        await ReportAsync("own.txt", "--no-children");
        await ReportAsync("inclusive.txt", "--children");
    }

    public void Dispose()
    {
        if (!recorder.HasExited)
            recorder.Kill();
        recorder.Dispose();
    }

    private async Task ReportAsync(string name, string by)
    {
        using var report = Run("perf", ["report", "-i", Path.Combine(folder, "perf.data"), "--stdio", by, "-g", "none", "--percent-limit", "0.2", "--sort", "symbol"]);
        await File.WriteAllTextAsync(Path.Combine(folder, name), await report.StandardOutput.ReadToEndAsync());
        await report.WaitForExitAsync();
    }

    private static Process Run(string program, string[] arguments)
    {
        var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        // Nobody reads its complaints, and a full pipe would stop it.
        process.BeginErrorReadLine();
        return process;
    }
}
