using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace LeadPipeline.Worker.Messaging.RabbitMq;

/// <summary>
/// Asks the broker itself whether our queues have consumers. The bus has been seen to call itself healthy after an outage while its
/// consumers had not come back; then nothing moves and nobody is told. A worker without consumers for too long ends, to be started again.
/// </summary>
public sealed partial class BrokerWatchdog(
    BrokerAddress broker, IHostApplicationLifetime lifetime, IOptions<MessagingOptions> options, TimeProvider time, ILogger<BrokerWatchdog> logger) : BackgroundService
{
    private static readonly string[] Queues = [RabbitMqRegistration.IntakeQueue, RabbitMqRegistration.AnalysisQueue, RabbitMqRegistration.ExecutionQueue];

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
                    // A bus in this state cannot be stopped and started within the process; whoever runs the worker starts it again.
                    Environment.ExitCode = 1;
                    lifetime.StopApplication();
                    return;
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

    private static partial class Log
    {
        [LoggerMessage(450, LogLevel.Error, "Queue {Queue} has had no consumer for {Patience}; the worker ends with exit code 1, to be started again")]
        public static partial void Restarting(ILogger logger, string queue, TimeSpan patience);
    }
}
