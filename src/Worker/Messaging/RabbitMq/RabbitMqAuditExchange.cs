using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Audit;
using RabbitMQ.Client;

namespace LeadPipeline.Worker.Messaging.RabbitMq;

/// <summary>
/// Audit events on their way to the topic exchange <c>lead-audit</c>. They go through the plain client and a connection of their own: there
/// are many of them to a lead, nobody waits for one, and a bus with its pipeline for each would cost more than the lead itself.
/// </summary>
public sealed class RabbitMqAuditExchange(BrokerAddress broker) : IAuditExchange, IAsyncDisposable
{
    /// <summary>The exchange that subscribers bind their queues to, by <c>stage.kind</c>.</summary>
    public const string Name = "lead-audit";

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);
    // The publisher and the sweeper share the channel: neither may close it under the other, and a lead's events must not mix.
    private readonly SemaphoreSlim one = new(1, 1);
    private IConnection? connection;
    private IChannel? channel;

    /// <inheritdoc/>
    public async Task PublishAsync(IReadOnlyList<AuditEvent> events, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await one.WaitAsync(cancellationToken);
        try
        {
            limit.CancelAfter(Deadline);
            var open = await OpenAsync(limit.Token);
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
                confirms.Add(open.BasicPublishAsync(Name, $"{audit.Stage}.{audit.Kind}", mandatory: false, properties, body, limit.Token).AsTask());
            }
            await Task.WhenAll(confirms);
        }
        catch
        {
            await CloseAsync();
            throw;
        }
        finally
        {
            one.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        one.Dispose();
    }

    private async Task<IChannel> OpenAsync(CancellationToken cancellationToken)
    {
        if (channel is { IsOpen: true })
            return channel;
        await CloseAsync();
        connection = await broker.Factory("leadpipeline audit").CreateConnectionAsync(cancellationToken);
        channel = await connection.CreateChannelAsync(new CreateChannelOptions(
            publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true, outstandingPublisherConfirmationsRateLimiter: null), cancellationToken);
        await channel.ExchangeDeclareAsync(Name, ExchangeType.Topic, durable: true, cancellationToken: cancellationToken);
        return channel;
    }

    private async Task CloseAsync()
    {
        var (oldChannel, oldConnection) = (channel, connection);
        (channel, connection) = (null, null);
        try
        {
            if (oldChannel is not null)
                await oldChannel.DisposeAsync();
            if (oldConnection is not null)
                await oldConnection.DisposeAsync();
        }
#pragma warning disable CA1031 // It is broken, which is why it is being closed.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }
}

internal static class BrokerAddressExtensions
{
    public static ConnectionFactory Factory(this BrokerAddress broker, string name) => new()
    {
        HostName = broker.Host,
        Port = broker.Port,
        VirtualHost = broker.VirtualHost,
        UserName = broker.Username,
        Password = broker.Password,
        ClientProvidedName = name,
        AutomaticRecoveryEnabled = false,
        Ssl = new SslOption { Enabled = broker.UseTls, ServerName = broker.Host },
    };
}
