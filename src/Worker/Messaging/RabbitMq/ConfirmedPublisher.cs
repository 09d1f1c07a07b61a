using RabbitMQ.Client;

namespace LeadPipeline.Worker.Messaging.RabbitMq;

/// <summary>
/// Publishes with the broker's confirm, over a connection of its own. Not over the bus's: after an outage the bus connects again only when
/// every handler has let go of the old connection, and a handler that waits to publish on it never would.
/// </summary>
public sealed class ConfirmedPublisher(BrokerAddress broker, string name, Func<IChannel, CancellationToken, Task>? declare = null) : IAsyncDisposable
{
    private readonly SemaphoreSlim opening = new(1, 1);
    private Opened? current;

    /// <summary>
    /// Sends a message; the task ends when a queue holds it. Messages of one caller arrive in the order of the calls, also when the
    /// caller awaits the tasks later, together.
    /// </summary>
    /// <param name="exchange">The exchange; empty: the routing key is the queue.</param>
    /// <param name="routingKey">The routing key.</param>
    /// <param name="mandatory">Whether a message that no queue takes is an error.</param>
    /// <param name="properties">Message properties.</param>
    /// <param name="body">The message.</param>
    /// <param name="cancellationToken">The deadline. Without one it waits for as long as the broker is away.</param>
    public async Task PublishAsync(
        string exchange, string routingKey, bool mandatory, BasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var open = current is { Channel.IsOpen: true } at ? at : await OpenAsync(cancellationToken);
        // The wait is ended by us: the client's own looks at the token only while it sends.
        await open.Channel.BasicPublishAsync(exchange, routingKey, mandatory, properties, body, cancellationToken).AsTask().WaitAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (current is { } open)
            await open.CloseAsync();
        opening.Dispose();
    }

    private async Task<Opened> OpenAsync(CancellationToken cancellationToken)
    {
        await opening.WaitAsync(cancellationToken);
        try
        {
            if (current is { Channel.IsOpen: true } at)
                return at;
            if (current is { } old)
            {
                current = null;
                // Nobody waits for the end of what is broken.
                _ = old.CloseAsync();
            }
            var connection = await broker.Factory(name).CreateConnectionAsync(cancellationToken);
            try
            {
                var channel = await connection.CreateChannelAsync(new CreateChannelOptions(
                    publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true, outstandingPublisherConfirmationsRateLimiter: null), cancellationToken);
                if (declare is not null)
                    await declare(channel, cancellationToken);
                return current = new Opened(connection, channel);
            }
            catch
            {
                await connection.DisposeAsync();
                throw;
            }
        }
        finally
        {
            opening.Release();
        }
    }

    private sealed record Opened(IConnection Connection, IChannel Channel)
    {
        public async Task CloseAsync()
        {
            try
            {
                await Channel.DisposeAsync();
                await Connection.DisposeAsync();
            }
#pragma warning disable CA1031 // It is broken, which is why it is being closed.
            catch (Exception)
#pragma warning restore CA1031
            {
            }
        }
    }
}
