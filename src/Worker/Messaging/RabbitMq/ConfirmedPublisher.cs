using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace LeadPipeline.Worker.Messaging.RabbitMq;

/// <summary>
/// Publishes with the broker's confirm, over a connection of its own. Not over the bus's: after an outage the bus connects again only when
/// every handler has let go of the old connection, and a handler that waits to publish on it never would.
/// </summary>
/// <param name="broker">Where the broker is.</param>
/// <param name="name">The connection's name, for who looks at the broker.</param>
/// <param name="declare">What to do with a channel that was opened, before it is used.</param>
/// <param name="trackEach">Whether a publish ends with its confirm. When false it ends when the message is sent, and the confirms are the caller's to count.</param>
public sealed class ConfirmedPublisher(BrokerAddress broker, string name, Func<IChannel, CancellationToken, Task>? declare = null, bool trackEach = true) : IAsyncDisposable
{
    private static readonly TimeSpan ConnectDeadline = TimeSpan.FromSeconds(10);
    private readonly Lock gate = new();
    private Task<Opened>? current;

    /// <summary>
    /// The channel in force, opened if need be. However many ask while it is being opened, one attempt is made and its failure is theirs.
    /// </summary>
    public async Task<IChannel> OpenAsync(CancellationToken cancellationToken) => (await CurrentAsync().WaitAsync(cancellationToken)).Channel;

    /// <summary>Sends a message and ends when the queue holds it.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="properties">Message properties.</param>
    /// <param name="body">The message.</param>
    /// <param name="timeout">Longest wait for the confirm. Without one a send waits for as long as the broker is away.</param>
    /// <param name="time">Tells when it is over.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    /// <exception cref="BusUnavailableException">The broker did not take it, or did not say so in time and may have it all the same.</exception>
    public async Task SendAsync(string queue, BasicProperties properties, ReadOnlyMemory<byte> body, TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var channel = await OpenAsync(either.Token);
            // Mandatory, since confirmed is not enough: a message that no queue took would be confirmed and gone.
            // The wait is ended by us: the client's own looks at the token only while it sends.
            await channel.BasicPublishAsync("", queue, mandatory: true, properties, body, either.Token).AsTask().WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new BusUnavailableException("The broker did not confirm in time.");
        }
        catch (Exception exception) when (exception is RabbitMQClientException or IOException or System.Net.Sockets.SocketException or ObjectDisposedException)
        {
            throw new BusUnavailableException("The broker did not take the message.", exception);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (current is { IsCompletedSuccessfully: true } open)
            await (await open).CloseAsync();
    }

    private Task<Opened> CurrentAsync()
    {
        lock (gate)
        {
            switch (current)
            {
                case { IsCompleted: false }:
                    return current;
                case { IsCompletedSuccessfully: true, Result.Channel.IsOpen: true }:
                    return current;
                case { IsCompletedSuccessfully: true, Result: var old }:
                    // Nobody waits for the end of what is broken.
                    _ = old.CloseAsync();
                    break;
            }
            return current = Task.Run(ConnectAsync);
        }
    }

    private async Task<Opened> ConnectAsync()
    {
        using var limit = new CancellationTokenSource(ConnectDeadline);
        var connection = await broker.Factory(name).CreateConnectionAsync(limit.Token);
        try
        {
            var channel = await connection.CreateChannelAsync(new CreateChannelOptions(
                publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: trackEach, outstandingPublisherConfirmationsRateLimiter: null), limit.Token);
            if (declare is not null)
                await declare(channel, limit.Token);
            return new Opened(connection, channel);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
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
