using LeadPipeline.Worker.Storage.Sql;
using Npgsql;

namespace LeadPipeline.Worker.Storage;

/// <summary>
/// Which migrations there are, and which of them a database has had, without EF Core: nearly every start finds nothing to do, and to find
/// that out by the model takes half a second and a tenth of a worker's memory. The names of the classes in <c>Migrations</c>.
/// </summary>
public static class MigrationHistory
{
    /// <summary>Where EF Core's tools look.</summary>
    public const string Table = "\"__EFMigrationsHistory\"";

    /// <summary>Reads what is in it, in its order.</summary>
    public const string Applied = $"SELECT \"MigrationId\" FROM {Table} ORDER BY 1";

    /// <summary>All that this version knows, in their order. A test holds them beside those that EF Core finds.</summary>
    public static readonly IReadOnlyList<string> Known =
    [
        "20261122000000_Initial",
        "20261123000000_RunsAndErasure",
        "20261123000001_ModelCalls",
        "20261124000060_Reviews",
        "20261125000022_DeferredEvents",
        "20261125000061_ReviewCorrections",
        "20261125000062_EnrichmentCache",
        "20261125000071_ReplayJobs",
        "20261126000001_SharedRecords",
        "20261127000001_SealedColumns",
        "20261128000001_PlainKeys",
        "20261129000001_PeopleInHand",
        "20261129000002_LedgerByLead",
        "20261130000001_PendingLeadsAreLookedAt",
        "20261201000001_FewerIndexes",
        "20261201000002_KeysInTheOrderOfTime",
    ];

    /// <summary>Those that the database has had; none where there are no tables yet. Waits, however long, for a migration that is under way.</summary>
    public static async Task<IReadOnlyList<string>> AppliedAsync(SqlDatabase database, CancellationToken cancellationToken)
    {
        var table = database is PostgresDatabase
            ? """SELECT 1 WHERE to_regclass('"__EFMigrationsHistory"') IS NOT NULL"""
            : "SELECT 1 FROM sqlite_master WHERE name = '__EFMigrationsHistory'";
        await using (var session = await database.OpenReaderAsync(cancellationToken))
        {
            if ((await session.QueryAsync(table, r => r.GetInt32(0), cancellationToken)).Count == 0)
                return [];
            if (database is not PostgresDatabase)
                return await session.QueryAsync(Applied, r => r.GetString(0), cancellationToken);
        }

        // Who migrates holds this table.
        await using var connection = await ((PostgresDatabase)database).Source.OpenConnectionAsync(cancellationToken);
        await using var command = new NpgsqlCommand(Applied, connection) { CommandTimeout = 0 };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var applied = new List<string>();
        while (await reader.ReadAsync(cancellationToken))
            applied.Add(reader.GetString(0));
        return applied;
    }
}
