using System.Globalization;
using System.Text.Json;
using LeadPipeline.TestKit;

namespace LeadPipeline.Bench.Door;

/// <summary>What the doors came to in one stretch; CPU in microseconds a post.</summary>
internal sealed record DoorFigures(
    string Door, int Posts, int Refused, double PerSecond, double P50, double P99, double WorkerCpu, double? BrokerCpu, double GeneratorCpu, double OtherCores, double WorkerMegabytes, long Queued);

/// <summary>Posts at a worker that is a door only, with a real broker behind it: how many a second, how long each, and what stays in memory.</summary>
internal sealed class DoorSession(BenchOptions options)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public async Task<int> RunAsync()
    {
        await using var database = await TestServers.CreateDatabaseAsync();
        await using var broker = await TestServers.CreateBrokerAsync();
        using var folder = new TempFolder();
        var address = new Uri($"http://127.0.0.1:{WorkerProcess.FreePort()}");
        var variables = Consumers.WithPassedOn(new Dictionary<string, string>
        {
            ["ConnectionStrings__Database"] = database.ConnectionString,
            ["ConnectionStrings__Broker"] = broker.Uri.ToString(),
            ["Data__Directory"] = folder.Path,
            ["Http__Url"] = address.ToString(),
            ["Messaging__Consume"] = "false",
            ["Webhooks__standard__Secrets__0"] = DoorRequests.Secret,
        });
        if (options.Profile is { } profiled)
            CpuProfile.Prepare(variables, profiled);
        await using var worker = WorkerProcess.Start(["run"], variables, folder.Path);
        await worker.UntilReadyAsync(address, Patience);

        var refused = 0;
        // For the compiler: what comes first is answered by code that is still being made.
        for (var warm = 0; warm < 3; warm++)
        {
            _ = await DoorLoad.PostAsync(address, DoorRequests.Leads(address, 900 + warm, 5000), options.Connections);
            _ = await DoorLoad.PostAsync(address, DoorRequests.Webhooks(address, 910 + warm, 5000), options.Connections);
        }
        using var profile = options.Profile is { } into ? CpuProfile.Start(worker.Id, into) : null;
        if (!options.Json)
            Console.WriteLine("| door | posts/s | p50, ms | p99, ms | worker CPU µs a post | broker | generator | others, cores | worker, MB |\n|---|---|---|---|---|---|---|---|---|");
        for (var run = 1; run <= options.Runs; run++)
        {
            foreach (var (door, make) in ((string, Func<Uri, int, int, List<byte[]>>)[])[("POST /leads", DoorRequests.Leads), ("POST /webhooks/standard", DoorRequests.Webhooks)])
                refused += Print(await MeasureAsync(worker, broker, address, door, make(address, run, options.Posts)));
        }
        if (profile is not null)
            await profile.FinishAsync();
        for (var stretch = 0; stretch < options.MemoryPosts / 20_000; stretch++)
            refused += Print(await MeasureAsync(worker, broker, address, $"memory: {(stretch + 1) * 20_000} posts to /leads", DoorRequests.Leads(address, 100 + stretch, 20_000)));
        return refused == 0 ? 0 : 1;
    }

    private async Task<DoorFigures> MeasureAsync(WorkerProcess worker, TestBroker broker, Uri address, string door, List<byte[]> requests)
    {
        GC.Collect();
        var (cpu, mq, self, machine) = (ProcessCpu.OfTree(worker.Id)!.Value, ProcessCpu.OfTree(Servers.Broker), Environment.CpuUsage.TotalTime.TotalSeconds, ProcessCpu.OfMachine());
        var answers = await DoorLoad.PostAsync(address, requests, options.Connections);
        (cpu, mq, self, machine) = (ProcessCpu.OfTree(worker.Id)!.Value - cpu, ProcessCpu.OfTree(Servers.Broker) - mq, Environment.CpuUsage.TotalTime.TotalSeconds - self, ProcessCpu.OfMachine() - machine);
        var queued = (await broker.QueuesAsync()).Single(q => q.Name == "lead-intake").Messages;
        return new DoorFigures(
            door, answers.Posts, answers.Refused, answers.PerSecond, answers.Percentile(0.5), answers.Percentile(0.99),
            cpu * 1e6 / answers.Posts, mq * 1e6 / answers.Posts, self * 1e6 / answers.Posts, Math.Max(0, machine - cpu - (mq ?? 0) - self) / answers.Seconds, Megabytes(worker.Id), queued);
    }

    private int Print(DoorFigures figures)
    {
        Console.WriteLine(options.Json
            ? JsonSerializer.Serialize(figures)
            : $"| {figures.Door} | {figures.PerSecond:0} | {figures.P50:0.0} | {figures.P99:0.0} | {figures.WorkerCpu:0} | {figures.BrokerCpu:0} | {figures.GeneratorCpu:0} | {figures.OtherCores:0.00} | {figures.WorkerMegabytes:0} |{(figures.Refused > 0 ? $" {figures.Refused} REFUSED" : "")}");
        return figures.Refused;
    }

    /// <summary>Memory of the process that is in use now.</summary>
    private static double Megabytes(int process)
    {
        var line = File.ReadLines($"/proc/{process}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;
    }
}
