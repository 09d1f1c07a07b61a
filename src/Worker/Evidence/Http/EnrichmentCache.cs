using System.Text.Json.Nodes;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Evidence.Http;

/// <summary>An answer that is kept.</summary>
/// <param name="Facts">Leaves of <c>enrichment.*</c>; null: the service knows no such company.</param>
/// <param name="FetchedAt">When it came.</param>
public sealed record CachedCompany(JsonObject? Facts, DateTimeOffset FetchedAt);

/// <summary>Answers of an enrichment service, in the database, shared by all workers. The name of an entry is a keyed hash: nobody can tell from it who was asked for.</summary>
public sealed class EnrichmentCache(SqlDatabase database, LeadCipher cipher)
{
    private static readonly BulkInsert Entries = new("enrichment_cache", "key",
        new("key", ColumnType.Text), new("facts", ColumnType.Text), new("fetched_at", ColumnType.Time));

    /// <summary>What is kept for an address, however old; null: nothing.</summary>
    public async Task<CachedCompany?> FindAsync(Uri address, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var found = await session.QueryAsync("SELECT facts, fetched_at FROM enrichment_cache WHERE key = @key",
            r => (Facts: r.IsDBNull(0) ? null : r.GetString(0), At: session.Time(r, 1)), cancellationToken, ("key", Key(address)));
        return found is [var entry] ? new CachedCompany(entry.Facts is null ? null : JsonNode.Parse(entry.Facts)!.AsObject(), entry.At) : null;
    }

    /// <summary>Keeps an answer in place of an older one.</summary>
    public async Task KeepAsync(Uri address, CachedCompany company, CancellationToken cancellationToken)
    {
        var key = Key(address);
        await using var session = await database.OpenAsync(cancellationToken);
        await session.BeginAsync(cancellationToken);
        await session.ExecuteAsync("DELETE FROM enrichment_cache WHERE key = @key", cancellationToken, ("key", key));
        await session.InsertAsync(Entries, [[key, company.Facts?.ToJsonString(), company.FetchedAt]], cancellationToken);
        await session.CommitAsync(cancellationToken);
    }

    /// <summary>Removes what is older, and answers how many entries that were.</summary>
    public async Task<int> RemoveAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        return await session.ExecuteAsync("DELETE FROM enrichment_cache WHERE fetched_at < @before", cancellationToken, ("before", before));
    }

    private string Key(Uri address) => cipher.RecordKey("enrichment " + address.AbsoluteUri);
}
