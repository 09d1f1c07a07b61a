using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Worker.Approvals;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Execution;

/// <summary>One delivery's way through the plan.</summary>
internal sealed partial class PlanAttempt(ExecutionServices services, LeadWork work)
{
    /// <summary>How often the CRM may turn out to have changed under a plan before the lead is put off.</summary>
    private const int MaxDecisions = 5;

    /// <summary>Why a lead waits for another one of the same person.</summary>
    public const string PersonBusy = "person-busy";

    /// <summary>Why a lead was given back that an attempt left in the middle when its process had to let go of it; and, with the fault's name, when a fault ended it.</summary>
    public const string Interrupted = "interrupted", Unexpected = "unexpected:";

    /// <summary>How long it does.</summary>
    private static readonly TimeSpan PersonBusyDelay = TimeSpan.FromSeconds(1);

    private readonly ActionPlan plan = work.Plan!;
    private readonly Dictionary<string, StepEffect> stored = [];
    private readonly EffectSeals seals = new();
    private readonly PlanApprovals approvals = new(services, work);
    // What came of steps since the last commit, where the next decision changes it again before it is stored: it is told all the same.
    private readonly Dictionary<string, EffectState> seen = [];
    private readonly List<AuditFact> seenFacts = [];
    private readonly DateTimeOffset began = services.Time.GetUtcNow();
    private PlanRun run = null!;

    // As it is on record or was answered by the CRM: without what has been decided since.
    private PlanRun known = null!;

