using System.Diagnostics;
using System.Globalization;
using LeadPipeline.TestKit;
using Npgsql;

namespace LeadPipeline.Bench;

/// <summary>One run against real servers: workers as processes, a warm-up, then the leads that count.</summary>
internal sealed class BrokerRun(BenchOptions options, TestDatabase database, TestBroker broker, IReadOnlyList<WorkerProcess> workers, IReadOnlyList<Uri> addresses)
{
    private static readonly HttpClient Http = new();

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5), Look = TimeSpan.FromMilliseconds(400);

    public static async Task<Figures> RunAsync(BenchOptions options, int run, RunPurpose purpose)
    {
        await using var database = await TestServers.CreateDatabaseAsync();
        await using var broker = await TestServers.CreateBrokerAsync();
        if (purpose == RunPurpose.CountStatements)
            await database.ExecuteAsync($"ALTER DATABASE \"{database.Name}\" SET log_min_duration_statement = 0; ALTER DATABASE \"{database.Name}\" SET log_parameter_max_length = 0");
        using var data = new TempFolder();
        var workers = new List<WorkerProcess>();
        try
        {
            var addresses = Enumerable.Range(0, options.Workers).Select(_ => new Uri($"http://127.0.0.1:{WorkerProcess.FreePort()}")).ToList();
            foreach (var address in addresses)
                workers.Add(await StartAsync(options, address, database, broker, data.Path, purpose));
            return await new BrokerRun(options, database, broker, workers, addresses).MeasureAsync(run, purpose);
        }
        finally
        {
            foreach (var worker in workers)
            {
                if (!worker.HasExited)
                    await worker.StopAsync(TimeSpan.FromSeconds(40));
                await worker.DisposeAsync();
            }
        }
    }

    private static async Task<WorkerProcess> StartAsync(BenchOptions options, Uri address, TestDatabase database, TestBroker broker, string data, RunPurpose purpose)
    {
        var variables = new Dictionary<string, string>
        {
            ["ConnectionStrings__Database"] = database.ConnectionString,
            ["ConnectionStrings__Broker"] = broker.Uri.ToString(),
            ["Data__Directory"] = data,
            ["Http__Url"] = address.ToString(),
            ["Enrichment__Directory__File"] = LeadGenerator.CompaniesFile,
            ["Messaging__HandOver"] = $"{options.HandOver}",
            ["Messaging__PrefetchCount"] = $"{options.Prefetch}",
        };
        if (purpose == RunPurpose.Profile)
            CpuProfile.Prepare(variables, options.Profile!);
        _ = WithPassedOn(variables);
        var worker = WorkerProcess.Start(["run"], variables, data);
        await worker.UntilReadyAsync(address, TimeSpan.FromSeconds(60));
        return worker;
    }

    /// <summary>Adds what an operator wants to try (DOTNET_gcServer, DOTNET_TieredPGO, …), which comes under a prefix.</summary>
    public static Dictionary<string, string> WithPassedOn(Dictionary<string, string> variables)
    {
        foreach (System.Collections.DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            if (variable.Key is string name && name.StartsWith("BENCH_WORKER_", StringComparison.Ordinal))
                variables[name["BENCH_WORKER_".Length..]] = (string)variable.Value!;
        }
        return variables;
    }

    private async Task<Figures> MeasureAsync(int run, RunPurpose purpose)
    {
        using var counters = new BrokerCounters(broker);
        var warmUp = new LeadGenerator(1_000_000 + run);
        await LeadPublisher.PublishAsync(broker, Enumerable.Range(0, options.WarmUp).Select(warmUp.Next));
        await SettleAsync(options.WarmUp);
        // As autovacuum does within a minute: plans made for empty tables read them from end to end.
        await database.ExecuteAsync("ANALYZE");
        await Task.Delay(BrokerCounters.Age);

        // Made before, so that the generator's share is what it takes to publish.
        var generator = new LeadGenerator(run);
        var leads = Enumerable.Range(0, options.Leads).Select(generator.Next).ToList();
        var logFrom = Servers.LogEnd;
        using var profile = purpose == RunPurpose.Profile ? CpuProfile.Start(workers[0].Id, options.Profile!) : null;
        var before = await SnapshotAsync(counters);
        var began = DateTimeOffset.UtcNow;
        await LeadPublisher.PublishAsync(broker, leads);
        var looks = await SettleAsync(options.WarmUp + options.Leads);
        var after = await SnapshotAsync(counters, wait: true);
        if (profile is not null)
            await profile.FinishAsync();

        return await FiguresAsync(began, before, after, looks, logFrom, purpose);
    }

    /// <summary>Waits until so many leads have ended and all their events are out; answers how often it had to look.</summary>
    private async Task<int> SettleAsync(int leads)
    {
        var watch = Stopwatch.StartNew();
        await using var connection = await database.ConnectAsync();
        await using var command = new NpgsqlCommand("SELECT count(*) FILTER (WHERE sweep_at IS NULL) FROM leads", connection);
        for (var looks = 1; ; looks++)
        {
            if ((long)(await command.ExecuteScalarAsync())! >= leads)
                return looks;
            if (watch.Elapsed > Patience)
                throw new TimeoutException($"After {Patience} not all of {leads} leads have ended.\n{workers[0].Transcript()[..2000]}");
            if (workers.FirstOrDefault(w => w.HasExited) is { } gone)
                throw new InvalidOperationException($"A worker has ended with exit code {gone.ExitCode}.\n{gone.Transcript()}");
            await Task.Delay(Look);
        }
    }

    private async Task<Snapshot> SnapshotAsync(BrokerCounters counters, bool wait = false)
    {
        var (worker, mq, pg, self, machine) = (workers.Sum(w => ProcessCpu.OfTree(w.Id)), ProcessCpu.OfTree(Servers.Broker), ProcessCpu.OfTree(Servers.Database),
            Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds, ProcessCpu.OfMachine());
        var at = DateTimeOffset.UtcNow;
        // Transactions that have written something, that is: commits that were waited for.
        var transactions = await database.QueryAsync<long>("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint");
        if (wait)
            await Task.Delay(BrokerCounters.Age);
        return new Snapshot(at, worker, mq, pg, self, machine, transactions, await counters.ReadAsync(), await RuntimeAsync());
    }

    /// <summary>What the workers' runtimes say of their memory: bytes handed out, seconds of collecting.</summary>
    private async Task<(double Allocated, double Paused)> RuntimeAsync()
    {
        var (allocated, paused) = (0d, 0d);
        foreach (var address in addresses)
        {
            foreach (var line in (await Http.GetStringAsync(new Uri(address, "metrics"))).Split('\n'))
            {
                allocated += Value(line, "dotnet_gc_heap_total_allocated");
                paused += Value(line, "dotnet_gc_pause_time");
            }
        }
        return (allocated, paused);

        static double Value(string line, string name) =>
            line.StartsWith(name, StringComparison.Ordinal) ? double.Parse(line.AsSpan(line.LastIndexOf(' ') + 1), CultureInfo.InvariantCulture) : 0;
    }

    private async Task<Figures> FiguresAsync(DateTimeOffset began, Snapshot before, Snapshot after, int looks, long? logFrom, RunPurpose purpose)
    {
        await using var connection = await database.ConnectAsync();
        var since = new NpgsqlParameter("since", began);
        await using var times = new NpgsqlCommand(
            """
            SELECT max(updated_at), percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM updated_at - received_at)::float8),
                   percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM updated_at - received_at)::float8)
            FROM leads WHERE received_at >= @since
            """, connection)
        { Parameters = { since } };
        DateTimeOffset ended;
        double p50, p99;
        await using (var row = await times.ExecuteReaderAsync())
        {
            await row.ReadAsync();
            (ended, p50, p99) = (row.GetFieldValue<DateTimeOffset>(0), row.GetDouble(1), row.GetDouble(2));
        }
        var outcomes = new SortedDictionary<string, long>(StringComparer.Ordinal);
        await using (var byStatus = new NpgsqlCommand("SELECT l.status || coalesce(' ' || r.decision, ''), count(*), bool_and(l.pending IS NULL) FROM leads l LEFT JOIN lead_runs r ON r.lead_id = l.id AND r.run = l.run WHERE l.received_at >= @since GROUP BY 1", connection) { Parameters = { since.Clone() } })
        await using (var rows = await byStatus.ExecuteReaderAsync())
        {
            while (await rows.ReadAsync())
                outcomes[rows.GetString(0) + (rows.GetBoolean(2) ? "" : " (not ended)")] = rows.GetInt64(1);
        }

        double n = options.Leads;
        var scans = new List<string>();
        await using (var tables = new NpgsqlCommand("SELECT relname, seq_tup_read FROM pg_stat_user_tables WHERE seq_tup_read > @n ORDER BY seq_tup_read DESC", connection) { Parameters = { new("n", n) } })
        await using (var rows = await tables.ExecuteReaderAsync())
        {
            while (await rows.ReadAsync())
                scans.Add($"{rows.GetInt64(1) / n,8:0} rows a lead were read by scanning all of {rows.GetString(0)}");
        }
        var statements = purpose == RunPurpose.CountStatements && logFrom is { } from ? Servers.Logged(from) : null;
        var ours = (after.Worker - before.Worker) + (after.Broker - before.Broker) + (after.Database - before.Database) + (after.Generator - before.Generator);
        return new Figures
        {
            LeadsPerSecond = n / (ended - began).TotalSeconds,
            P50Seconds = p50,
            P99Seconds = p99,
            WorkerCpu = (after.Worker - before.Worker) / n * 1000,
            BrokerCpu = (after.Broker - before.Broker) / n * 1000,
            DatabaseCpu = (after.Database - before.Database) / n * 1000,
            GeneratorCpu = (after.Generator - before.Generator) / n * 1000,
            OtherCores = (after.Machine - before.Machine - ours) / (after.At - before.At).TotalSeconds,
            Commits = (after.Transactions - before.Transactions) / n,
            Statements = (statements?.Sum(s => s.Count) - looks) / n,
            Messages = after.Messages.ToDictionary(m => m.Key, m => (m.Value - before.Messages.GetValueOrDefault(m.Key)) / n),
            Allocated = (after.Runtime.Allocated - before.Runtime.Allocated) / n / 1000,
            Collecting = (after.Runtime.Paused - before.Runtime.Paused) / n * 1000,
            PeakMegabytes = workers.Max(w => ProcessCpu.PeakMegabytes(w.Id)),
            Outcomes = outcomes,
            Sound = outcomes.Values.Sum() == options.Leads && !outcomes.Keys.Any(k => k.EndsWith(')')),
            Notes = statements is null ? [] : [.. statements.Take(30).Select(s => $"{s.Count / n,8:0.000} a lead, {s.Milliseconds / n * 1000,7:0} µs a lead  {s.Statement}"), .. scans],
        };
    }

    private sealed record Snapshot(
        DateTimeOffset At, double? Worker, double? Broker, double? Database, double Generator, double Machine, long Transactions, Dictionary<string, double> Messages,
        (double Allocated, double Paused) Runtime);
}
