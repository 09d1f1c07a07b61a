using System.Diagnostics;
using System.Text.Json;
using LeadPipeline.TestKit;

namespace LeadPipeline.Bench;

/// <summary>One run of <c>process</c> on a file, as a newcomer does it: no servers, SQLite, the embedded queue, start-up included.</summary>
internal static class EmbeddedRun
{
    public static async Task<Figures> RunAsync(BenchOptions options, int run, RunPurpose purpose = RunPurpose.Measure)
    {
        using var folder = new TempFolder();
        var file = Path.Combine(folder.Path, "leads.jsonl");
        var generator = new LeadGenerator(run);
        await using (var stream = File.Create(file))
        {
            for (var i = 0; i < options.Leads; i++)
            {
                await stream.WriteAsync(generator.Next(i));
                stream.WriteByte((byte)'\n');
            }
        }

        var (machine, self) = (ProcessCpu.OfMachine(), Environment.CpuUsage.TotalTime.TotalSeconds);
        var watch = Stopwatch.StartNew();
        var variables = Consumers.WithPassedOn(new Dictionary<string, string>
        {
            ["Data__Directory"] = Path.Combine(folder.Path, "data"),
            ["Enrichment__Directory__File"] = LeadGenerator.CompaniesFile,
        });
        if (purpose == RunPurpose.Profile)
            CpuProfile.Prepare(variables, options.Profile!);
        await using var worker = WorkerProcess.Start(["process", file, "--json"], variables, folder.Path);
        using var profile = purpose == RunPurpose.Profile ? CpuProfile.Start(worker.Id, options.Profile!) : null;
        double? cpu = null, peak = null;
        var ended = worker.WaitForExitAsync(TimeSpan.FromMinutes(10));
        // A process that is gone has no figures any more, so the last ones before that count.
        while (!ended.IsCompleted)
        {
            try
            {
                (cpu, peak) = (ProcessCpu.OfTree(worker.Id) ?? cpu, ProcessCpu.PeakMegabytes(worker.Id) ?? peak);
            }
            catch (IOException)
            {
                break;
            }
            await Task.WhenAny(ended, Task.Delay(100));
        }
        var exit = await ended;
        var seconds = watch.Elapsed.TotalSeconds;
        if (profile is not null)
            await profile.FinishAsync();

        var printed = string.Concat(worker.Output);
        var outcomes = JsonElement.Parse(printed) is var result && result.TryGetProperty("outcomes", out var statuses)
            ? statuses.EnumerateObject().ToDictionary(s => s.Name, s => s.Value.GetInt64())
            : [];
        return new Figures
        {
            LeadsPerSecond = options.Leads / seconds,
            WorkerCpu = cpu / options.Leads * 1000,
            OtherCores = (ProcessCpu.OfMachine() - machine - (Environment.CpuUsage.TotalTime.TotalSeconds - self) - cpu) / seconds,
            PeakMegabytes = peak,
            Outcomes = outcomes,
            Sound = exit == 0 && outcomes.Values.Sum() == options.Leads,
            Notes = exit == 0 ? [] : [worker.Transcript()],
        };
    }
}
