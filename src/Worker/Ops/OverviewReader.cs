using System.Globalization;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Approvals;
using LeadPipeline.Worker.Storage.Sql;
using LeadPipeline.Worker.Telemetry;

namespace LeadPipeline.Worker.Ops;

/// <summary>Leads that arrived within one hour, by where they stand now.</summary>
/// <param name="From">When the hour begins.</param>
/// <param name="Counts">By status; those that there are.</param>
public sealed record HourOfLeads(DateTimeOffset From, IReadOnlyDictionary<LeadStatus, int> Counts)
{
    /// <summary>All of them.</summary>
    public int Total => Counts.Values.Sum();
}

/// <summary>How things stand, for people who look in.</summary>
public sealed record PipelineOverview
{
    /// <summary>When it was read.</summary>
    public required DateTimeOffset At { get; init; }
    /// <summary>The last 24 hours, the earliest first.</summary>
    public required IReadOnlyList<HourOfLeads> Hours { get; init; }
    /// <summary>Verdicts of grounding over leads of the last 24 hours; those that there are.</summary>
    public required IReadOnlyDictionary<GroundingStatus, int> Grounding { get; init; }
    /// <summary>What is under way and what waits.</summary>
    public required BacklogNumbers Backlog { get; init; }
    /// <summary>Leads that wait for a person's review.</summary>
    public required int Reviews { get; init; }
    /// <summary>Requests that wait for somebody's yes.</summary>
    public required int Approvals { get; init; }
    /// <summary>From receipt to the end, of the latest thousand leads in their first run: the middle one, and the slowest but one in twenty. Null: none has ended.</summary>
    public required (TimeSpan Median, TimeSpan P95)? EndToEnd { get; init; }

    /// <summary>Leads of the last 24 hours by where they stand.</summary>
    public IReadOnlyDictionary<LeadStatus, int> Statuses =>
        Hours.SelectMany(h => h.Counts).GroupBy(c => c.Key).ToDictionary(g => g.Key, g => g.Sum(c => c.Value));

    /// <summary>Dead letters that wait for somebody.</summary>
    public long DeadLetters => Backlog.DeadLetters.Sum(d => d.Count);
}

/// <summary>
/// Reads the overview. Several people may have it open, and each page asks every few seconds: they share one reading, which is at most
/// <see cref="Fresh"/> old, so that looking costs the same however many look.
/// </summary>
public sealed class OverviewReader(SqlDatabase database, BacklogReader backlog, TimeProvider time) : IDisposable
{
    /// <summary>How long a reading is good enough.</summary>
    public static readonly TimeSpan Fresh = TimeSpan.FromSeconds(3);

    private const int HoursShown = 24, LatestLeads = 1000;

    private readonly SemaphoreSlim one = new(1, 1);
    private PipelineOverview? latest;

    /// <summary>The overview.</summary>
    public async Task<PipelineOverview> ReadAsync(CancellationToken cancellationToken)
    {
        await one.WaitAsync(cancellationToken);
        try
        {
            return latest is { } recent && time.GetUtcNow() - recent.At < Fresh ? recent : latest = await FromDatabaseAsync(cancellationToken);
        }
        finally
        {
            one.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => one.Dispose();

    /// <summary>The middle one, and the slowest but one in twenty; null when there are none. Pure.</summary>
    public static (TimeSpan Median, TimeSpan P95)? Percentiles(IEnumerable<TimeSpan> durations)
    {
        var sorted = durations.Order().ToList();
        return sorted.Count == 0 ? null : (At(0.5), At(0.95));
        TimeSpan At(double part) => sorted[(int)Math.Ceiling(part * sorted.Count) - 1];
    }

    private async Task<PipelineOverview> FromDatabaseAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var thisHour = new DateTimeOffset(now.Year, now.Month, now.Day, now.Hour, 0, 0, TimeSpan.Zero);
        var begins = Enumerable.Range(0, HoursShown).Select(h => thisHour.AddHours(h - HoursShown + 1)).ToList();
        await using var session = await database.OpenReaderAsync(cancellationToken);

        // One scan over the index of arrivals; the hours are told apart in the statement because the two databases keep times differently.
        var cases = string.Concat(begins.Skip(1).Select((_, i) => string.Create(CultureInfo.InvariantCulture, $"WHEN received_at < @h{i + 1} THEN {i} ")));
        var hours = begins.Select((at, i) => ($"h{i}", (object?)at)).ToArray();
        var counts = await session.QueryAsync(
            $"SELECT CASE {cases} ELSE {HoursShown - 1} END AS hour, status, COUNT(*) FROM leads WHERE received_at >= @h0 GROUP BY 1, 2",
            r => (Hour: Number(r.GetValue(0)), Status: Enum.Parse<LeadStatus>(r.GetString(1)), Count: Number(r.GetValue(2))), cancellationToken, hours);
        var grounding = await session.QueryAsync(
            "SELECT r.grounding_status, COUNT(*) FROM leads l JOIN lead_runs r ON r.lead_id = l.id AND r.run = l.run WHERE l.received_at >= @since AND r.grounding_status IS NOT NULL GROUP BY r.grounding_status",
            r => (Status: Enum.Parse<GroundingStatus>(r.GetString(0)), Count: Number(r.GetValue(1))), cancellationToken, ("since", begins[0]));
        var reviews = await session.QueryAsync(
            "SELECT COUNT(*) FROM leads l LEFT JOIN review_verdicts v ON v.lead_id = l.id AND v.run = l.run WHERE l.status IN ('Rejected', 'NeedsReview', 'Blocked') AND v.id IS NULL",
            r => Number(r.GetValue(0)), cancellationToken);
        var approvals = await session.QueryAsync(
            "SELECT COUNT(*) FROM approvals WHERE state = @open AND expires_at > @now", r => Number(r.GetValue(0)), cancellationToken, ("open", Storage.ApprovalStore.Name(ApprovalState.Open)), ("now", now));
        var durations = await session.QueryAsync(
            "SELECT received_at, updated_at FROM leads WHERE run = 1 AND pending IS NULL ORDER BY received_at DESC LIMIT @most",
            r => session.Time(r, 1) - session.Time(r, 0), cancellationToken, ("most", LatestLeads));

        var byHour = counts.ToLookup(c => c.Hour);
        return new PipelineOverview
        {
            At = now,
            Hours = [.. begins.Select((from, i) => new HourOfLeads(from, byHour[i].ToDictionary(c => c.Status, c => c.Count)))],
            Grounding = grounding.ToDictionary(g => g.Status, g => g.Count),
            Backlog = await backlog.ReadAsync(cancellationToken),
            Reviews = reviews[0],
            Approvals = approvals[0],
            EndToEnd = Percentiles(durations),
        };
    }

    private static int Number(object value) => Convert.ToInt32(value, CultureInfo.InvariantCulture);
}
