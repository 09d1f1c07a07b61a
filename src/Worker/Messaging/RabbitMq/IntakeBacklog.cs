using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace LeadPipeline.Worker.Messaging.RabbitMq;

/// <summary>
/// Watches how many leads wait in <c>lead-intake</c>, so that the doors can say no while the broker still can say yes. A broker that runs out of memory or disk blocks every
/// publisher, the workers that would empty the queue among them.
/// </summary>
public sealed partial class IntakeBacklog(BrokerAddress broker, IOptions<MessagingOptions> options, TimeProvider time, ILogger<IntakeBacklog> logger) : BackgroundService
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private volatile bool isFull;

    /// <summary>Whether no more leads are to be put there now. It is again possible once a tenth of them is gone, so that the doors do not open and shut for each.</summary>
    public bool IsFull => isFull;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var most = options.Value.MaxBacklog;
        while (most > 0 && !stoppingToken.IsCancellationRequested)
        {
            try
            {
                await using var connection = await broker.Factory("leadpipeline backlog").CreateConnectionAsync(stoppingToken);
                await using var channel = await connection.CreateChannelAsync(cancellationToken: stoppingToken);
                while (true)
                {
                    See(await channel.MessageCountAsync(RabbitMqRegistration.IntakeQueue, stoppingToken), (uint)most);
                    await Task.Delay(Look, time, stoppingToken);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // The broker is away, or the queue is not there yet: a post finds that out by itself.
            catch (Exception)
#pragma warning restore CA1031
            {
                isFull = false;
                await Task.Delay(Look, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private void See(uint waiting, uint most)
    {
        var full = waiting >= most || (isFull && waiting > most - (most / 10));
        if (full && !isFull)
            Log.Full(logger, waiting);
        else if (!full && isFull)
            Log.Open(logger, waiting);
        isFull = full;
    }

    private static partial class Log
    {
        [LoggerMessage(453, LogLevel.Warning, "{Waiting} leads wait for intake: the doors answer 503 until some are gone")]
        public static partial void Full(ILogger logger, uint waiting);

        [LoggerMessage(454, LogLevel.Information, "{Waiting} leads wait for intake: the doors are open again")]
        public static partial void Open(ILogger logger, uint waiting);
    }
}
