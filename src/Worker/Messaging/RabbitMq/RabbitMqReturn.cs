using LeadPipeline.Worker.DeadLetters;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace LeadPipeline.Worker.Messaging.RabbitMq;

/// <summary>Puts messages back into their queue, confirmed, over a connection of its own that is opened with the first.</summary>
public sealed class RabbitMqReturn(BrokerAddress broker, IOptions<MessagingOptions> options, TimeProvider time) : IMessageReturn, IAsyncDisposable
{
    private readonly ConfirmedPublisher publisher = new(broker, "leadpipeline return");

    /// <inheritdoc/>
    public async Task ReturnAsync(string queue, QueueMessage message, CancellationToken cancellationToken)
    {
        var properties = new BasicProperties { DeliveryMode = DeliveryModes.Persistent };
        if (message.MessageId is { } id)
            properties.MessageId = id;
        if (message.ContentType is { } type)
            properties.ContentType = type;
        if (message.Headers.Count > 0)
            properties.Headers = message.Headers.ToDictionary(h => h.Key, h => (object?)h.Value);
        using var limit = new CancellationTokenSource(options.Value.PublishTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var channel = await publisher.OpenAsync(either.Token);
            await ConfirmedPublisher.PublishAsync(channel, "", queue, mandatory: true, properties, message.Body, either.Token);
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
    public ValueTask DisposeAsync() => publisher.DisposeAsync();
}
