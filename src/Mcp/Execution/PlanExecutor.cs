using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Execution;

/// <summary>How a plan meets faults in place, before the lead is deferred.</summary>
public sealed record InPlaceRetry
{
    /// <summary>Tries in all. Default 3.</summary>
    public int Attempts { get; init; } = 3;
    /// <summary>Wait before the second; doubles, with jitter. Default 0.5 s.</summary>
    public TimeSpan BaseDelay { get; init; } = TimeSpan.FromSeconds(0.5);
    /// <summary>Longest wait. Default 10 s.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(10);
    /// <summary>Longest time that a step which is not critical may hold up the plan. Default 10 min.</summary>
    public TimeSpan NonCriticalMaxAge { get; init; } = TimeSpan.FromMinutes(10);
    /// <summary>How long the CRM may still carry out a call that was given up without an answer. Nothing is undone sooner. Default 0.</summary>
    public TimeSpan SettleTime { get; init; }

    /// <summary>The wait after a number of failed tries: exponential, between half and all of it.</summary>
    public TimeSpan Delay(int failed, double random)
    {
        var full = Math.Min(BaseDelay.TotalSeconds * Math.Pow(2, failed - 1), MaxDelay.TotalSeconds);
        return TimeSpan.FromSeconds(full * (0.5 + (random / 2)));
    }
}

/// <summary>
/// The one path to the CRM: read, decide, write, undo. It keeps nothing: the ledger comes in and goes out, and whoever calls it
/// makes the ledger durable in between — before <see cref="WriteAsync"/>, and before <see cref="UndoAsync"/>.
/// </summary>
public sealed class PlanExecutor(ToolRegistry tools, ICrm crm, TimeProvider time, InPlaceRetry retry, Func<string, string> recordKey)
{
    /// <summary>The tools that there are.</summary>
    public ToolRegistry Tools => tools;

    /// <summary>Reads the CRM and decides every step. Nothing is written.</summary>
    public async Task<PlanOutcome> PrepareAsync(PlanRun run, CancellationToken cancellationToken)
    {
        if (run.Failure is not null)
            return new PlanOutcome.Failed(run.Effects);
        try
        {
            var view = await crm.ReadAsync(PlanPreparer.Ask(tools, run, recordKey), cancellationToken);
            return PlanPreparer.Decide(tools, run, view, time.GetUtcNow(), recordKey);
        }
        catch (CrmUnavailableException unavailable)
        {
            return new PlanOutcome.NotNow(run.Effects, Reason(unavailable.Kind), unavailable.Kind == NotNowKind.Transient, unavailable.RetryAfter) { Fault = unavailable.Fault };
        }
    }

    /// <summary>Sends what was prepared, in order, until it is settled, fails for good, or cannot go on now.</summary>
    public async Task<PlanOutcome> WriteAsync(PlanRun run, CancellationToken cancellationToken)
    {
        var ledger = new WriteLedger(run);
        // The source follows the given clock, so that tests need not wait; a linked source would follow the system's.
        using var limit = new CancellationTokenSource(TimeFor(run), time);
        // Given up with the call: the caller's token outlives it by far.
        await using var link = cancellationToken.Register(static s => ((CancellationTokenSource)s!).Cancel(), limit);
        for (var attempt = 1; ; attempt++)
        {
            var batch = ledger.Outstanding();
            if (ledger.HasCriticalFailure)
                return new PlanOutcome.Failed(ledger.Effects);
            if (batch.Writes.Count == 0)
                return ledger.Open == 0 ? new PlanOutcome.Finished(ledger.Effects) : new PlanOutcome.Again(ledger.Effects, PlanOutcome.Again.PivotNext);

            var open = ledger.Open;
            ledger.Record(batch, await SendAsync(batch, limit.Token, cancellationToken), time.GetUtcNow());

            if (ledger.HasCriticalFailure)
                return new PlanOutcome.Failed(ledger.Effects);
            if (ledger.MustReadAgain is { } why)
                return new PlanOutcome.Again(ledger.Effects, why);
            if (ledger.Stopped is not { } stopped)
            {
                if (ledger.Open < open)
                    continue;
                // No answer to any step and no reason given: without this the same batch would be sent for ever.
                stopped = (batch.Writes[0].Step, new CrmOutcome.NotNow(NotNowKind.Transient, "the CRM left the writes undone and did not say why"));
            }

            if (!ledger.IsCritical(stopped.Step) && run.FirstFailedAt + retry.NonCriticalMaxAge <= time.GetUtcNow())
            {
                // It has held up the plan for long enough; the rest matters more.
                ledger.GiveUp(stopped.Step, stopped.Outcome.Message);
                continue;
            }
            if (stopped.Outcome.Kind != NotNowKind.Transient || attempt >= retry.Attempts || !await PauseAsync(attempt, limit.Token))
            {
                cancellationToken.ThrowIfCancellationRequested();
                return new PlanOutcome.NotNow(ledger.Effects, Reason(stopped.Outcome.Kind), stopped.Outcome.Kind == NotNowKind.Transient, stopped.Outcome.RetryAfter) { Fault = stopped.Outcome.Fault };
            }
        }
    }

