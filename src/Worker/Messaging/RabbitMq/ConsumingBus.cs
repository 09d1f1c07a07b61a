using MassTransit;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace LeadPipeline.Worker.Messaging.RabbitMq;

/// <summary>
/// Keeps a bus that consumes our queues. After every loss of the connection, by whichever sign, the bus is replaced by a new one: left to
/// connect again by itself it has been seen to come back without its consumers, and to call itself healthy.
/// </summary>
public sealed partial class ConsumingBus(
    BrokerAddress broker, Func<IBusControl> create, IOptions<MessagingOptions> options, ILogger<ConsumingBus> logger) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1), StartDeadline = TimeSpan.FromSeconds(10), RetireDeadline = TimeSpan.FromMinutes(1);
    private volatile bool isReady;

    /// <summary>Whether leads are being consumed, as far as the connection and the broker tell; at a door that consumes nothing, whether the queues are there to send to.</summary>
    public bool IsReady => isReady;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            IBusControl? bus = null;
            try
            {
                // The bus is not asked to find a broker that is away: it is started when this has found it.
                await using var connection = await broker.Factory("leadpipeline watch").CreateConnectionAsync(stoppingToken);
                var lost = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
                connection.ConnectionShutdownAsync += (_, shutdown) => Told(lost, shutdown);

                ConnectHandle? endpoints = null;
                using (var limit = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken))
                {
                    limit.CancelAfter(StartDeadline);
                    if (options.Value.Consume)
                    {
                        bus = create();
                        endpoints = bus.ConnectReceiveEndpointObserver(new EndpointWatch(lost));
                        _ = await bus.StartAsync(limit.Token);
                    }
                    else
                    {
                        await DeclareAsync(connection, limit.Token);
                    }
                }
                isReady = true;
                var why = await LossAsync(connection, lost.Task, stoppingToken);
                endpoints?.Disconnect();
                Log.Replacing(logger, why);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                await FinishAsync(bus);
                return;
            }
#pragma warning disable CA1031 // The broker is away, or goes while the bus starts: both are tried again.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Log.NotConsuming(logger, broker.ToString(), exception.Message);
            }
            isReady = false;
            if (bus is not null)
                _ = RetireAsync(bus);
            await Task.Delay(Pause, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Makes the queues as the consumers do: a door may be there before the first of them.</summary>
    private static async Task DeclareAsync(IConnection connection, CancellationToken cancellationToken)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        foreach (var queue in RabbitMqRegistration.Queues)
            _ = await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" }, cancellationToken: cancellationToken);
    }

    private static Task Told(TaskCompletionSource<string> lost, ShutdownEventArgs shutdown)
    {
        _ = lost.TrySetResult(shutdown.ReplyText);
        return Task.CompletedTask;
    }

    /// <summary>Waits until the connection is lost, or a queue has been without a consumer for too long.</summary>
    private async Task<string> LossAsync(IConnection connection, Task<string> lost, CancellationToken stoppingToken)
    {
        var patience = options.Value.WatchdogPatience;
        for (var deaf = 0; ;)
        {
            if (await Task.WhenAny(lost, Task.Delay(patience / 4, stoppingToken)) == lost)
                return await lost;
            stoppingToken.ThrowIfCancellationRequested();
            if (!options.Value.Consume || await DeafQueueAsync(connection, stoppingToken) is not { } queue)
                deaf = 0;
            else if (++deaf == 4)
                return $"queue {queue} has had no consumer for {patience}";
        }
    }

    /// <summary>A queue that nobody consumes; null when there is none.</summary>
    private static async Task<string?> DeafQueueAsync(IConnection connection, CancellationToken cancellationToken)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        foreach (var queue in RabbitMqRegistration.Queues)
        {
            if ((await channel.QueueDeclarePassiveAsync(queue, cancellationToken)).ConsumerCount == 0)
                return queue;
        }
        return null;
    }

    /// <summary>Lets a bus that has lost its connection finish what is in its hands; it cannot acknowledge it, so that it all comes again.</summary>
    private static async Task RetireAsync(IBusControl bus)
    {
        using var limit = new CancellationTokenSource(RetireDeadline);
        try
        {
            await bus.StopAsync(limit.Token);
        }
#pragma warning disable CA1031 // It is out of use whether it stops or not.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }

    private async Task FinishAsync(IBusControl? bus)
    {
        isReady = false;
        if (bus is null)
            return;
        using var limit = new CancellationTokenSource(options.Value.StopTimeout);
        try
        {
            await bus.StopAsync(limit.Token);
        }
#pragma warning disable CA1031 // What was not done in time is delivered again.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.NotStopped(logger, exception.Message);
        }
    }

    /// <summary>The bus's own signs that an endpoint has lost its connection.</summary>
    private sealed class EndpointWatch(TaskCompletionSource<string> lost) : IReceiveEndpointObserver
    {
        public Task Ready(ReceiveEndpointReady ready) => Task.CompletedTask;

        public Task Stopping(ReceiveEndpointStopping stopping) => Task.CompletedTask;

        public Task Completed(ReceiveEndpointCompleted completed) => Lost("an endpoint has ended");

        public Task Faulted(ReceiveEndpointFaulted faulted) => Lost(faulted.Exception?.Message ?? "an endpoint has failed");

        private Task Lost(string why)
        {
            _ = lost.TrySetResult(why);
            return Task.CompletedTask;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(450, LogLevel.Warning, "The connection that consumes the queues is replaced: {Why}")]
        public static partial void Replacing(ILogger logger, string why);

        [LoggerMessage(451, LogLevel.Warning, "No queue of the broker at {Broker} can be consumed now; trying again: {Why}")]
        public static partial void NotConsuming(ILogger logger, string broker, string why);

        [LoggerMessage(452, LogLevel.Warning, "Not everything in hand was done before the worker stopped; it will be delivered again: {Why}")]
        public static partial void NotStopped(ILogger logger, string why);
    }
}
