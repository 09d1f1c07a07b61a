using LeadPipeline.Worker.Storage.Sql;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace LeadPipeline.Worker.Storage;

/// <summary>Brings the tables up to date at start.</summary>
public static class Migrator
{
    // Beside the workers' lock space (see PostgresWorkers), so that no worker's number is ever taken for it.
    private const long LockKey = 0x4C4541444D494752;

    /// <summary>
    /// Applies the migrations that are missing. On PostgreSQL several workers may start at once on a new database: the lock that EF Core takes
    /// sits on a table that is not there yet, so one advisory lock is held around it all.
    /// </summary>
    public static async Task MigrateAsync(LeadDb db, SqlDatabase database, CancellationToken cancellationToken)
    {
        // A large table takes its time, and a migration that is cut off begins anew.
        db.Database.SetCommandTimeout(TimeSpan.Zero);
        if (database is not PostgresDatabase postgres)
        {
            await db.Database.MigrateAsync(cancellationToken);
            return;
        }

        // Not from the pool: the lock lives and dies with this connection. Waiting for another worker's migration is no fault, hence no time limit.
        var settings = new NpgsqlConnectionStringBuilder(postgres.ConnectionString) { Pooling = false, CommandTimeout = 0, KeepAlive = 5 };
        await using var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand("SELECT pg_advisory_lock(@key)", connection);
        command.Parameters.AddWithValue("key", LockKey);
        await command.ExecuteNonQueryAsync(cancellationToken);
        await db.Database.MigrateAsync(cancellationToken);
    }
}
