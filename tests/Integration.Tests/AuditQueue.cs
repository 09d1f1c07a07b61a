using System.Text.Json.Nodes;
using RabbitMQ.Client;

namespace LeadPipeline.Integration.Tests;

/// <summary>Somebody else's queue, bound to the worker's audit exchange.</summary>
internal sealed class AuditQueue
{
    private const string Name = "somebodys-audit";
    private readonly TestBroker broker;

    private AuditQueue(TestBroker broker) => this.broker = broker;

    /// <summary>Binds a durable queue.</summary>
    public static async Task<AuditQueue> BindAsync(TestBroker broker, string routingKey)
    {
        await broker.DeclareQueueAsync(Name);
        await using var connection = await broker.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        await channel.ExchangeDeclareAsync("lead-audit", ExchangeType.Topic, durable: true);
        await channel.QueueBindAsync(Name, "lead-audit", routingKey);
        return new AuditQueue(broker);
    }

    /// <summary>
    /// What has arrived since the last time, in its order; of much a part, since what is taken off is lost to one who asks with a limit of time and does not wait for the answer.
    /// </summary>
    public async Task<IReadOnlyList<(string RoutingKey, IReadOnlyBasicProperties Properties, JsonObject Event)>> TakeAsync()
    {
        await using var connection = await broker.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        var events = new List<(string, IReadOnlyBasicProperties, JsonObject)>();
        while (events.Count < 100 && await channel.BasicGetAsync(Name, autoAck: true) is { } message)
            events.Add((message.RoutingKey, message.BasicProperties, JsonNode.Parse(message.Body.Span)!.AsObject()));
        return events;
    }
}
