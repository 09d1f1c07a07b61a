using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Intake.Webhooks.Lookups;
using LeadPipeline.Worker.Messaging;
using LeadPipeline.Worker.Saga;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Intake.Webhooks.Deferred;

/// <summary>
/// Reads at their senders what events only referred to, as soon as there is a token to read with, and hands it to the door; what cannot be read in time goes to
/// the dead letters. Several workers may do the same work: the key makes it one lead.
/// </summary>
public sealed partial class DeferredEventReader(
    DeferredEventStore store, WebhookSources sources, LeadDoor door, DeadLetterStore letters, IOptions<DeferralOptions> deferral, TimeProvider time, ILogger<DeferredEventReader> logger) : BackgroundService
{
    private const int Batch = 100;
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                while (await RoundAsync(stoppingToken) == Batch)
                {
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Database or broker may be away; the events stay where they are, and the next round comes.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Log.Failed(logger, exception.GetType().Name);
            }
            await Task.Delay(Every, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Works on what is due; answers how many events that were.</summary>
    public async Task<int> RoundAsync(CancellationToken cancellationToken)
    {
        var due = await store.DueAsync(sources.Readable, Batch, cancellationToken);
        foreach (var group in due.GroupBy(e => e.Source))
        {
            var source = sources.TryFind(group.Key, out var known) ? known : null;
            var read = source?.Lookup is { } lookup ? await lookup.FindEachAsync([.. group.Select(e => e.Lead.Id).Distinct()], cancellationToken) : null;
            if (read?.Values.OfType<LookupResult.NotNow>().FirstOrDefault() is { } trouble)
                Log.NotReadable(logger, group.Key, trouble.Reason);
            foreach (var waiting in group)
            {
                try
                {
                    await SettleAsync(waiting, read?.GetValueOrDefault(waiting.Lead.Id), source?.Trusted == true, cancellationToken);
                }
#pragma warning disable CA1031 // One event must not stand in the way of all that came after it. With the database away what follows fails as well, and the round ends, as it does without a broker.
                catch (Exception exception) when (exception is not OperationCanceledException and not BusUnavailableException)
#pragma warning restore CA1031
                {
                    Log.Failed(logger, exception.GetType().Name);
                    await SettleAsync(waiting, new LookupResult.NotNow("unexpected"), trusted: false, cancellationToken);
                }
            }
        }
        return due.Count;
    }

    private async Task SettleAsync(DeferredEvent waiting, LookupResult? read, bool trusted, CancellationToken cancellationToken)
    {
        switch (DeferredStep.Decide(waiting, read, deferral.Value.MaxAge, time.GetUtcNow()))
        {
            case DeferredStep.Take take:
                if (await door.TakeAsync(take.Lead, waiting.Source, trusted, waiting.Lead.Key, null, cancellationToken) is DoorAnswer.Accepted)
                    await store.RemoveAsync(waiting, cancellationToken);
                else
                    await GiveUpAsync(waiting, "invalid", cancellationToken);
                break;
            case DeferredStep.Wait wait:
                await store.PutOffAsync(waiting, wait.Until, wait.Reason, cancellationToken);
                break;
            case DeferredStep.GiveUp end:
                await GiveUpAsync(waiting, end.Reason, cancellationToken);
                break;
        }
    }

    private async Task GiveUpAsync(DeferredEvent waiting, string reason, CancellationToken cancellationToken)
    {
        // There first, then gone from here: a crash in between does it twice, and it is one row.
        await letters.KeepAsync(waiting.GivenUp(reason, time.GetUtcNow()), cancellationToken);
        await store.RemoveAsync(waiting, cancellationToken);
        Log.GivenUp(logger, waiting.Source, reason);
    }

    private static partial class Log
    {
        [LoggerMessage(113, LogLevel.Warning, "Events of {Source} wait, for their leads cannot be read there now: {Reason}")]
        public static partial void NotReadable(ILogger logger, string source, string reason);

        [LoggerMessage(114, LogLevel.Warning, "An event of {Source} is among the dead letters now: {Reason}")]
        public static partial void GivenUp(ILogger logger, string source, string reason);

        [LoggerMessage(115, LogLevel.Warning, "Events that wait for their leads could not be worked on; they are tried again: {Exception}")]
        public static partial void Failed(ILogger logger, string exception);
    }
}
