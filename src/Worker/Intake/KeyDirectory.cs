using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Intake;

/// <summary>Which lead a key belongs to. Look-ups of many posts share one statement.</summary>
public sealed class KeyDirectory : IAsyncDisposable
{
    private readonly Grouped<string, KnownKey?> lookups;
    private readonly SqlDatabase database;

    /// <summary>Starts with the first look-up.</summary>
    public KeyDirectory(SqlDatabase database)
    {
        this.database = database;
        lookups = new(128, key => key, ReadAsync, exception => !database.IsTransient(exception));
    }

    /// <summary>Finds a key.</summary>
    public Task<KnownKey?> FindAsync(string key) => lookups.RunAsync(key);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => lookups.DisposeAsync();

    private async Task<IReadOnlyList<KnownKey?>> ReadAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var found = (await session.QueryAsync("SELECT key, lead_id, body_hash FROM intake_keys WHERE {in:key}",
            r => (Key: r.GetString(0), Known: new KnownKey(r.GetGuid(1), r.IsDBNull(2) ? null : r.GetString(2))), cancellationToken, ("key", keys.ToArray())))
            .ToDictionary(r => r.Key, r => r.Known);
        return [.. keys.Select(found.GetValueOrDefault)];
    }
}

/// <summary>A key that is taken.</summary>
/// <param name="LeadId">By which lead.</param>
/// <param name="BodyHash">The body that first came with it, for idempotency keys.</param>
public sealed record KnownKey(Guid LeadId, string? BodyHash);
