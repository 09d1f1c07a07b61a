using System.Data.Common;
using LeadPipeline.Worker.Storage.Sql;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.EntityFrameworkCore.Migrations.Operations;
using Npgsql;

namespace LeadPipeline.Worker.Storage;

/// <summary>
/// Brings the tables up to date at start. The migrations are EF Core's and are kept in its history, so that its tools find what they expect; but they consist of SQL alone,
/// and to carry that out takes no model, which would cost a new database's first worker a second and a sixth of its memory.
/// </summary>
public static class Migrator
{
    // Beside the workers' lock space (see PostgresWorkers), so that no worker's number is ever taken for it.
    private const long LockKey = 0x4C4541444D494752;

    /// <summary>
    /// Applies the migrations that are missing, all or none. Several workers may start at once on a new database: each waits for the one before, and finds nothing left to do.
    /// </summary>
    public static async Task MigrateAsync(SqlDatabase database, CancellationToken cancellationToken)
    {
        var postgres = database as PostgresDatabase;
        await using DbConnection connection = postgres is null ? Open(((SqliteDatabase)database).ConnectionString) : await OpenLockedAsync(postgres.ConnectionString, cancellationToken);
        DbTransaction? transaction = null;
        // By itself: whoever starts meanwhile must see that there is something to wait for.
        await RunAsync($"CREATE TABLE IF NOT EXISTS {MigrationHistory.Table} (\"MigrationId\" varchar(150) NOT NULL CONSTRAINT \"PK___EFMigrationsHistory\" PRIMARY KEY, \"ProductVersion\" varchar(32) NOT NULL)");
        await using var all = transaction = await connection.BeginTransactionAsync(cancellationToken);
        // Who wants to know whether the tables are up to date waits here.
        if (postgres is not null)
            await RunAsync($"LOCK TABLE {MigrationHistory.Table} IN ACCESS EXCLUSIVE MODE");
        foreach (var id in MigrationHistory.Known.Except(await AppliedAsync()).ToList())
        {
            foreach (var operation in Make(id, postgres is not null).UpOperations)
                await RunAsync(((SqlOperation)operation).Sql);
            await RunAsync($"INSERT INTO {MigrationHistory.Table} VALUES ('{id}', '{ProductInfo.GetVersion()}')");
        }
        await all.CommitAsync(cancellationToken);

        async Task RunAsync(string sql)
        {
            await using var command = Command(sql);
            await command.ExecuteNonQueryAsync(cancellationToken);
        }

        async Task<List<string>> AppliedAsync()
        {
            await using var command = Command(MigrationHistory.Applied);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var applied = new List<string>();
            while (await reader.ReadAsync(cancellationToken))
                applied.Add(reader.GetString(0));
            return applied;
        }

        DbCommand Command(string sql)
        {
            var command = connection.CreateCommand();
            // A large table takes its time, and a migration that is cut off begins anew.
            (command.CommandText, command.CommandTimeout, command.Transaction) = (sql, 0, transaction);
            return command;
        }
    }

    /// <summary>A migration's class has the name of its id.</summary>
    private static Migration Make(string id, bool isPostgres)
    {
        var type = Type.GetType($"{typeof(Migrator).Namespace}.Migrations.{id.Split('_')[1]}", throwOnError: true)!;
        var migration = (Migration)Activator.CreateInstance(type)!;
        migration.ActiveProvider = isPostgres ? "Npgsql.EntityFrameworkCore.PostgreSQL" : "Microsoft.EntityFrameworkCore.Sqlite";
        return migration;
    }

    private static SqliteConnection Open(string connectionString)
    {
        // Also to begin it waits for as long as somebody else migrates.
        var connection = new SqliteConnection(connectionString) { DefaultTimeout = 0 };
        connection.Open();
        return connection;
    }

    /// <summary>
    /// A connection that is the only one to migrate. Not from the pool: the lock lives and dies with it. Waiting for another worker's migration is no fault, hence no time limit.
    /// </summary>
    private static async Task<NpgsqlConnection> OpenLockedAsync(string connectionString, CancellationToken cancellationToken)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false, CommandTimeout = 0, KeepAlive = 5 };
        var connection = new NpgsqlConnection(settings.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            await using var command = new NpgsqlCommand("SELECT pg_advisory_lock(@key)", connection);
            command.Parameters.AddWithValue("key", LockKey);
            await command.ExecuteNonQueryAsync(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}
