using System.Collections.Concurrent;
using System.Text.Json;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Messaging.RabbitMq;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace LeadPipeline.Bench.Outside;

/// <summary>Hears from the audit exchange when plans have ended, as another system would.</summary>
internal sealed class EndsSeen : IAsyncDisposable
{
    private readonly ConcurrentDictionary<Guid, DateTimeOffset> ends = new();
    private readonly IConnection connection;

    private EndsSeen(IConnection connection) => this.connection = connection;

    /// <summary>When each lead's end was heard of.</summary>
    public IReadOnlyDictionary<Guid, DateTimeOffset> At => ends;

    public static async Task<EndsSeen> ListenAsync(TestBroker broker)
    {
        var seen = new EndsSeen(await broker.ConnectAsync());
        var channel = await seen.connection.CreateChannelAsync();
        var queue = (await channel.QueueDeclareAsync()).QueueName;
        await channel.QueueBindAsync(queue, RabbitMqAuditExchange.Name, "execution.completed");
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, message) =>
        {
            var at = DateTimeOffset.UtcNow;
            seen.ends[JsonElement.Parse(message.Body.Span).GetProperty("leadId").GetGuid()] = at;
            return Task.CompletedTask;
        };
        _ = await channel.BasicConsumeAsync(queue, autoAck: true, consumer);
        return seen;
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();
}
