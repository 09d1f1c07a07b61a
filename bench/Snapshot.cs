using System.Globalization;

namespace LeadPipeline.Bench;

/// <summary>All counters at one moment: CPU seconds, transactions, messages, what the workers say of themselves.</summary>
internal sealed record Snapshot(
    DateTimeOffset At, double? Worker, double? Broker, double? Database, double Generator, double Machine, long Transactions, IReadOnlyDictionary<string, double> Messages, WorkerCounters Runtime)
{
    /// <summary>Reads the counters.</summary>
    /// <param name="place">Where.</param>
    /// <param name="consumers">Whose.</param>
    /// <param name="counters">The broker's.</param>
    /// <param name="wait">Whether the broker's counters are to be of now, which takes a moment.</param>
    public static async Task<Snapshot> TakeAsync(Place place, Consumers consumers, BrokerCounters counters, bool wait = false)
    {
        var (worker, mq, pg, self, machine) = (consumers.Processes.Sum(w => ProcessCpu.OfTree(w.Id)), ProcessCpu.OfTree(Servers.Broker), ProcessCpu.OfTree(Servers.Database),
            Environment.CpuUsage.TotalTime.TotalSeconds, ProcessCpu.OfMachine());
        var at = DateTimeOffset.UtcNow;
        // Transactions that have written something, that is: commits that were waited for.
        var transactions = await place.Database.QueryAsync<long>("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint");
        if (wait)
            await Task.Delay(BrokerCounters.Age);
        return new Snapshot(at, worker, mq, pg, self, machine, transactions, await counters.ReadAsync(), await WorkerCounters.ReadAsync(consumers.Addresses));
    }
}

/// <summary>What the workers count: bytes handed out, seconds of collecting, calls to the CRM.</summary>
internal readonly record struct WorkerCounters(double Allocated, double Paused, double CrmCalls)
{
    private static readonly HttpClient Http = new();

    public static async Task<WorkerCounters> ReadAsync(IReadOnlyList<Uri> addresses)
    {
        var (allocated, paused, calls) = (0d, 0d, 0d);
        foreach (var address in addresses)
        {
            foreach (var line in (await Http.GetStringAsync(new Uri(address, "metrics"))).Split('\n'))
            {
                allocated += Value(line, "dotnet_gc_heap_total_allocated");
                paused += Value(line, "dotnet_gc_pause_time");
                calls += line.Contains("crm_provider=\"mock\"", StringComparison.Ordinal) ? Value(line, "mcp_circuit_breaker_requests_total") : 0;
            }
        }
        return new WorkerCounters(allocated, paused, calls);

        static double Value(string line, string name) =>
            line.StartsWith(name, StringComparison.Ordinal) ? double.Parse(line.AsSpan(line.LastIndexOf(' ') + 1), CultureInfo.InvariantCulture) : 0;
    }
}
