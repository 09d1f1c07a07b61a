using LeadPipeline.Worker.DeadLetters;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

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
        await publisher.SendAsync(queue, properties, message.Body, options.Value.PublishTimeout, time, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => publisher.DisposeAsync();
}