    /// <summary>One call for everything that is to be sent at once. The tools' time limits it: what had no answer by then is unknown.</summary>
    private async Task<IReadOnlyList<CrmOutcome>> SendAsync(CrmBatch batch, CancellationToken limit, CancellationToken cancellationToken)
    {
        try
        {
            return await crm.WriteAsync(batch, limit);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return [.. batch.Writes.Select(_ => new CrmOutcome.Unknown("the tools' time was up before the CRM answered", CrmFault.Timeout))];
        }
    }

    /// <summary>The longest time that a tool of the steps to be sent allows.</summary>
    private TimeSpan TimeFor(PlanRun run) =>
        run.Effects.Where(e => e.IsToBeSent).Select(e => tools.Find(e.Step.Tool)?.Timeout).OfType<TimeSpan>().DefaultIfEmpty(TimeSpan.FromSeconds(30)).Max();

    /// <summary>Waits before the next try; false when there is no time left for one.</summary>
    private async Task<bool> PauseAsync(int failed, CancellationToken limit)
    {
#pragma warning disable CA5394 // Jitter, not a secret.
        await Task.Delay(retry.Delay(failed, Random.Shared.NextDouble()), time, limit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
#pragma warning restore CA5394
        return !limit.IsCancellationRequested;
    }

    /// <summary>Undoes what was done, last first. The failed critical step must be durable before this is called.</summary>
    /// <param name="run">The ledger.</param>
    /// <param name="usedElsewhere">Asked which of some records other leads work with; those are not withdrawn.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<PlanOutcome> UndoAsync(PlanRun run, Func<IReadOnlyList<string>, Task<IReadOnlySet<string>>> usedElsewhere, CancellationToken cancellationToken)
    {
        // A record refuses a late call that would make it again, because it holds the key. Once it is withdrawn nothing does.
        if (run.Effects.Max(e => e.UnansweredAt) + retry.SettleTime - time.GetUtcNow() is { } wait && wait > TimeSpan.Zero)
            return new PlanOutcome.NotNow(run.Effects, PlanOutcome.NotNow.Settling, CountsAsFailure: false, wait);
        var undo = new UndoLedger(run);
        for (var attempt = 1; ; attempt++)
        {
            NotNowKind kind;
            TimeSpan? retryAfter;
            try
            {
                var view = await crm.ReadAsync(undo.Ask(), cancellationToken);
                var records = undo.ToBeWithdrawn(view);
                var batch = undo.Decide(view, records.Count == 0 ? new HashSet<string>() : await usedElsewhere(records));
                if (batch.Writes.Count > 0)
                    undo.Record(batch, await crm.WriteAsync(batch, cancellationToken));
                if (undo.IsSettled)
                    return undo.Impossible ? new PlanOutcome.NotUndone(undo.Effects) : new PlanOutcome.Undone(undo.Effects);
                (kind, retryAfter) = (undo.Stopped?.Kind ?? NotNowKind.Transient, undo.Stopped?.RetryAfter);
            }
            catch (CrmUnavailableException unavailable)
            {
                (kind, retryAfter) = (unavailable.Kind, unavailable.RetryAfter);
            }
            if (kind != NotNowKind.Transient || attempt >= retry.Attempts)
                return new PlanOutcome.NotNow(undo.Effects, Reason(kind), kind == NotNowKind.Transient, retryAfter);
#pragma warning disable CA5394 // Jitter, not a secret.
            await Task.Delay(retry.Delay(attempt, Random.Shared.NextDouble()), time, cancellationToken);
#pragma warning restore CA5394
        }
    }

    private static string Reason(NotNowKind kind) => kind switch
    {
        NotNowKind.RateLimited => "crm-rate-limited",
        NotNowKind.BreakerOpen => "crm-breaker-open",
        NotNowKind.Unauthorized => PlanOutcome.NotNow.Unauthorized,
        _ => "crm-unavailable",
    };
}
