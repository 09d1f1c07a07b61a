using Npgsql;

namespace LeadPipeline.TestKit;

/// <summary>A database of one fixture's own.</summary>
public sealed class TestDatabase : IAsyncDisposable
{
    private readonly string _serverConnectionString;

    private TestDatabase(string serverConnectionString, string name)
    {
        _serverConnectionString = serverConnectionString;
        Name = name;
        ConnectionString = new NpgsqlConnectionStringBuilder(serverConnectionString) { Database = name }.ConnectionString;
    }

    /// <summary>The database's name.</summary>
    public string Name { get; }

    /// <summary>What Npgsql and the worker need in order to connect.</summary>
    public string ConnectionString { get; }

    /// <summary>An open connection, closed by disposing of it.</summary>
    public async Task<NpgsqlConnection> ConnectAsync()
    {
        var connection = new NpgsqlConnection(ConnectionString);
        try
        {
            await connection.OpenAsync();
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs one or several statements.</summary>
    public async Task ExecuteAsync(string sql)
    {
        await using var connection = await ConnectAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The first column of the first row, or the default when there is none or it is null.</summary>
    public async Task<T?> QueryAsync<T>(string sql)
    {
        await using var connection = await ConnectAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return await command.ExecuteScalarAsync() is T value ? value : default;
    }

    /// <summary>All rows of a query, every value as its invariant text; null stays null.</summary>
    public async Task<IReadOnlyList<string?[]>> RowsAsync(string sql)
    {
        await using var connection = await ConnectAsync();
        return await connection.RowsAsync(sql);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await using (var pooled = new NpgsqlConnection(ConnectionString))
            NpgsqlConnection.ClearPool(pooled);

        // FORCE: a worker that was killed a moment ago may still count as connected.
        await OnServerAsync(_serverConnectionString, $"DROP DATABASE IF EXISTS {Name} WITH (FORCE)");
    }

    internal static async Task<TestDatabase> CreateAsync(string serverConnectionString)
    {
        var database = new TestDatabase(serverConnectionString, $"test_{Guid.NewGuid():N}");
        // template0 has no other users; copying template1 fails while anyone is connected to it.
        await OnServerAsync(serverConnectionString, $"CREATE DATABASE {database.Name} TEMPLATE template0");
        return database;
    }

    private static async Task OnServerAsync(string connectionString, string sql)
    {
        // Unpooled: after a test has killed the server, the pool's connections are broken and do not know it.
        var unpooled = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString;
        await using var connection = new NpgsqlConnection(unpooled);
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        // Dropping waits for all that is to be written, which on a busy disk takes longer than a statement usually may.
        command.CommandTimeout = 300;
        await command.ExecuteNonQueryAsync();
    }
}
