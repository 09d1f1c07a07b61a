using LeadPipeline.Worker.Storage.Sql;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace LeadPipeline.Worker.Storage;

/// <summary>Makes or updates the tables.</summary>
public static class Migrator
{
    private const long Lock = 0x4C454144_4D494752;

    /// <summary>Applies what is missing. Several workers may start at once: on PostgreSQL they take turns.</summary>
    public static async Task MigrateAsync(SqlDatabase database, IDbContextFactory<LeadDb> contexts, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (database is not PostgresDatabase postgres)
        {
            await db.Database.MigrateAsync(cancellationToken);
            return;
        }
        // EF's own lock is a table lock inside the first transaction; on a new database there is no table to lock yet.
        await using var held = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(postgres.ConnectionString) { Pooling = false }.ConnectionString);
        await held.OpenAsync(cancellationToken);
        await using (var command = new NpgsqlCommand("SELECT pg_advisory_lock(@lock)", held) { CommandTimeout = 120 })
        {
            command.Parameters.AddWithValue("lock", Lock);
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
        await db.Database.MigrateAsync(cancellationToken);
    }
}
