using MassTransit;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace LeadPipeline.Worker.Messaging.RabbitMq;

/// <summary>
/// Asks the broker itself whether our queues have consumers. The bus has been seen to call itself healthy after an outage while its
/// consumers had not come back; then nothing moves and nobody is told. A bus without consumers for too long is started again.
/// </summary>
public sealed partial class BrokerWatchdog(
    BrokerAddress broker, IBusControl bus, IOptions<MessagingOptions> options, TimeProvider time, ILogger<BrokerWatchdog> logger) : BackgroundService
{
    private static readonly string[] Queues = [RabbitMqRegistration.IntakeQueue, RabbitMqRegistration.AnalysisQueue, RabbitMqRegistration.ExecutionQueue];
    private static readonly TimeSpan Restart = TimeSpan.FromSeconds(60);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var patience = options.Value.WatchdogPatience;
        DateTimeOffset? since = null;
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(patience / 4, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stoppingToken.IsCancellationRequested)
                return;
            switch (await DeafQueueAsync(stoppingToken))
            {
                case { } queue when since is { } first && time.GetUtcNow() - first >= patience:
                    Log.Restarting(logger, queue, patience);
                    await RestartAsync(stoppingToken);
                    since = null;
                    break;
                case { }:
                    since ??= time.GetUtcNow();
                    break;
                case null:
                    since = null;
                    break;
            }
        }
    }

    /// <summary>A queue that the broker has and nobody consumes; null when all is well, or when the broker cannot be asked.</summary>
    private async Task<string?> DeafQueueAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(10));
        try
        {
            await using var connection = await broker.Factory("leadpipeline watchdog").CreateConnectionAsync(limit.Token);
            await using var channel = await connection.CreateChannelAsync(cancellationToken: limit.Token);
            foreach (var queue in Queues)
            {
                if ((await channel.QueueDeclarePassiveAsync(queue, limit.Token)).ConsumerCount == 0)
                    return queue;
            }
            return null;
        }
#pragma warning disable CA1031 // A broker that cannot be asked is the bus's own trouble; it reconnects when it can.
        catch (Exception)
#pragma warning restore CA1031
        {
            return null;
        }
    }

    private async Task RestartAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Restart);
        try
        {
            await bus.StopAsync(limit.Token);
            await bus.StartAsync(limit.Token);
        }
#pragma warning disable CA1031 // It is tried again after the same patience.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.NotRestarted(logger, exception);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(450, LogLevel.Error, "Queue {Queue} has had no consumer for {Patience}; the bus is started again")]
        public static partial void Restarting(ILogger logger, string queue, TimeSpan patience);

        [LoggerMessage(451, LogLevel.Error, "The bus could not be started again")]
        public static partial void NotRestarted(ILogger logger, Exception exception);
    }
}
