using System.Text.Json.Nodes;
using LeadPipeline.Worker.Analysis;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Evidence;

/// <summary>Where companies come from.</summary>
public sealed class EnrichmentDirectoryOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Enrichment:Directory";

    /// <summary>CSV of companies, loaded into the database at start. Default: none.</summary>
    public string? File { get; set; }
}

/// <summary>What the directory knows of a company.</summary>
/// <param name="Facts">Members as in <c>enrichment.*</c>.</param>
/// <param name="LoadedAt">When it was loaded.</param>
public sealed record KnownCompany(JsonObject Facts, DateTimeOffset LoadedAt);

/// <summary>Companies by domain, in the database. Look-ups of many leads share one statement.</summary>
public sealed class CompanyDirectory : IAsyncDisposable
{
    private static readonly BulkInsert Companies = new("companies", "domain",
        new("domain", ColumnType.Text), new("facts", ColumnType.Text), new("loaded_at", ColumnType.Time));

    private readonly SqlDatabase database;
    private readonly TimeProvider time;
    private readonly Grouped<string, KnownCompany?> lookups;

    /// <summary>Starts with the first look-up.</summary>
    public CompanyDirectory(SqlDatabase database, TimeProvider time)
    {
        (this.database, this.time) = (database, time);
        lookups = new(128, null, ReadAsync, exception => !database.IsTransient(exception));
    }

    /// <summary>The company of a domain, or null.</summary>
    public Task<KnownCompany?> FindAsync(string domain) => lookups.RunAsync(domain);

    /// <summary>Loads a CSV and answers how many companies it holds and which lines were no company.</summary>
    public async Task<(int Companies, IReadOnlyList<string> Errors)> LoadAsync(Stream csv, CancellationToken cancellationToken)
    {
        var rows = new Dictionary<string, object?[]>();
        var errors = new List<string>();
        var loadedAt = time.GetUtcNow();
        await foreach (var row in CompanyCsv.ReadAsync(csv, cancellationToken))
        {
            if (row.Error is { } error)
                errors.Add($"line {row.Line}: {error}");
            else
                rows[row.Domain] = [row.Domain, row.Enrichment.ToJsonString(), loadedAt];
        }
        await using var session = await database.OpenAsync(cancellationToken);
        await session.BeginAsync(cancellationToken);
        foreach (var part in rows.Values.Chunk(5000))
        {
            await session.ExecuteAsync("DELETE FROM companies WHERE {in:domain}", cancellationToken, ("domain", part.Select(r => (string)r[0]!).ToArray()));
            await session.InsertAsync(Companies, part, cancellationToken);
        }
        await session.CommitAsync(cancellationToken);
        return (rows.Count, errors);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => lookups.DisposeAsync();

    private async Task<IReadOnlyList<KnownCompany?>> ReadAsync(IReadOnlyList<string> domains, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var found = (await session.QueryAsync("SELECT domain, facts, loaded_at FROM companies WHERE {in:domain}",
            r => (Domain: r.GetString(0), Facts: r.GetString(1), LoadedAt: session.Time(r, 2)), cancellationToken, ("domain", domains.Distinct().ToArray())))
            .ToDictionary(r => r.Domain);
        // Parsed for each: a JSON object belongs to one parent, and snapshots are built from it.
        return [.. domains.Select(d => found.TryGetValue(d, out var row) ? new KnownCompany(JsonNode.Parse(row.Facts)!.AsObject(), row.LoadedAt) : null)];
    }
}
