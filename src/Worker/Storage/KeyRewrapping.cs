using System.Security.Cryptography;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Storage;

/// <summary>What a round over all data keys came to.</summary>
/// <param name="Done">Keys that were wrapped with another master key, and are with the one in force now.</param>
/// <param name="Before">Keys that were already.</param>
/// <param name="Unreadable">Keys that no known master key opens; what they seal cannot be read.</param>
public sealed record RewrapCount(int Done, int Before, int Unreadable);

/// <summary>
/// Wraps every data key with the master key in force. What the keys seal is not touched, so the audit chains stay as they are. It may run beside the workers: a key that
/// changes or is destroyed meanwhile is left alone. Interrupted, it begins again and finds less to do.
/// </summary>
public sealed class KeyRewrapping(SqlDatabase database, LeadCipher cipher)
{
    private const int Batch = 500;

    /// <summary>The columns that hold keys; each key is bound to what the second column names.</summary>
    public static readonly IReadOnlyList<(string Table, string BoundTo, string Column)> Keys =
        [("leads", "id", "data_key"), ("approvals", "COALESCE(lead_id, id)", "data_key"), ("dead_letters", "id", "detail"), ("dead_letter_acts", "id", "detail"), ("dead_letter_edits", "id", "detail")];

    /// <summary>Goes over all of them.</summary>
    public async Task<RewrapCount> RunAsync(CancellationToken cancellationToken)
    {
        var count = new RewrapCount(0, 0, 0);
        foreach (var (table, boundTo, column) in Keys)
            count = await TableAsync(table, boundTo, column, count, cancellationToken);
        if (count.Unreadable == 0)
            await FinishAsync(cancellationToken);
        return count;
    }

    private async Task<RewrapCount> TableAsync(string table, string boundTo, string column, RewrapCount count, CancellationToken cancellationToken)
    {
        for (var after = Guid.Empty; ;)
        {
            await using var session = await database.OpenAsync(cancellationToken);
            var rows = await session.QueryAsync(
                $"SELECT id, {boundTo}, {column} FROM {table} WHERE id > @after AND {column} IS NOT NULL ORDER BY id LIMIT {Batch}",
                r => (Id: r.GetGuid(0), BoundTo: r.GetGuid(1), Value: (byte[])r.GetValue(2)), cancellationToken, ("after", after));
            await session.BeginAsync(cancellationToken);
            foreach (var (id, bound, value) in rows.Where(r => r.Value.Length >= LeadCipher.WrappedKeySize))
            {
                try
                {
                    if (cipher.Rewrap(value[..LeadCipher.WrappedKeySize], bound) is not { } wrapped)
                    {
                        count = count with { Before = count.Before + 1 };
                        continue;
                    }
                    count = count with
                    {
                        Done = count.Done + await session.ExecuteAsync(
                            $"UPDATE {table} SET {column} = @new WHERE id = @id AND {column} = @old", cancellationToken, ("id", id), ("old", value), ("new", (byte[])[.. wrapped, .. value[LeadCipher.WrappedKeySize..]])),
                    };
                }
                catch (CryptographicException)
                {
                    count = count with { Unreadable = count.Unreadable + 1 };
                }
            }
            await session.CommitAsync(cancellationToken);
            if (rows.Count < Batch)
                return count;
            after = rows[^1].Id;
        }
    }

    /// <summary>From here on a worker that knows only the old master key does not start.</summary>
    private async Task FinishAsync(CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        await session.BeginAsync(cancellationToken);
        var meta = (await session.QueryAsync("SELECT name, value FROM meta WHERE name IN ('master-key', 'record-key')", r => (Name: r.GetString(0), Value: r.GetString(1)), cancellationToken)).ToDictionary(m => m.Name, m => m.Value);
        var secret = cipher.UseRecordSecret(meta.TryGetValue("record-key", out var wrapped) ? Convert.FromBase64String(wrapped) : null, meta["master-key"]);
        _ = await session.ExecuteAsync("UPDATE meta SET value = @value WHERE name = 'record-key'", cancellationToken, ("value", Convert.ToBase64String(secret)));
        _ = await session.ExecuteAsync("UPDATE meta SET value = @value WHERE name = 'master-key'", cancellationToken, ("value", cipher.Fingerprint));
        await session.CommitAsync(cancellationToken);
    }
}
