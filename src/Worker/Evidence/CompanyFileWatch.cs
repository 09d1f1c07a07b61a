using LeadPipeline.Worker.Hosting;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Evidence;

/// <summary>Loads the company file anew when it has changed, while leads go on. What goes wrong with it is told and tried again: the companies that there are stay.</summary>
public sealed partial class CompanyFileWatch(CompanyFile file, IOptions<EnrichmentDirectoryOptions> options, TimeProvider time, ILogger<CompanyFileWatch> logger) : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (string.IsNullOrWhiteSpace(options.Value.File))
            return;
        using var timer = new PeriodicTimer(options.Value.CheckEvery, time);
        while (await timer.NextAsync(stoppingToken))
        {
            try
            {
                if (await file.CheckAsync(stoppingToken) is CompanyLoad.Missing)
                    Log.Gone(logger);
            }
#pragma warning disable CA1031 // A file that somebody is writing, or a database that is away for a moment: the next look may be luckier.
            catch (Exception exception) when (exception is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
#pragma warning restore CA1031
            {
                Log.Failed(logger, exception);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(6, LogLevel.Warning, "Company directory: the file is gone; what was loaded stays")]
        public static partial void Gone(ILogger logger);

        [LoggerMessage(7, LogLevel.Warning, "Company directory: the file could not be loaded; what was loaded stays, and it is tried again")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
