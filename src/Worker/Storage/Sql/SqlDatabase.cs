using Microsoft.Data.Sqlite;
using Npgsql;

namespace LeadPipeline.Worker.Storage.Sql;

/// <summary>Where the state lives: a PostgreSQL server or one SQLite file.</summary>
public abstract class SqlDatabase : IAsyncDisposable
{
    /// <summary>A session that may write.</summary>
    public abstract Task<SqlSession> OpenAsync(CancellationToken cancellationToken);

    /// <summary>A session that only reads; on SQLite it does not wait for the writer.</summary>
    public virtual Task<SqlSession> OpenReaderAsync(CancellationToken cancellationToken) => OpenAsync(cancellationToken);

    /// <summary>Whether an exception is the database's "not now": lost connection, restart, lock, serialisation.</summary>
    public abstract bool IsTransient(Exception exception);

    /// <summary>Does what can be done at once so that erased data is not left lying in the files; the rest is for the database's own housekeeping.</summary>
    public virtual Task SweepOutAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();
}

/// <summary>PostgreSQL through a connection pool.</summary>
public sealed class PostgresDatabase(NpgsqlDataSource source, string connectionString) : SqlDatabase
{
    /// <summary>The pool.</summary>
    public NpgsqlDataSource Source => source;

    /// <summary>The connection string, password included: never shown.</summary>
    public string ConnectionString => connectionString;

    /// <inheritdoc/>
    public override async Task<SqlSession> OpenAsync(CancellationToken cancellationToken) =>
        new PostgresSession(await source.OpenConnectionAsync(cancellationToken));

    /// <inheritdoc/>
    public override bool IsTransient(Exception exception) =>
        // Class 57 is the server going down or coming up, 53 is out of connections; Npgsql itself counts only some of them as transient.
        exception is NpgsqlException { IsTransient: true } or TimeoutException
        || exception is PostgresException { SqlState: ['5', '7' or '3', ..] or ['0', '8', ..] or ['4', '0', ..] }
        // Whatever keeps us out or keeps us from writing is no lead's fault: a password that is being exchanged (28), a database that is being
        // restored (3D000), a server that is a replica since a failover, or read-only until somebody makes room on its disk (25006).
        || exception is PostgresException { SqlState: ['2', '8', ..] or "3D000" or "25006" }
        || (exception is NpgsqlException and not PostgresException);

    /// <inheritdoc/>
    public override ValueTask DisposeAsync() => source.DisposeAsync();
}

/// <summary>
/// One SQLite file with one writer. The writer's connection stays open with its prepared statements; readers have
/// connections of their own and, in write-ahead mode, never block it.
/// </summary>
public sealed class SqliteDatabase(string connectionString) : SqlDatabase
{
    // The writer is what an embedded worker waits for, so it is spared what can be spared: 16 MB of pages (in KiB, with a minus) hold what the leads in hand touch, so that
    // none is written before its commit, and is then written again; and pages go from the log into the file once in 64 MB, by when most of them have changed many times.
    private const string OfWriter = "PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 16384;";

    private readonly SemaphoreSlim writer = new(1, 1);
    private SqliteSession? session;

    /// <summary>The connection string, for EF Core and for migrations.</summary>
    public string ConnectionString => connectionString;

    /// <inheritdoc/>
    public override async Task<SqlSession> OpenAsync(CancellationToken cancellationToken)
    {
        await writer.WaitAsync(cancellationToken);
        try
        {
            return session ??= new SqliteSession(Connect(OfWriter), closed: () => writer.Release());
        }
        catch
        {
            writer.Release();
            throw;
        }
    }

    /// <inheritdoc/>
    public override Task<SqlSession> OpenReaderAsync(CancellationToken cancellationToken) =>
        Task.FromResult<SqlSession>(new SqliteSession(Connect()));

    /// <summary>The write-ahead log holds former pages until it is emptied. Readers may keep it from being emptied now; then a later one does it.</summary>
    public override async Task SweepOutAsync(CancellationToken cancellationToken)
    {
        await using var writing = await OpenAsync(cancellationToken);
        await writing.QueryAsync("PRAGMA wal_checkpoint(TRUNCATE)", r => r.GetInt32(0), cancellationToken);
    }

    /// <inheritdoc/>
    public override bool IsTransient(Exception exception) =>
        exception is SqliteException { SqliteErrorCode: 5 or 6 or 8 or 10 or 13 or 14 }; // busy, locked, read-only, I/O error, disk full, cannot be opened

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        if (session is not null)
            await session.CloseAsync();
        writer.Dispose();
    }

    private SqliteConnection Connect(string further = "")
    {
        var connection = new SqliteConnection(connectionString);
        connection.Open();
        using var pragma = connection.CreateCommand();
        // Secure delete: what is erased is overwritten, and does not wait in a free page for somebody to look.
        // FULL: a commit that was answered survives a power cut, not only the end of the process.
        pragma.CommandText = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 20000; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;" + further;
        pragma.ExecuteNonQuery();
        return connection;
    }
}
