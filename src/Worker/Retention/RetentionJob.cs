using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Retention;

/// <summary>Looks from time to time for what is too old. Does nothing when no time is set.</summary>
public sealed partial class RetentionJob(RetentionRun run, IOptions<RetentionOptions> options, TimeProvider time, ILogger<RetentionJob> logger) : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value is { Leads: null, Audit: null, DeadLetters: null })
            return;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var removed = await run.RunAsync(stoppingToken);
                if (removed != default)
                    Log.Removed(logger, removed.Leads, removed.Chains, removed.DeadLetters);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // The database may be away; the next look comes.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Log.Failed(logger, exception);
            }
            await Task.Delay(options.Value.Interval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(460, LogLevel.Information, "Retention: {Leads} leads erased, {Chains} audit chains and {DeadLetters} dead letters removed")]
        public static partial void Removed(ILogger logger, int leads, int chains, int deadLetters);

        [LoggerMessage(461, LogLevel.Warning, "Retention could not remove what is too old; it tries again at the next look")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
