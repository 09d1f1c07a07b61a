using System.Diagnostics.Metrics;
using System.Globalization;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Telemetry;

/// <summary>
/// What is waiting, read from the database now and then for the gauges: leads under way and how old the oldest is, effects whose outcome is not
/// known, dead letters by group. All workers of a database show the same numbers.
/// </summary>
public sealed partial class Backlog(SqlDatabase database, TimeProvider time, ILogger<Backlog> logger) : BackgroundService
{
    private const int MostGroups = 50;
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(10);
    private static readonly string[] StageNames = ["analysis", "execution"];

    // Gauges live as long as the process, and more than one host may come and go in it: the last one to look is the one they show.
    private static Numbers shown = new([.. StageNames.Select(name => (name, 0L, 0d))], 0, [("other", 0)]);

    static Backlog()
    {
        _ = PipelineMeters.Meter.CreateObservableGauge("leads_in_flight", () => shown.Stages.Select(s => new Measurement<long>(s.Leads, Stage(s.Name))), "{lead}", "Leads whose stage is outstanding, deferred ones among them.");
        _ = PipelineMeters.Meter.CreateObservableGauge("lead_queue_oldest_age_seconds", () => shown.Stages.Select(s => new Measurement<double>(s.OldestSeconds, Stage(s.Name))), "s", "Age of the lead that has waited longest for a stage, deferred ones left out.");
        _ = PipelineMeters.Meter.CreateObservableGauge("dead_letters", () => shown.DeadLetters.Select(d => new Measurement<long>(d.Count, new KeyValuePair<string, object?>("group", d.Group))), "{message}", "Dead letters that wait for somebody, by group.");
        GuardMeters.ShowUnknown(() => shown.Unknown);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, time);
        do
        {
            try
            {
                shown = await ReadAsync(stoppingToken);
            }
#pragma warning disable CA1031 // Gauges that could not be read are no reason to stop; the next round tries again.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                if (stoppingToken.IsCancellationRequested)
                    return;
                Log.NotRead(logger, exception.GetType().Name);
            }
        }
        while (await timer.NextAsync(stoppingToken));
    }

    private async Task<Numbers> ReadAsync(CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        // Through the sweeper's index: what is under way is in it, and what has ended is not, however much that is.
        var stages = await session.QueryAsync(
            "SELECT pending, COUNT(*), MIN(CASE WHEN status = 'Deferred' THEN NULL ELSE updated_at END) FROM leads WHERE sweep_at IS NOT NULL AND pending IS NOT NULL GROUP BY pending",
            r => (Name: r.GetString(0), Leads: Number(r.GetValue(1)), Oldest: r.IsDBNull(2) ? (DateTimeOffset?)null : session.Time(r, 2)), cancellationToken);
        var unknown = await session.QueryAsync(
            "SELECT COUNT(*) FROM leads l JOIN effects e ON e.lead_id = l.id AND e.run = l.run WHERE l.sweep_at IS NOT NULL AND l.pending = 'execution' AND e.state = 'unknown'",
            r => Number(r.GetValue(0)), cancellationToken);
        var groups = await session.QueryAsync(
            "SELECT fingerprint, COUNT(*) FROM dead_letters WHERE state = 'open' GROUP BY fingerprint ORDER BY COUNT(*) DESC, fingerprint",
            r => (Group: r.GetString(0), Count: Number(r.GetValue(1))), cancellationToken);

        var now = time.GetUtcNow();
        var byName = stages.ToDictionary(s => s.Name);
        return new Numbers(
            [.. StageNames.Select(name => byName.TryGetValue(name, out var s) ? (name, s.Leads, s.Oldest is { } oldest ? Math.Max(0, (now - oldest).TotalSeconds) : 0) : (name, 0L, 0d))],
            unknown[0],
            [.. groups.Take(MostGroups), ("other", groups.Skip(MostGroups).Sum(g => g.Count))]);
    }

    private static KeyValuePair<string, object?> Stage(string name) => new("stage", name);

    private static long Number(object value) => Convert.ToInt64(value, CultureInfo.InvariantCulture);

    private sealed record Numbers(IReadOnlyList<(string Name, long Leads, double OldestSeconds)> Stages, long Unknown, IReadOnlyList<(string Group, long Count)> DeadLetters);

    private static partial class Log
    {
        [LoggerMessage(310, LogLevel.Debug, "The numbers of what is waiting could not be read: {Exception}")]
        public static partial void NotRead(ILogger logger, string exception);
    }
}
