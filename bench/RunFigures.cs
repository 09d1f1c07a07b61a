using Npgsql;

namespace LeadPipeline.Bench;

/// <summary>Reads what a run came to.</summary>
internal sealed class RunFigures(BenchOptions options, Place place, Consumers consumers)
{
    /// <summary>Reads it.</summary>
    /// <param name="began">From when on the leads were received.</param>
    /// <param name="before">Counters before.</param>
    /// <param name="after">Counters after.</param>
    /// <param name="looks">Statements of our own meanwhile.</param>
    /// <param name="logFrom">Where the run began in the database's log; null: statements were not counted.</param>
    public async Task<Figures> ReadAsync(DateTimeOffset began, Snapshot before, Snapshot after, int looks, long? logFrom)
    {
        await using var connection = await place.Database.ConnectAsync();
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
        var statements = logFrom is { } from ? Servers.Logged(from) : null;
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
            Allocated = consumers.Addresses.Count == 0 ? null : (after.Runtime.Allocated - before.Runtime.Allocated) / n / 1000,
            Collecting = consumers.Addresses.Count == 0 ? null : (after.Runtime.Paused - before.Runtime.Paused) / n * 1000,
            PeakMegabytes = consumers.Processes.Max(w => ProcessCpu.PeakMegabytes(w.Id)),
            Outcomes = outcomes,
            Sound = outcomes.Values.Sum() == options.Leads && !outcomes.Keys.Any(k => k.EndsWith(')')),
            Notes = statements is null ? [] : [.. statements.Take(30).Select(s => $"{s.Count / n,8:0.000} a lead, {s.Milliseconds / n * 1000,7:0} µs a lead  {s.Statement}"), .. scans],
        };
    }
}
