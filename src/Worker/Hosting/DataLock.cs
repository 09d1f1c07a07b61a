using LeadPipeline.Worker.Storage.Sql;
using Npgsql;

namespace LeadPipeline.Worker.Hosting;

/// <summary>
/// Keeps a second worker off the same state while the queue is in the memory of one process: by a locked file beside SQLite, by an advisory
/// lock in PostgreSQL. With a broker there may be as many workers as one likes, and nothing is locked.
/// </summary>
public sealed class DataLock : IAsyncDisposable
{
    private const long Lock = 0x4C454144_534F4C4F;
    private readonly IAsyncDisposable? held;

    private DataLock(IAsyncDisposable? held) => this.held = held;

    /// <summary>Takes the state for this process.</summary>
    /// <exception cref="ConfigurationException">Another process has it.</exception>
    public static async Task<DataLock> TakeAsync(IConfiguration configuration, CancellationToken cancellationToken)
    {
        var connections = configuration.GetSection(ConnectionStringOptions.Section).Get<ConnectionStringOptions>() ?? new ConnectionStringOptions();
        if (!string.IsNullOrWhiteSpace(connections.Broker))
            return new DataLock(null);
        return new DataLock(string.IsNullOrWhiteSpace(connections.Database)
            ? File((configuration.GetSection(DataOptions.Section).Get<DataOptions>() ?? new DataOptions()).Directory)
            : await AdvisoryAsync(PostgresAddress.Parse(connections.Database), cancellationToken));
    }

    /// <summary>Whether a process works on an embedded data directory.</summary>
    public static bool IsHeld(string directory)
    {
        var path = Path.Combine(directory, "lock");
        if (!System.IO.File.Exists(path))
            return false;
        try
        {
            using var free = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => held?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static FileStream File(string directory)
    {
        Directory.CreateDirectory(directory);
        try
        {
            return new FileStream(Path.Combine(directory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            throw new ConfigurationException($"Data:Directory: '{directory}' is in use by another LeadPipeline process; submit to that one (leadpipeline submit FILE --to http://…), or use another directory (--data DIR)");
        }
    }

    private static async Task<NpgsqlConnection> AdvisoryAsync(string address, CancellationToken cancellationToken)
    {
        var connection = await HeldConnection.OpenAsync(address, cancellationToken);
        await using var command = new NpgsqlCommand("SELECT pg_try_advisory_lock(@lock)", connection);
        command.Parameters.AddWithValue("lock", Lock);
        if (await command.ExecuteScalarAsync(cancellationToken) is true)
            return connection;
        await connection.DisposeAsync();
        throw new ConfigurationException("ConnectionStrings:Database: another LeadPipeline process without a broker works on this database; set ConnectionStrings:Broker for several workers, or stop the other one");
    }
}
