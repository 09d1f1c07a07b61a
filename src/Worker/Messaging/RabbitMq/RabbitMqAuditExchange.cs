using System.Buffers;
using System.Collections.Concurrent;
using System.Text.Json;
using LeadPipeline.Worker.Audit;
using RabbitMQ.Client;

namespace LeadPipeline.Worker.Messaging.RabbitMq;

/// <summary>
/// Audit events on their way to the topic exchange <c>lead-audit</c>. They go through the plain client: there are many of them to a lead,
/// nobody waits for one, and a bus with its pipeline for each would cost more than the lead itself.
/// </summary>
public sealed class RabbitMqAuditExchange : IAuditExchange, IAsyncDisposable
{
    /// <summary>The exchange that subscribers bind their queues to, by <c>stage.kind</c>.</summary>
    public const string Name = "lead-audit";

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);
    private static readonly CachedString Exchange = new(Name);
    private static readonly ConcurrentDictionary<(string Stage, string Kind), CachedString> RoutingKeys = new();

    // The publisher of fresh events and the sweeper share it: a lead's events must not mix.
    private readonly SemaphoreSlim one = new(1, 1);
    private readonly ConfirmedPublisher publisher;
    private readonly ArrayBufferWriter<byte> body = new(4096);
    private readonly Utf8JsonWriter writer;
    private readonly AuditIds ids = new();
    private volatile Sent? current;

    /// <summary>Connects with the first publish.</summary>
    public RabbitMqAuditExchange(BrokerAddress broker)
    {
        publisher = new ConfirmedPublisher(broker, "leadpipeline audit", DeclareAsync, trackEach: false);
        writer = new Utf8JsonWriter(body);
    }

    /// <inheritdoc/>
    public async Task PublishAsync(IReadOnlyList<AuditMessage> events, CancellationToken cancellationToken)
    {
        if (events.Count == 0)
            return;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await one.WaitAsync(cancellationToken);
        try
        {
            limit.CancelAfter(Deadline);
            // All on one channel: when it breaks, what follows fails too instead of overtaking.
            var channel = await publisher.OpenAsync(limit.Token);
            var batch = new ConfirmBatch(await channel.GetNextPublishSequenceNumberAsync(limit.Token), events.Count);
            current = new Sent(channel, batch);
            // Sent one after the other, so that they arrive in order; what is written has been copied when the call returns.
            foreach (var audit in events)
                await SendAsync(channel, audit, limit.Token);
            await batch.Completion.WaitAsync(limit.Token);
        }
        finally
        {
            current = null;
            one.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await publisher.DisposeAsync();
        await writer.DisposeAsync();
        one.Dispose();
    }

    private ValueTask SendAsync(IChannel channel, AuditMessage audit, CancellationToken cancellationToken)
    {
        body.ResetWrittenCount();
        writer.Reset();
        audit.Write(writer, ids);
        writer.Flush();
        var key = RoutingKeys.GetOrAdd((audit.Row.Stage, audit.Row.Kind), static k => new CachedString($"{k.Stage}.{k.Kind}"));
        var properties = new BasicProperties
        {
            MessageId = audit.Row.Id.ToString(),
            ContentType = "application/json",
            DeliveryMode = DeliveryModes.Persistent,
            Type = key.Value,
        };
        return channel.BasicPublishAsync(Exchange, key, mandatory: false, properties, body.WrittenMemory, cancellationToken);
    }

    private Task DeclareAsync(IChannel channel, CancellationToken cancellationToken)
    {
        channel.BasicAcksAsync += (_, ack) =>
        {
            BatchOn(channel)?.Confirm(ack.DeliveryTag, ack.Multiple);
            return Task.CompletedTask;
        };
        channel.BasicNacksAsync += (_, _) =>
        {
            BatchOn(channel)?.Fail("The broker refused an audit event.");
            return Task.CompletedTask;
        };
        channel.ChannelShutdownAsync += (_, shutdown) =>
        {
            BatchOn(channel)?.Fail($"The channel to the broker closed: {shutdown.ReplyText}");
            return Task.CompletedTask;
        };
        return channel.ExchangeDeclareAsync(Name, ExchangeType.Topic, durable: true, cancellationToken: cancellationToken);
    }

    /// <summary>The batch that waits for this channel's confirms; numbers of an earlier channel mean other messages.</summary>
    private ConfirmBatch? BatchOn(IChannel channel) => current is { } sent && ReferenceEquals(sent.Channel, channel) ? sent.Batch : null;

    private sealed record Sent(IChannel Channel, ConfirmBatch Batch);
}
