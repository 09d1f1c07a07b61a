using LeadPipeline.Mcp.Guards;
using LeadPipeline.Worker.Storage.Sql;
using static LeadPipeline.Worker.Storage.Sql.ColumnType;

namespace LeadPipeline.Worker.Storage;

/// <summary>
/// Limits in the database. Requests that come while a transaction is under way share the next one, so a limit costs one small transaction for
/// many leads, and nothing is handed out in advance that a dying worker could take with it.
/// </summary>
public sealed class RateLimiter : IRateLimiter, IAsyncDisposable
{
    private const int LargestGroup = 128;
    private const int LockSpace = 0x4C494D54;
    private static readonly TimeSpan TidyEvery = TimeSpan.FromMinutes(1);
    private static readonly BulkInsert NewRows = new("rate_limits", "name", new("name", Text), new("taken", Bytes), new("idle_at", Time));
    private static readonly BulkUpdate Rows = new("rate_limits", new("name", Text), [], new("taken", Bytes), new("idle_at", Time));

    private readonly SqlDatabase database;
    private readonly TimeProvider time;
    private readonly Grouped<RateRequest, RateAnswer> group;
    private DateTimeOffset tidied;

    /// <summary>Starts with the first request.</summary>
    public RateLimiter(SqlDatabase database, TimeProvider time)
    {
        (this.database, this.time) = (database, time);
        group = new(LargestGroup, null, DecideAsync, exception => !database.IsTransient(exception));
    }

    /// <inheritdoc/>
    public Task<RateAnswer> AskAsync(RateRequest request) => group.RunAsync(request);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => group.DisposeAsync();

    private async Task<IReadOnlyList<RateAnswer>> DecideAsync(IReadOnlyList<RateRequest> requests, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        await session.BeginAsync(cancellationToken);
        // One after the other over all workers: they would meet at the row of the global limit anyway, and so no two can lock each other out.
        if (database is PostgresDatabase)
            _ = await session.ExecuteAsync("SELECT pg_advisory_xact_lock(@space)", cancellationToken, ("space", (long)LockSpace));
        var limits = requests.SelectMany(r => r.Limits).DistinctBy(l => l.Name).ToList();
        var known = (await session.QueryAsync(
            "SELECT name, taken FROM rate_limits WHERE {in:name}", r => (Name: r.GetString(0), Window: RateWindow.Read((byte[])r.GetValue(1))), cancellationToken,
            ("name", limits.Select(l => l.Name).ToArray()))).ToDictionary(r => r.Name, r => r.Window);
        var windows = limits.ToDictionary(l => l.Name, l => known.GetValueOrDefault(l.Name) ?? new RateWindow());

        var now = time.GetUtcNow();
        var answers = requests.Select(r => RateWindow.Decide(r, windows, now)).ToList();

        await WriteAsync(session, limits, windows, known, cancellationToken);
        if (now - tidied >= TidyEvery)
        {
            _ = await session.ExecuteAsync("DELETE FROM rate_limits WHERE idle_at < @now", cancellationToken, ("now", now));
            tidied = now;
        }
        await session.CommitAsync(cancellationToken);
        return answers;
    }

    private static async Task WriteAsync(
        SqlSession session, List<RateLimit> limits, Dictionary<string, RateWindow> windows, Dictionary<string, RateWindow> known, CancellationToken cancellationToken)
    {
        var rows = limits.ToLookup(l => known.ContainsKey(l.Name), l => new object?[] { l.Name, windows[l.Name].ToBytes(), windows[l.Name].IdleAt(l) });
        if (rows[false].ToList() is { Count: > 0 } added)
            _ = await session.InsertAsync(NewRows, added, cancellationToken);
        if (rows[true].ToList() is { Count: > 0 } changed)
            _ = await session.UpdateAsync(Rows, changed, cancellationToken);
    }
}
