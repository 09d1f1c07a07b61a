using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Approvals;

/// <summary>Writes down, every minute, which requests have run out, so that the audit tells of it although nobody looks. One of several workers gets there first.</summary>
public sealed partial class ApprovalExpiry(ApprovalStore store, TimeProvider time, ILogger<ApprovalExpiry> logger) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, time);
        while (await timer.NextAsync(stoppingToken))
        {
            try
            {
                foreach (var id in await store.LapsedAsync(stoppingToken))
                    _ = await store.ActAsync(id, new ApprovalAct.Expire(ApprovalMachine.Pipeline), stoppingToken);
            }
#pragma warning disable CA1031 // The database may be away; the next round comes, and an expired request is refused with or without it.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                if (stoppingToken.IsCancellationRequested)
                    return;
                Log.Failed(logger, exception.GetType().Name);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(320, LogLevel.Warning, "Requests for approval that ran out could not be marked: {Exception}")]
        public static partial void Failed(ILogger logger, string exception);
    }
}
