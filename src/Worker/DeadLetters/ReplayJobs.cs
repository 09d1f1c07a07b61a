using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.DeadLetters;

/// <summary>
/// Carries out replays that were ordered, one after the other. They stand in the database, so that whichever worker lives goes on with what a worker that is gone has begun, from the
/// step that was kept last.
/// </summary>
public sealed partial class ReplayJobs(ReplayJobStore store, DeadLetterOperations operations, DeadLetterActs acts, WorkerIdentity worker, TimeProvider time, ILogger<ReplayJobs> logger) : BackgroundService
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    /// <summary>Keeps an order; a worker that runs takes it up.</summary>
    /// <param name="store">Where it is kept.</param>
    /// <param name="acts">Where it is written down who ordered it.</param>
    /// <param name="rows">What is replayed.</param>
    /// <param name="pace">How.</param>
    /// <param name="actor">Who orders it.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public static async Task<ReplayJob> OrderAsync(ReplayJobStore store, DeadLetterActs acts, IReadOnlyList<DeadLetterRow> rows, ReplayPace pace, string actor, CancellationToken cancellationToken)
    {
        var job = await store.AddAsync(rows, pace, actor, cancellationToken);
        await acts.RecordAsync(actor, "replay_ordered", null, null, $"{rows.Count} dead letters, job {job.Id}", cancellationToken);
        return job;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Look, time);
        do
        {
            // The oldest first; and one that cannot be carried out does not keep the others from it.
            var jobs = new List<(Guid Id, int? Owner)>();
            await TryAsync(async () => jobs = await store.RunningAsync(stoppingToken), stoppingToken);
            foreach (var (id, owner) in jobs)
                await TryAsync(() => TakeAsync(id, owner, stoppingToken), stoppingToken);
        }
        while (await timer.NextAsync(stoppingToken));
    }

    private async Task TryAsync(Func<Task> act, CancellationToken stoppingToken)
    {
        try
        {
            await act();
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The step that was kept last is where the next worker goes on.
        }
#pragma warning disable CA1031 // Broker or database may be away; the job stands where it was kept, and the next round comes.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.Broke(logger, exception);
        }
    }

    private async Task TakeAsync(Guid id, int? owner, CancellationToken stoppingToken)
    {
        if (owner is { } other && other != worker.Id && await worker.IsAliveAsync(other, stoppingToken))
            return;
        // Somebody may have taken or stopped it since the look.
        if (await store.FindAsync(id, stoppingToken) is not { State: ReplayJob.Running } job || job.Owner != owner)
            return;
        if (await store.SaveAsync(job, job with { Owner = worker.Id }, stoppingToken) is not { } mine)
            return;
        var progress = await operations.ReplayAsync(mine.Items, mine.Pace, waitForEnds: true, mine.OrderedBy, mine.Progress, job.Owner is not null, KeepAsync, stoppingToken);
        if (mine is null || await store.SaveAsync(mine, mine with { State = ReplayJob.Ended, Progress = progress }, stoppingToken) is not { } ended)
            return;
        if (progress.Stopped is { } why)
            await acts.RecordAsync(Approvals.ApprovalMachine.Pipeline, "replay_stopped", null, null, $"{why} after {progress.Next} of {ended.Items.Count} dead letters, job {ended.Id}", stoppingToken);
        Log.Ended(logger, ended.Items.Count, progress.Replayed, progress.Completed, progress.Failed, progress.Refused.Count);

        async Task<bool> KeepAsync(ReplayProgress step) => (mine = mine is null ? null : await store.SaveAsync(mine, mine with { Progress = step }, stoppingToken)) is not null;
    }

    private static partial class Log
    {
        [LoggerMessage(474, LogLevel.Information, "A replay of {Selected} dead letters has ended: {Replayed} replayed, {Completed} completed, {Failed} failed again, {Refused} refused")]
        public static partial void Ended(ILogger logger, int selected, int replayed, int completed, int failed, int refused);

        [LoggerMessage(475, LogLevel.Warning, "A replay of dead letters broke off and will be gone on with from the step that was kept last")]
        public static partial void Broke(ILogger logger, Exception exception);
    }
}
