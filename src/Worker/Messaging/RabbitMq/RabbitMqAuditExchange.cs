using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Audit;
using RabbitMQ.Client;

namespace LeadPipeline.Worker.Messaging.RabbitMq;

/// <summary>
/// Audit events on their way to the topic exchange <c>lead-audit</c>. They go through the plain client: there are many of them to a lead,
/// nobody waits for one, and a bus with its pipeline for each would cost more than the lead itself.
/// </summary>
public sealed class RabbitMqAuditExchange(BrokerAddress broker) : IAuditExchange, IAsyncDisposable
{
    /// <summary>The exchange that subscribers bind their queues to, by <c>stage.kind</c>.</summary>
    public const string Name = "lead-audit";

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);
    // The publisher of fresh events and the sweeper share it: a lead's events must not mix.
    private readonly SemaphoreSlim one = new(1, 1);
    private readonly ConfirmedPublisher publisher = new(broker, "leadpipeline audit",
        static (channel, cancellationToken) => channel.ExchangeDeclareAsync(Name, ExchangeType.Topic, durable: true, cancellationToken: cancellationToken));

    /// <inheritdoc/>
    public async Task PublishAsync(IReadOnlyList<AuditEvent> events, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await one.WaitAsync(cancellationToken);
        try
        {
            limit.CancelAfter(Deadline);
            // All on one channel: when it breaks, what follows fails too instead of overtaking.
            var channel = await publisher.OpenAsync(limit.Token);
            var confirms = new List<Task>(events.Count);
            foreach (var audit in events)
            {
                var properties = new BasicProperties
                {
                    MessageId = audit.Id.ToString(),
                    ContentType = "application/json",
                    DeliveryMode = DeliveryModes.Persistent,
                    Type = $"{audit.Stage}.{audit.Kind}",
                };
                var body = JsonSerializer.SerializeToUtf8Bytes(audit, ContractsJson.Default.AuditEvent);
                // Sent one after the other, so that they arrive in order; the confirms are awaited together.
                confirms.Add(ConfirmedPublisher.PublishAsync(channel, Name, $"{audit.Stage}.{audit.Kind}", mandatory: false, properties, body, limit.Token));
            }
            await Task.WhenAll(confirms);
        }
        finally
        {
            one.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await publisher.DisposeAsync();
        one.Dispose();
    }
}
