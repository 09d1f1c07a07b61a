using LeadPipeline.Worker.Storage.Sql;
using Npgsql;

namespace LeadPipeline.Worker.Storage;

/// <summary>
/// Who this process is among the workers, and which of the others are alive. An epoch carries its owner's number; a worker that finds a
/// lead in an epoch takes it over only when the owner is gone.
/// </summary>
public abstract class WorkerIdentity : IAsyncDisposable
{
    /// <summary>This worker's number, new at every start.</summary>
    public int Id { get; protected set; }

    /// <summary>Registers this worker.</summary>
    public abstract Task StartAsync(CancellationToken cancellationToken);

    /// <summary>Whether the worker with this number is running, as far as can be known.</summary>
    public abstract Task<bool> IsAliveAsync(int worker, CancellationToken cancellationToken);

    /// <summary>Whether any worker is running on this database, this one among them if it was started.</summary>
    public abstract Task<bool> IsAnyAliveAsync(CancellationToken cancellationToken);

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();

    private protected static async Task<int> RegisterAsync(SqlDatabase database, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        var ids = await session.QueryAsync(
            "INSERT INTO workers (name, started_at) VALUES (@name, @now) RETURNING id", r => Convert.ToInt32(r.GetValue(0), System.Globalization.CultureInfo.InvariantCulture), cancellationToken,
            ("name", $"{Environment.MachineName}/{Environment.ProcessId}"), ("now", now));
        return ids[0];
    }
}

/// <summary>One process on one file: every other number is of a process that is gone.</summary>
public sealed class OnlyWorker(SqlDatabase database, TimeProvider time) : WorkerIdentity
{
    /// <inheritdoc/>
    public override async Task StartAsync(CancellationToken cancellationToken) => Id = await RegisterAsync(database, time.GetUtcNow(), cancellationToken);

    /// <inheritdoc/>
    public override Task<bool> IsAliveAsync(int worker, CancellationToken cancellationToken) => Task.FromResult(worker == Id);

    /// <inheritdoc/>
    public override Task<bool> IsAnyAliveAsync(CancellationToken cancellationToken) => Task.FromResult(Id != 0);

    /// <inheritdoc/>
    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

/// <summary>
/// Workers that share a PostgreSQL database. Each holds an advisory lock on its number through a connection of its own; when the process
/// dies the server drops the connection and with it the lock, so that a death is known at once and not after a lease has run out.
/// </summary>
public sealed class PostgresWorkers(PostgresDatabase database, TimeProvider time) : WorkerIdentity
{
    private const int LockSpace = 0x4C454144;
    private readonly CancellationTokenSource stop = new();
    private NpgsqlConnection? held;
    private Task? watch;

    /// <inheritdoc/>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        Id = await RegisterAsync(database, time.GetUtcNow(), cancellationToken);
        await HoldAsync(cancellationToken);
        watch = Task.Run(WatchAsync, CancellationToken.None);
    }

    /// <inheritdoc/>
    public override async Task<bool> IsAliveAsync(int worker, CancellationToken cancellationToken)
    {
        if (worker == Id)
            return true;
        return await IsHeldAsync("AND objid = @worker::oid", cancellationToken, ("worker", worker));
    }

    /// <inheritdoc/>
    public override Task<bool> IsAnyAliveAsync(CancellationToken cancellationToken) => IsHeldAsync("", cancellationToken);

    private async Task<bool> IsHeldAsync(string which, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        // Looking at the lock, rather than trying it, cannot take it away from a worker that is about to ask for it.
        var holders = await session.QueryAsync(
            $"SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = @space::oid {which} AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) LIMIT 1",
            r => r.GetInt32(0), cancellationToken, [("space", LockSpace), .. parameters]);
        return holders.Count > 0;
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        if (watch is not null)
            await watch;
        if (held is not null)
            await held.DisposeAsync();
        stop.Dispose();
    }

    private async Task HoldAsync(CancellationToken cancellationToken)
    {
        if (held is not null)
            await held.DisposeAsync();
        held = null;
        held = await HeldConnection.OpenAsync(database.ConnectionString, cancellationToken);
        await using var command = new NpgsqlCommand("SELECT pg_advisory_lock(@space, @worker)", held);
        command.Parameters.AddWithValue("space", LockSpace);
        command.Parameters.AddWithValue("worker", Id);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>After the server was restarted the lock has to be taken again.</summary>
    private async Task WatchAsync()
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(TimeSpan.FromSeconds(1), time, stop.Token);
                if (held is not { FullState: System.Data.ConnectionState.Open })
                    await HoldAsync(stop.Token);
                else
                    await PingAsync();
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // The server is away or does not let us in; whatever it says, the next round tries again: without the lock we count as dead.
            catch (Exception)
#pragma warning restore CA1031
            {
            }
        }
    }

    private async Task PingAsync()
    {
        await using var command = new NpgsqlCommand("SELECT 1", held);
        await command.ExecuteScalarAsync(stop.Token);
    }
}
