using Npgsql;

namespace LeadPipeline.Worker.Storage.Sql;

/// <summary>A connection that holds a lock for as long as its process lives. It is not pooled: a pooled one outlives its user, or is reset.</summary>
public static class HeldConnection
{
    // A process that ends, ends its connections. A machine that vanishes does not, and the server would believe in it for two hours.
    private const string NoticeLoss = "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3";

    /// <summary>Opens it. The server takes it for lost some 20 s after the other side has vanished.</summary>
    public static async Task<NpgsqlConnection> OpenAsync(string connectionString, CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false, KeepAlive = 5 }.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            await using var command = new NpgsqlCommand(NoticeLoss, connection);
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
