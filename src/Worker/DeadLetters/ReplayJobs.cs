using System.Collections.Concurrent;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.DeadLetters;

/// <summary>Replays that were ordered over HTTP, carried out after the answer. They end with this process: what has gone on goes on, the rest stays a dead letter.</summary>
public sealed partial class ReplayJobs(DeadLetterOperations operations, ILogger<ReplayJobs> logger) : IHostedService, IDisposable
{
    private readonly CancellationTokenSource stopping = new();
    private readonly ConcurrentDictionary<Task, byte> running = new();

    /// <summary>Begins one.</summary>
    /// <param name="rows">What is replayed.</param>
    /// <param name="pace">How.</param>
    /// <param name="actor">Who ordered it.</param>
    public void Start(IReadOnlyList<DeadLetterRow> rows, ReplayPace pace, string actor)
    {
        var job = Task.Run(() => RunAsync(rows, pace, actor));
        running[job] = 0;
        _ = job.ContinueWith(done => running.TryRemove(done, out _), TaskScheduler.Default);
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await stopping.CancelAsync();
        await Task.WhenAll(running.Keys).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <inheritdoc/>
    public void Dispose() => stopping.Dispose();

    private async Task RunAsync(IReadOnlyList<DeadLetterRow> rows, ReplayPace pace, string actor)
    {
        try
        {
            var report = await operations.ReplayAsync(rows, pace, waitForEnds: true, actor, stopping.Token);
            Log.Ended(logger, report.Selected, report.Replayed, report.Completed, report.Failed, report.Refused.Count);
        }
        catch (OperationCanceledException)
        {
        }
#pragma warning disable CA1031 // Nobody waits for it any more; what was not replayed is still a dead letter.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.Broke(logger, exception);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(474, LogLevel.Information, "A replay of {Selected} dead letters has ended: {Replayed} replayed, {Completed} completed, {Failed} failed again, {Refused} refused")]
        public static partial void Ended(ILogger logger, int selected, int replayed, int completed, int failed, int refused);

        [LoggerMessage(475, LogLevel.Warning, "A replay of dead letters broke off; what was not replayed is still a dead letter")]
        public static partial void Broke(ILogger logger, Exception exception);
    }
}
