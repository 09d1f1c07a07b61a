using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Guards;
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

    /// <summary>How long it does.</summary>
    private static readonly TimeSpan PersonBusyDelay = TimeSpan.FromSeconds(1);

    private readonly ActionPlan plan = work.Plan!;
    private readonly Dictionary<string, StepEffect> stored = [];
    private readonly DateTimeOffset began = services.Time.GetUtcNow();
    private PlanRun run = null!;

    // Ours, once it is open. Not read from the saga later on: a commit that met a conflict has loaded what another worker made of it.
    private int epoch = work.Saga.Epoch;
    private bool isOpen;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        run = await LoadAsync(cancellationToken);
        // Only before the first epoch: what is under way must be brought to an end, forward or back.
        if (epoch == 0 && SafetyGate.Check(plan, work.Grounding, work.Lead.Email, services.Executor.Tools) is { } block)
        {
            await BlockAsync(block);
            return;
        }
        // What is being undone is not held up by any limit.
        if (run.Failure is null && await services.Admission.AskAsync(work.Saga, work.Lead) is { Hit: { } limit, Until: var until })
        {
            await WaitAsync(limit, until);
            return;
        }
        for (var decisions = 1; ; decisions++)
        {
            var outcome = await services.Executor.PrepareAsync(run, cancellationToken);
            if (outcome is PlanOutcome.Prepared)
            {
                // From here on a step may be in the CRM, whatever happens to this process.
                run = run with { Effects = [.. outcome.Effects.Select(e => e.Writes.Count > 0 ? e with { State = EffectState.Sent } : e)] };
                var steps = new JsonArray([.. run.Effects.Where(e => e.State == EffectState.Sent).Select(e => (JsonNode)e.Step.Id)]);
                if (!await OpenEpochAsync(new AuditFact("execution", "started", new JsonObject { ["steps"] = steps })))
                    return;
                outcome = await WriteAsync(cancellationToken);
            }
            run = run with { Effects = outcome.Effects };
            if (outcome is PlanOutcome.Again again)
            {
                Log.Again(services.Logger, work.Saga.LeadId, again.Why);
                if (decisions < MaxDecisions)
                    continue;
                outcome = new PlanOutcome.NotNow(again.Effects, "crm-keeps-changing", CountsAsFailure: true, null);
            }
            if (outcome is PlanOutcome.Failed)
            {
                // The failure is durable before anything is undone: after a crash the plan must go on backward, not forward. And the lead is
                // ours alone while it is undone: a worker that lost it to another one must not undo what that one does.
                var turned = new AuditFact("compensation", "started", Failure());
                if (!isOpen ? !await OpenEpochAsync(turned) : !(await CommitAsync(new SagaMessage.PlanTurned(work.Saga.Run, epoch), [.. Changes(), turned])).Took)
                    return;
                outcome = await services.Executor.UndoAsync(run, cancellationToken);
                run = run with { Effects = outcome.Effects };
            }
            await EndAsync(outcome);
            return;
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
        return fresh with { Effects = effects };
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

    private async Task<bool> OpenEpochAsync(AuditFact fact)
    {
        var applied = await CommitAsync(new SagaMessage.EpochOpened(work.Saga.Run, epoch, services.Worker.Id), [.. Changes(), fact]);
        if (applied.Took)
        {
            (epoch, isOpen) = (work.Saga.Epoch, true);
            return true;
        }
        if (applied.Busy)
            await CommitAsync(new SagaMessage.StageDeferred(work.Saga.Run, LeadStage.Execution, services.Time.GetUtcNow() + PersonBusyDelay, Failed: false, PersonBusy, epoch), [], ledger: false);
        return false;
    }

    private async Task BlockAsync(SafetyBlock block)
    {
        GuardMeters.Blocked(block.Tool, block.Reason);
        AuditFact[] facts =
        [
            new("guard", "safety_blocked", new JsonObject { ["reason"] = block.Reason, ["tool"] = block.Tool, ["why"] = block.Why }),
            new("execution", "completed", new JsonObject { ["status"] = nameof(LeadStatus.Blocked), ["reason"] = block.Reason }),
        ];
        _ = await CommitAsync(new SagaMessage.PlanEnded(work.Saga.Run, epoch, LeadStatus.Blocked, $"safety-{block.Reason}"), facts, ledger: false);
        Log.Ended(services.Logger, work.Saga.LeadId, LeadStatus.Blocked, $"safety-{block.Reason}: {block.Why}");
    }

    private async Task WaitAsync(RateLimit limit, DateTimeOffset until)
    {
        var type = limit.Type.ToString().ToLowerInvariant();
        var reason = PlanAdmission.Reason + type;
        var due = until.ToString("O", CultureInfo.InvariantCulture);
        GuardMeters.Limited(limit.Type);
        AuditFact[] facts =
        [
            new("guard", "rate_limited", new JsonObject { ["limit"] = type, ["perMinute"] = limit.Count, ["until"] = due }),
            new("execution", "deferred", new JsonObject { ["reason"] = reason, ["until"] = due }),
        ];
        _ = await CommitAsync(new SagaMessage.StageDeferred(work.Saga.Run, LeadStage.Execution, until, Failed: false, reason, epoch), facts, ledger: false);
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
        await CommitAsync(new SagaMessage.PlanEnded(work.Saga.Run, epoch, status, reason), [.. Changes(), new AuditFact("execution", "completed", payload)]);
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
        var payload = new JsonObject { ["reason"] = notNow.Reason, ["until"] = due.ToString("O", CultureInfo.InvariantCulture) };
        var facts = new List<AuditFact>(Changes());
        if (notNow.Reason is "crm-breaker-open" or "crm-rate-limited")
            facts.Add(new AuditFact("guard", notNow.Reason == "crm-breaker-open" ? "breaker_open" : "rate_limited", new JsonObject { ["crm"] = true }));
        if (run.Effects.FirstOrDefault(e => !e.IsSettled) is { } stopped)
            GuardMeters.Deferred(stopped.Step.Tool, notNow.Reason == "crm-breaker-open" ? null : notNow.Fault);
        facts.Add(new AuditFact("execution", "deferred", payload));
        await CommitAsync(new SagaMessage.StageDeferred(saga.Run, LeadStage.Execution, due, notNow.CountsAsFailure, notNow.Reason, epoch), facts);
        Log.Deferred(services.Logger, saga.LeadId, notNow.Reason, due);
    }

    private async Task DeadLetterAsync(string reason)
    {
        var step = run.Effects.FirstOrDefault(e => !e.IsSettled);
        var row = DeadLetter.Of(work.Saga, LeadStage.Execution, reason, step?.Step.Tool, services.Time.GetUtcNow());
        await CommitAsync(
            new SagaMessage.StageFailed(work.Saga.Run, LeadStage.Execution, reason, epoch),
            [.. Changes(), new AuditFact("execution", "completed", new JsonObject { ["status"] = nameof(LeadStatus.DeadLettered), ["reason"] = reason })], row: row);
        Log.Ended(services.Logger, work.Saga.LeadId, LeadStatus.DeadLettered, reason);
    }

    private async Task<Applied> CommitAsync(SagaMessage message, IReadOnlyList<AuditFact> facts, bool ledger = true, DeadLetterRow? row = null)
    {
        var now = AuditChain.Microseconds(services.Time.GetUtcNow());
        var changed = ledger ? run.Effects.Where(e => !stored.TryGetValue(e.Step.Id, out var before) || !ReferenceEquals(before, e)).ToList() : [];
        var applied = await services.Store.ApplyAsync(work, message, facts, commit => commit with
        {
            NewEffects = [.. changed.Where(e => !stored.ContainsKey(e.Step.Id)).Select(e => e.ToRow(work, work.Saga.Run, now))],
            ChangedEffects = [.. changed.Where(e => stored.ContainsKey(e.Step.Id)).Select(e => e.ToRow(work, work.Saga.Run, now))],
            DeadLetter = row,
        });
        if (applied.Took)
        {
            foreach (var effect in changed)
            {
                GuardMeters.Settled(effect, stored.GetValueOrDefault(effect.Step.Id)?.State);
                stored[effect.Step.Id] = effect;
            }
        }
        return applied;
    }

    /// <summary>What became of steps since the last commit, as events.</summary>
    private IEnumerable<AuditFact> Changes()
    {
        foreach (var effect in run.Effects)
        {
            var before = stored.GetValueOrDefault(effect.Step.Id)?.State;
            if (before == effect.State)
                continue;
            if (Event(effect, before) is { } name)
            {
                var payload = new JsonObject { ["step"] = effect.Step.Id, ["tool"] = effect.Step.Tool, ["state"] = effect.State.Name() };
                if (effect.RecordId is { } record)
                    payload["recordId"] = record;
                if ((effect.Error ?? effect.Warning) is { } why)
                    payload["why"] = why;
                yield return new AuditFact(name.Stage, name.Kind, payload);
            }
        }
    }

    private static (string Stage, string Kind)? Event(StepEffect effect, EffectState? before) => effect.State switch
    {
        EffectState.Confirmed when before == EffectState.Unknown => ("tool", "resolved"),
        EffectState.Confirmed => ("tool", "completed"),
        EffectState.Unchanged => ("tool", effect.Warning == Mcp.Crm.CrmCodes.Replayed ? "replayed" : "completed"),
        EffectState.Skipped => ("tool", "skipped"),
        EffectState.Failed => ("tool", "failed"),
        EffectState.Unknown => ("tool", "unknown"),
        EffectState.Compensated => ("compensation", "done"),
        EffectState.NotNeeded => ("compensation", "not_needed"),
        EffectState.CannotCompensate => ("compensation", "cannot"),
        _ => null,
    };

    private JsonObject Failure() => new() { ["step"] = run.Failure?.Step.Id, ["why"] = run.Failure?.Error, ["since"] = began.ToString("O", CultureInfo.InvariantCulture) };

    private string? FailedCode() => run.Failure?.Error?.Split(':')[0];

    private static partial class Log
    {
        [LoggerMessage(301, LogLevel.Information, "Plan of lead {LeadId} is decided again: {Why}")]
        public static partial void Again(ILogger logger, Guid leadId, string why);

        [LoggerMessage(302, LogLevel.Information, "Lead {LeadId} is {Status} ({Reason})")]
        public static partial void Ended(ILogger logger, Guid leadId, LeadStatus status, string reason);

        [LoggerMessage(303, LogLevel.Warning, "Lead {LeadId} is deferred: {Reason}, until {Until}")]
        public static partial void Deferred(ILogger logger, Guid leadId, string reason, DateTimeOffset until);
    }
}
