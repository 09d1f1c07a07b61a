using System.Threading.Channels;
using LeadPipeline.Worker.Messaging.RabbitMq;
using RabbitMQ.Client;

namespace LeadPipeline.Bench.Floor;

/// <summary>Publishes as many audit messages as the worker, of the same size and under the same keys, beside the writing; one batch of confirms is waited for at a time.</summary>
internal sealed class FloorAudit : IAsyncDisposable
{
    /// <summary>What is around a payload: ids, hashes, names.</summary>
    private const int Around = 400;

    private static readonly CachedString Exchange = new(RabbitMqAuditExchange.Name);

    private readonly IChannel channel;
    private readonly Dictionary<Guid, (CachedString Key, byte[] Body)[]> messages = [];
    private readonly FloorTable events;
    private readonly Channel<IReadOnlyList<FloorLead>> groups = Channel.CreateBounded<IReadOnlyList<FloorLead>>(16);
    private Task work = Task.CompletedTask;
    private ConfirmBatch? batch;

    private FloorAudit(IChannel channel, FloorTable events) => (this.channel, this.events) = (channel, events);

    public static async Task<FloorAudit> StartAsync(IConnection broker, FloorTable events)
    {
        var channel = await broker.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: false, outstandingPublisherConfirmationsRateLimiter: null));
        var audit = new FloorAudit(channel, events);
        channel.BasicAcksAsync += (_, ack) =>
        {
            audit.batch?.Confirm(ack.DeliveryTag, ack.Multiple);
            return Task.CompletedTask;
        };
        audit.work = audit.WorkAsync();
        return audit;
    }

    /// <summary>Hands over a group; waits only while many are under way.</summary>
    public ValueTask SendAsync(IReadOnlyList<FloorLead> group) => groups.Writer.WriteAsync(group);

    public async ValueTask DisposeAsync()
    {
        _ = groups.Writer.TryComplete();
        await work;
        await channel.DisposeAsync();
    }

    private async Task WorkAsync()
    {
        await foreach (var group in groups.Reader.ReadAllAsync())
        {
            var all = group.SelectMany(l => Messages(l.Template)).ToList();
            var current = new ConfirmBatch(await channel.GetNextPublishSequenceNumberAsync(), all.Count);
            batch = current;
            foreach (var (key, body) in all)
            {
                var properties = new BasicProperties { MessageId = Guid.NewGuid().ToString(), ContentType = "application/json", DeliveryMode = DeliveryModes.Persistent, Type = key.Value };
                await channel.BasicPublishAsync(Exchange, key, mandatory: false, properties, body);
            }
            await current.Completion;
        }
    }

    private (CachedString Key, byte[] Body)[] Messages(Guid template)
    {
        if (!messages.TryGetValue(template, out var made))
            messages[template] = made = [.. events.Rows(template).Select(r => (new CachedString("floor.event"), new byte[Around + r.OfType<byte[]>().Max(b => b.Length)]))];
        return made;
    }
}
