using System.Globalization;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Telemetry;

/// <summary>What is waiting.</summary>
/// <param name="Stages">By stage: leads whose stage is outstanding, and for how long the one that is not deferred has waited longest.</param>
/// <param name="Unknown">Effects whose outcome is not known.</param>
/// <param name="DeadLetters">Those that wait by group, the largest first; the last is all others.</param>
public sealed record BacklogNumbers(IReadOnlyList<(string Name, long Leads, double OldestSeconds)> Stages, long Unknown, IReadOnlyList<(string Group, long Count)> DeadLetters)
{
    internal static readonly string[] StageNames = ["analysis", "execution"];

    /// <summary>Before anybody has looked.</summary>
    public static BacklogNumbers None { get; } = new([.. StageNames.Select(name => (name, 0L, 0d))], 0, [("other", 0)]);
}

/// <summary>Reads what is waiting from the database. Cheap whatever has ended: it goes through the index of what is under way.</summary>
public sealed class BacklogReader(SqlDatabase database, TimeProvider time)
{
    private const int MostGroups = 50;

    /// <summary>The numbers as they are now.</summary>
    public async Task<BacklogNumbers> ReadAsync(CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        // Through the sweeper's index: what is under way is in it, and what has ended is not, however much that is.
        var stages = await session.QueryAsync(
            "SELECT pending, COUNT(*), MIN(CASE WHEN status = 'Deferred' THEN NULL ELSE updated_at END) FROM leads WHERE sweep_at IS NOT NULL AND pending IS NOT NULL GROUP BY pending",
            r => (Name: r.GetString(0), Leads: Number(r.GetValue(1)), Oldest: r.IsDBNull(2) ? (DateTimeOffset?)null : session.Time(r, 2)), cancellationToken);
        // CROSS: SQLite takes the tables in this order then, and would begin with the whole ledger otherwise.
        var unknown = await session.QueryAsync(
            "SELECT COUNT(*) FROM leads l CROSS JOIN effects e WHERE e.received_at = l.received_at AND e.lead_id = l.id AND e.run = l.run AND l.sweep_at IS NOT NULL AND l.pending = 'execution' AND e.state = 'unknown'",
            r => Number(r.GetValue(0)), cancellationToken);
        // One that is being sent is back in its queue in a moment; or somebody has died over it, and then it waits as the others do.
        var groups = await session.QueryAsync(
            "SELECT fingerprint, COUNT(*) FROM dead_letters WHERE state IN ('open', 'sending') GROUP BY fingerprint ORDER BY COUNT(*) DESC, fingerprint",
            r => (Group: r.GetString(0), Count: Number(r.GetValue(1))), cancellationToken);

        var now = time.GetUtcNow();
        var byName = stages.ToDictionary(s => s.Name);
        return new BacklogNumbers(
            [.. BacklogNumbers.StageNames.Select(name => byName.TryGetValue(name, out var s) ? (name, s.Leads, s.Oldest is { } oldest ? Math.Max(0, (now - oldest).TotalSeconds) : 0) : (name, 0L, 0d))],
            unknown[0],
            [.. groups.Take(MostGroups), ("other", groups.Skip(MostGroups).Sum(g => g.Count))]);
    }

    private static long Number(object value) => Convert.ToInt64(value, CultureInfo.InvariantCulture);
}