    // Ours, once it is open. Not read from the saga later on: a commit that met a conflict has loaded what another worker made of it.
    private int epoch = work.Saga.Epoch;
    private bool isOpen;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        run = known = await LoadAsync(cancellationToken);
        try
        {
            await GoOnAsync(cancellationToken);
        }
        // Who lost the database can say nothing in it, and goes on with the lead himself as soon as it is back.
        catch (Exception exception) when ((isOpen || work.Saga.Owner is not null) && (exception is OperationCanceledException || !services.Store.IsTransient(exception)))
        {
            await GiveBackAsync(exception);
            throw;
        }
    }

    private async Task GoOnAsync(CancellationToken cancellationToken)
    {
        // Only before the first epoch: what is under way must be brought to an end, forward or back.
        if (epoch == 0 && SafetyGate.Check(plan, work.Grounding, work.Lead.Email, services.Executor.Tools) is { } block)
        {
            await BlockAsync(block);
            return;
        }
        // What is being undone is not held up by any limit.
        if (run.Failure is null && await services.Admission.AskAsync(work) is { Hit: { } limit, Until: var until })
        {
            await WaitAsync(limit, until);
            return;
        }
        for (var decisions = 1; ;)
        {
            var outcome = await services.Store.WaitAsync(work, services.Executor.PrepareAsync(run, cancellationToken));
            if (work.IsLost)
                return;
            if (outcome is PlanOutcome.Prepared)
            {
                var verdict = await approvals.JudgeAsync(outcome.Effects, cancellationToken);
                if (verdict is ApprovalVerdict.Refuse refused)
                {
                    run = run with { Effects = [.. run.Effects.Select(e => e.Step.Id == refused.Effect.Step.Id ? Refuse(e, refused) : e)] };
                    continue;
                }
                if (verdict is not ApprovalVerdict.Go go)
                {
                    if (await AwaitPeopleAsync(verdict))
                        return;
                    continue;
                }
                // What waits for an approval stays as it was.
                var held = run.Effects;
                IReadOnlyList<StepEffect> next = [.. outcome.Effects.Select((e, i) => i >= go.Until ? held[i] : e)];
                var facts = PlanEvents.Started(next);
                // From here on a step may be in the CRM, whatever happens to this process.
                run = run with { Effects = [.. next.Select(e => e.IsToBeSent ? e with { State = EffectState.Sent } : e)] };
                if (!await OpenEpochAsync(facts))
                    return;
                outcome = await WriteAsync(cancellationToken);
                known = run with { Effects = outcome.Effects };
            }
            run = run with { Effects = outcome.Effects };
            if (outcome is PlanOutcome.Again again)
            {
                See();
                if (again.Why == PlanOutcome.Again.PivotNext)
                {
                    // Not a try that failed: the steps before are done, and the one that waited for them is decided on what they left.
                    continue;
                }
                Log.Again(services.Logger, work.Saga.LeadId, again.Why);
                if (decisions++ < MaxDecisions)
                    continue;
                outcome = new PlanOutcome.NotNow(again.Effects, "crm-keeps-changing", CountsAsFailure: true, null);
            }
            if (outcome is PlanOutcome.Failed)
            {
                // The failure is durable before anything is undone: after a crash the plan must go on backward, not forward. And the lead is
                // ours alone while it is undone: a worker that lost it to another one must not undo what that one does.
                var turned = new AuditFact("compensation", "started", Failure());
                if (!isOpen ? !await OpenEpochAsync([turned]) : !(await CommitAsync(new SagaMessage.PlanTurned(work.Saga.Run, epoch), [.. Changes(), turned])).Took)
                    return;
                outcome = await services.Executor.UndoAsync(run, records => services.Store.UsedElsewhereAsync(work.Saga.LeadId, records, cancellationToken), cancellationToken);
                run = run with { Effects = outcome.Effects };
            }
            await EndAsync(outcome);
            return;
        }
    }

    /// <summary>
    /// This attempt ends in the middle, and the process does not: whoever gets the command next, here or in another worker, goes on at once. What was sent has no answer.
    /// </summary>
    private async Task GiveBackAsync(Exception exception)
    {
        var now = AuditChain.Microseconds(services.Time.GetUtcNow());
        var reason = exception is OperationCanceledException ? Interrupted : Unexpected + exception.GetType().Name;
        run = run with { Effects = [.. run.Effects.Select(e => e.State == EffectState.Sent ? e with { State = EffectState.Unknown, UnansweredAt = now } : e)] };
        approvals.Forget();
        try
        {
            await CommitAsync(new SagaMessage.StageDeferred(work.Saga.Run, LeadStage.Execution, now, Failed: false, reason, epoch), [.. Changes(), PlanEvents.Deferred(reason, now)]);
        }
#pragma warning disable CA1031 // It was worth a try: the sweeper sends the command again, and this worker finds the epoch to be its own.
        catch (Exception second)
#pragma warning restore CA1031
        {
            Log.NotGivenBack(services.Logger, work.Saga.LeadId, second);
        }
    }

    private async Task<PlanRun> LoadAsync(CancellationToken cancellationToken)
    {
        var fresh = PlanRun.New(work.Saga.LeadId, work.Saga.Run, work.Lead.Email, plan) with { FirstFailedAt = work.Saga.FirstFailedAt };
        // Before the first epoch of the first run nothing has been written into the ledger; a later run may find there what it need not do again.
        var rows = work.Saga is { Run: 1, Epoch: 0, Failures: 0, Attempt: 0 } ? [] : await services.Store.EffectsAsync(work.Saga.LeadId, work.Saga.Run, cancellationToken);
        var byStep = rows.ToDictionary(r => r.Step);
        var effects = fresh.Effects.Select(e => byStep.TryGetValue(e.Step.Id, out var row) ? row.ToEffect(e.Step, work) : e).ToList();
        foreach (var effect in effects.Where(e => byStep.ContainsKey(e.Step.Id)))
            stored[effect.Step.Id] = effect;
        // An epoch that is still open, or was when the lead became a dead letter, was not ended by whoever opened it, so nobody knows what came of what was sent in it.
        var now = services.Time.GetUtcNow();
        return fresh with { Effects = work.Saga.Status != LeadStatus.Executing ? effects : effects.ConvertAll(e => e.State == EffectState.Sent ? e with { State = EffectState.Unknown, UnansweredAt = now } : e) };
    }

    private async Task<PlanOutcome> WriteAsync(CancellationToken cancellationToken)
    {
        var sent = run.Effects.Where(e => e.State == EffectState.Sent).Select(e => e.Step.Id).ToHashSet();
        var begun = services.Time.GetTimestamp();
        var outcome = await services.Executor.WriteAsync(run, cancellationToken);
        foreach (var effect in outcome.Effects.Where(e => e.State == EffectState.Confirmed && sent.Contains(e.Step.Id)))
            GuardMeters.Took(effect.Step.Tool, services.Time.GetElapsedTime(begun));
        return outcome;
    }

    private async Task<bool> OpenEpochAsync(IReadOnlyList<AuditFact> facts)
    {
        var applied = await CommitAsync(new SagaMessage.EpochOpened(work.Saga.Run, epoch, services.Worker.Id), [.. Changes(), .. facts]);
        if (applied.Took)
        {
            (epoch, isOpen) = (work.Saga.Epoch, true);
            return true;
        }
        // Outdated: an approval was withdrawn in the same moment. Look again, which finds out what that means.
        if (applied.Outdated || applied.Busy)
            await PutOffAsync(applied.Busy ? PersonBusy : ApprovalStore.PlanReason);
        return false;
    }

    /// <summary>Puts the lead off for a moment: of what was decided last nothing was sent. What became of what an earlier epoch sent has to be on record before the lead is let go of.</summary>
    private async Task PutOffAsync(string reason)
    {
        approvals.Forget();
        run = known;
        await CommitAsync(
            new SagaMessage.StageDeferred(work.Saga.Run, LeadStage.Execution, services.Time.GetUtcNow() + PersonBusyDelay, Failed: false, reason, epoch), [.. Changes()], ledger: work.Saga.Status == LeadStatus.Executing);
    }

    /// <summary>The step waits for people, and the lead with it; false when somebody has decided in this moment.</summary>
    private async Task<bool> AwaitPeopleAsync(ApprovalVerdict verdict)
    {
        var until = verdict is ApprovalVerdict.Wait wait ? wait.For.ExpiresAt : approvals.Until;
        var applied = await CommitAsync(
            new SagaMessage.StageDeferred(work.Saga.Run, LeadStage.Execution, until, Failed: false, ApprovalStore.PlanReason, epoch), [.. Changes(), PlanEvents.Deferred(ApprovalStore.PlanReason, until)]);
        if (applied.Outdated)
        {
            approvals.Forget();
            return false;
        }
        if (applied.Took)
            Log.Approval(services.Logger, work.Saga.LeadId, until);
        return true;
    }

    private static StepEffect Refuse(StepEffect effect, ApprovalVerdict.Refuse refused) => effect.Step.Critical
        ? effect with { State = EffectState.Failed, Error = $"{refused.Code}: request {refused.For.Id}" }
        : effect with { State = EffectState.Skipped, Warning = $"not done: {refused.Code}, request {refused.For.Id}" };

    private async Task BlockAsync(SafetyBlock block)
    {
        GuardMeters.Blocked(block.Tool, block.Reason);
        AuditFact[] facts =
        [
            new("guard", "safety_blocked", new JsonObject { ["reason"] = block.Reason, ["tool"] = block.Tool, ["why"] = block.Why }),
            new("execution", "completed", new JsonObject { ["status"] = nameof(LeadStatus.Blocked), ["reason"] = block.Reason }),
        ];
        if ((await CommitAsync(new SagaMessage.PlanEnded(work.Saga.Run, epoch, LeadStatus.Blocked, $"safety-{block.Reason}"), facts, ledger: false)).Took)
            Log.Ended(services.Logger, work.Saga.LeadId, LeadStatus.Blocked, $"safety-{block.Reason}: {block.Why}");
    }

    private async Task WaitAsync(RateLimit limit, DateTimeOffset until)
    {
        var type = limit.Type.ToString().ToLowerInvariant();
        var reason = PlanAdmission.Reason + type;
        GuardMeters.Limited(limit.Type);
        AuditFact[] facts =
        [
            new("guard", "rate_limited", new JsonObject { ["limit"] = type, ["of"] = limit.Count, ["until"] = until.ToString("O", CultureInfo.InvariantCulture) }),
            PlanEvents.Deferred(reason, until),
        ];
        if ((await CommitAsync(new SagaMessage.StageDeferred(work.Saga.Run, LeadStage.Execution, until, Failed: false, reason, epoch), facts, ledger: false)).Took)
            Log.Deferred(services.Logger, work.Saga.LeadId, reason, until);
    }

    private async Task EndAsync(PlanOutcome outcome)
    {
        switch (outcome)
        {
            case PlanOutcome.Finished:
                await EndAsync(LeadStatus.Completed, null);
                break;
            case PlanOutcome.Undone:
                await EndAsync(LeadStatus.Compensated, FailedCode());
                break;
            case PlanOutcome.NotUndone:
                await EndAsync(LeadStatus.NeedsReview, "compensation-incomplete");
                break;
            case PlanOutcome.NeedsPerson person:
                await EndAsync(LeadStatus.NeedsReview, person.Reason, person.Candidates);
                break;
            case PlanOutcome.NotNow { Reason: PlanOutcome.NotNow.Unauthorized } refused:
                await DeadLetterAsync(refused.Reason);
                break;
            case PlanOutcome.NotNow notNow:
                await DeferAsync(notNow);
                break;
            default:
                throw new InvalidOperationException($"A plan cannot end with {outcome.GetType().Name}.");
        }
    }

    private async Task EndAsync(LeadStatus status, string? reason, IReadOnlyList<string>? candidates = null)
    {
        var payload = new JsonObject { ["status"] = status.ToString(), ["reason"] = reason };
        if (candidates is { Count: > 0 })
            payload["candidates"] = new JsonArray([.. candidates.Select(c => (JsonNode)c)]);
        if ((await CommitAsync(new SagaMessage.PlanEnded(work.Saga.Run, epoch, status, reason), [.. Changes(), new AuditFact("execution", "completed", payload)])).Took)
            Log.Ended(services.Logger, work.Saga.LeadId, status, reason ?? "-");
    }

    private async Task DeferAsync(PlanOutcome.NotNow notNow)
    {
        var now = services.Time.GetUtcNow();
        var saga = work.Saga;
        var until = notNow.CountsAsFailure
            ? DeferralPolicy.NextTry(services.Deferral.Value, saga.Failures, saga.FirstFailedAt, now)
            : now + (notNow.RetryAfter ?? services.Deferral.Value.DelaysInForce[0]);
        if (until is not { } due)
        {
            await DeadLetterAsync(notNow.Reason);
            return;
        }
        var facts = new List<AuditFact>(Changes());
        if (notNow.Reason is "crm-breaker-open" or "crm-rate-limited")
            facts.Add(new AuditFact("guard", notNow.Reason == "crm-breaker-open" ? "breaker_open" : "rate_limited", new JsonObject { ["crm"] = true }));
        if (run.Effects.FirstOrDefault(e => !e.IsSettled) is { } stopped)
            GuardMeters.Deferred(stopped.Step.Tool, notNow.Reason == "crm-breaker-open" ? null : notNow.Fault);
        facts.Add(PlanEvents.Deferred(notNow.Reason, due));
        if ((await CommitAsync(new SagaMessage.StageDeferred(saga.Run, LeadStage.Execution, due, notNow.CountsAsFailure, notNow.Reason, epoch), facts)).Took)
            Log.Deferred(services.Logger, saga.LeadId, notNow.Reason, due);
    }

    private async Task DeadLetterAsync(string reason)
    {
        var step = run.Effects.FirstOrDefault(e => !e.IsSettled);
        var row = DeadLetter.Of(work.Saga, LeadStage.Execution, reason, step?.Step.Tool, services.Time.GetUtcNow());
        var applied = await CommitAsync(
            new SagaMessage.StageFailed(work.Saga.Run, LeadStage.Execution, reason, epoch),
            [.. Changes(), new AuditFact("execution", "completed", new JsonObject { ["status"] = nameof(LeadStatus.DeadLettered), ["reason"] = reason })], row: row);
        if (applied.Took)
            Log.Ended(services.Logger, work.Saga.LeadId, LeadStatus.DeadLettered, reason);
    }

    private async Task<Applied> CommitAsync(SagaMessage message, IReadOnlyList<AuditFact> facts, bool ledger = true, DeadLetterRow? row = null)
    {
        var now = AuditChain.Microseconds(services.Time.GetUtcNow());
        var changed = ledger ? run.Effects.Where(e => !stored.TryGetValue(e.Step.Id, out var before) || !ReferenceEquals(before, e)).ToList() : [];
        // A commit that leaves the ledger alone only puts the lead off, and what becomes of approvals goes with the ledger.
        var decided = ledger ? approvals.Changes : [];
        var applied = await services.Store.ApplyAsync(work, message, ledger ? [.. seenFacts, .. facts, .. approvals.Facts] : facts, commit => commit with
        {
            Approvals = decided,
            NewEffects = [.. changed.Where(e => !stored.ContainsKey(e.Step.Id)).Select(e => e.ToRow(work, work.Saga.Run, now, seals))],
            ChangedEffects = [.. changed.Where(e => stored.ContainsKey(e.Step.Id)).Select(e => e.ToRow(work, work.Saga.Run, now, seals))],
            DeadLetter = row,
        });
        if (applied.Outdated && decided.Count > 0 && message is SagaMessage.PlanTurned or SagaMessage.PlanEnded or SagaMessage.StageFailed or SagaMessage.StageDeferred { Reason: not ApprovalStore.PlanReason })
        {
            // A request that has run out was marked by somebody else in the same moment. Nothing rests on it any more.
            approvals.Forget();
            return await CommitAsync(message, facts, ledger, row);
        }
        if (applied.Took && ledger)
        {
            approvals.Forget();
            foreach (var effect in changed)
            {
                GuardMeters.Settled(effect, stored.GetValueOrDefault(effect.Step.Id)?.State);
                stored[effect.Step.Id] = effect;
            }
            seen.Clear();
            seenFacts.Clear();
        }
        return applied;
    }

    /// <summary>What became of steps since the last commit, as events.</summary>
    private IEnumerable<AuditFact> Changes()
    {
        foreach (var effect in run.Effects)
        {
            var before = Before(effect);
            if (before != effect.State && PlanEvents.Became(effect, before) is { } fact)
                yield return fact;
        }
    }

    private EffectState? Before(StepEffect effect) =>
        seen.TryGetValue(effect.Step.Id, out var state) ? state : stored.GetValueOrDefault(effect.Step.Id)?.State;

    private void See()
    {
        foreach (var effect in run.Effects.Where(e => e.State == EffectState.Unknown && Before(e) != EffectState.Unknown))
        {
            seenFacts.Add(PlanEvents.Became(effect, before: null)!);
            seen[effect.Step.Id] = EffectState.Unknown;
        }
    }

    private JsonObject Failure() => new() { ["step"] = run.Failure?.Step.Id, ["why"] = run.Failure?.Error, ["since"] = began.ToString("O", CultureInfo.InvariantCulture) };

    private string? FailedCode() => run.Failure?.Error?.Split(':')[0];

    private static partial class Log
    {
        [LoggerMessage(301, LogLevel.Information, "Plan of lead {LeadId} is decided again: {Why}")]
        public static partial void Again(ILogger logger, Guid leadId, string why);

        [LoggerMessage(302, LogLevel.Information, "Lead {LeadId} is {Status} ({Reason})")]
        public static partial void Ended(ILogger logger, Guid leadId, LeadStatus status, string reason);

        [LoggerMessage(304, LogLevel.Warning, "Lead {LeadId} waits for an approval until {Until}; leadpipeline approvals list shows it")]
        public static partial void Approval(ILogger logger, Guid leadId, DateTimeOffset until);

        [LoggerMessage(305, LogLevel.Warning, "Lead {LeadId} could not be given back after a fault; the sweeper sends it again")]
        public static partial void NotGivenBack(ILogger logger, Guid leadId, Exception exception);

        [LoggerMessage(303, LogLevel.Warning, "Lead {LeadId} is deferred: {Reason}, until {Until}")]
        public static partial void Deferred(ILogger logger, Guid leadId, string reason, DateTimeOffset until);
    }
}
