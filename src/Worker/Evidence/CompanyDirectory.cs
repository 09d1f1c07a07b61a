using System.Text.Json.Nodes;
using LeadPipeline.Worker.Analysis;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Evidence;

/// <summary>What the directory knows of a company.</summary>
/// <param name="Facts">Members as in <c>enrichment.*</c>.</param>
/// <param name="LoadedAt">When it was known to be true.</param>
public sealed record KnownCompany(JsonObject Facts, DateTimeOffset LoadedAt);

/// <summary>How far a load is.</summary>
/// <param name="Companies">Companies that are in the database.</param>
/// <param name="Share">The share of the file that has been read, 0 to 1; 0 when its length is not known.</param>
public readonly record struct LoadProgress(long Companies, double Share);

/// <summary>What came of a load.</summary>
/// <param name="Companies">Rows that were companies; of two with one domain the later counts.</param>
/// <param name="Removed">Companies of earlier loads that are not in the file any more.</param>
/// <param name="Faults">Rows that were none.</param>
/// <param name="FirstFaults">The first of them, each <c>line N: what is wrong</c>.</param>
public sealed record LoadResult(long Companies, long Removed, long Faults, IReadOnlyList<string> FirstFaults);

/// <summary>
/// Companies by domain, in the database. Look-ups of many leads share one statement. A load goes in small transactions, so that nobody waits for it: a look-up
/// meanwhile finds a company as it was or as it is, and never none that both files have.
/// </summary>
public sealed class CompanyDirectory : IAsyncDisposable
{
    /// <summary>Provider of the facts.</summary>
    public const string Provider = "directory";

    private const int BatchSize = 5000;
    private const int ToldFaults = 20;

    private static readonly BulkInsert Companies = new("companies", "domain",
        new("domain", ColumnType.Text), new("facts", ColumnType.Text), new("loaded_at", ColumnType.Time));

    private readonly SqlDatabase database;
    private readonly TimeProvider time;
    private readonly Grouped<string, KnownCompany?> lookups;
    private Confirmation? confirmed;

    /// <summary>Starts with the first look-up.</summary>
    public CompanyDirectory(SqlDatabase database, TimeProvider time)
    {
        (this.database, this.time) = (database, time);
        lookups = new(128, null, ReadAsync, exception => !database.IsTransient(exception));
    }

    /// <summary>The company of a domain, or null.</summary>
    public Task<KnownCompany?> FindAsync(string domain) => lookups.RunAsync(domain);

    /// <summary>The companies of this load were found to be those of the file again: their facts are as of now.</summary>
    /// <param name="loadedAt">When they were loaded.</param>
    public void Confirm(DateTimeOffset loadedAt) => confirmed = new Confirmation(loadedAt, time.GetUtcNow());

    /// <summary>Loads a CSV in place of what was loaded before. Interrupted, it leaves old and new companies side by side; loading once more mends that.</summary>
    /// <param name="csv">The file.</param>
    /// <param name="loadedAt">The name of the load: its time.</param>
    /// <param name="progress">Told after every few thousand companies.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<LoadResult> LoadAsync(Stream csv, DateTimeOffset loadedAt, Action<LoadProgress> progress, CancellationToken cancellationToken)
    {
        var (companies, faults, told) = (0L, 0L, new List<string>());
        var batch = new Dictionary<string, object?[]>(BatchSize, StringComparer.Ordinal);
        await foreach (var row in CompanyCsv.ReadAsync(csv, cancellationToken))
        {
            if (row.Error is { } error)
            {
                if (++faults <= ToldFaults)
                    told.Add($"line {row.Line}: {error}");
                continue;
            }
            companies++;
            batch[row.Domain] = [row.Domain, row.Enrichment.ToJsonString(), loadedAt];
            if (batch.Count < BatchSize)
                continue;
            await WriteAsync(batch, loadedAt, cancellationToken);
            progress(new LoadProgress(companies, csv.CanSeek && csv.Length > 0 ? csv.Position / (double)csv.Length : 0));
        }
        if (batch.Count > 0)
            await WriteAsync(batch, loadedAt, cancellationToken);
        // A file with no company in it is a mistake and not the end of all companies.
        var removed = companies == 0 ? 0 : await RemoveOlderAsync(loadedAt, cancellationToken);
        progress(new LoadProgress(companies, 1));
        return new LoadResult(companies, removed, faults, told);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => lookups.DisposeAsync();

    private async Task WriteAsync(Dictionary<string, object?[]> batch, DateTimeOffset loadedAt, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        await session.BeginAsync(cancellationToken);
        // Another replica may be loading a later file: what it has written is newer, stays, and keeps ours out.
        await session.ExecuteAsync("DELETE FROM companies WHERE {in:domain} AND loaded_at <= @loaded", cancellationToken, ("domain", batch.Keys.ToArray()), ("loaded", loadedAt));
        await session.InsertAsync(Companies, [.. batch.Values], cancellationToken);
        await session.CommitAsync(cancellationToken);
        batch.Clear();
    }

    /// <summary>Once through all companies in the order of their domains, a few thousand in a transaction.</summary>
    private async Task<long> RemoveOlderAsync(DateTimeOffset loadedAt, CancellationToken cancellationToken)
    {
        var (removed, last) = (0L, "");
        while (true)
        {
            await using var session = await database.OpenAsync(cancellationToken);
            var older = await session.QueryAsync("SELECT domain FROM companies WHERE domain > @last AND loaded_at < @loaded ORDER BY domain LIMIT @size",
                r => r.GetString(0), cancellationToken, ("last", last), ("loaded", loadedAt), ("size", BatchSize));
            if (older.Count == 0)
                return removed;
            removed += await session.ExecuteAsync("DELETE FROM companies WHERE {in:domain} AND loaded_at < @loaded", cancellationToken, ("domain", older.ToArray()), ("loaded", loadedAt));
            last = older[^1];
        }
    }

    private async Task<IReadOnlyList<KnownCompany?>> ReadAsync(IReadOnlyList<string> domains, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var found = (await session.QueryAsync("SELECT domain, facts, loaded_at FROM companies WHERE {in:domain}",
            r => (Domain: r.GetString(0), Facts: r.GetString(1), LoadedAt: session.Time(r, 2)), cancellationToken, ("domain", domains.Distinct().ToArray())))
            .ToDictionary(r => r.Domain);
        var now = confirmed;
        // Parsed for each: a JSON object belongs to one parent, and snapshots are built from it.
        return [.. domains.Select(d => found.TryGetValue(d, out var row)
            ? new KnownCompany(JsonNode.Parse(row.Facts)!.AsObject(), now is not null && row.LoadedAt == now.LoadedAt ? now.SeenAt : row.LoadedAt)
            : null)];
    }

    private sealed record Confirmation(DateTimeOffset LoadedAt, DateTimeOffset SeenAt);
}
