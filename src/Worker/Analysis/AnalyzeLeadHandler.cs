using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Evidence;
using LeadPipeline.Worker.Execution;
using LeadPipeline.Worker.Grounding;
using LeadPipeline.Worker.Planning;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Telemetry;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Analysis;

/// <summary>
/// Decides what is to be done about a lead. <c>AnalyzeLead</c> in, <c>ExecutePlan</c> out; or the lead ends <c>Rejected</c>, <c>Blocked</c>, <c>NeedsReview</c>.
/// Snapshot, answer, verdict and plan become durable in one commit, mostly that of the plan's beginning; a crash before it costs one more analysis and nothing else.
/// </summary>
public sealed partial class AnalyzeLeadHandler(
    LeadStore store,
    EvidenceGatherer evidence,
    IAnalyzer analyzer,
    GroundingRules rules,
    PolicyInForce policy,
    EarlierRuns earlierRuns,
    IOptions<DeferralOptions> deferral,
    TimeProvider time,
    ILogger<AnalyzeLeadHandler> logger)
{
    /// <summary>Why a run is blocked that would add to the CRM what an earlier one has added otherwise.</summary>
    public const string DiffersFromEarlierRun = "differs-from-earlier-run";

    /// <summary>The analyzer of a run whose analysis a person has corrected.</summary>
    public const string Person = "person";

    /// <summary>Carries out the command, if it still is to be, and answers the one that follows.</summary>
    public async Task<StageCommand?> HandleAsync(StageCommand command, CancellationToken cancellationToken)
    {
        var work = command.Warm ?? await store.LoadAsync(command.LeadId);
        switch (LeadSagaMachine.Receive(work?.Saga, LeadStage.Analysis, command.Run, time.GetUtcNow()))
        {
            case SagaDecision.Stale stale:
                Log.Dropped(logger, command.LeadId, stale.Why);
                return null;
            case SagaDecision.AlreadyDone done:
                return StageCommand.Pending(done.Current, work);
        }

        var started = time.GetUtcNow();
        var ledger = await earlierRuns.LedgerAsync(work!, cancellationToken);
        if (earlierRuns.SettledAt(ledger) is { } settled && settled > started)
        {
            await DeferAsync(work!, PlanOutcome.NotNow.Settling, failed: false, settled, null, null);
            return null;
        }
        var approved = work!.Saga.Run > 1 ? await store.ApprovedRunAsync(work, cancellationToken) : null;
        // Before anything is asked of anybody: who has to wait for the model costs the CRM nothing, and leaves one event.
        var reason = work.Saga.Status == LeadStatus.Deferred ? work.Saga.Reason : null;
        var turn = approved is null ? await analyzer.EnterAsync(reason, cancellationToken) : new AnalysisTurn(reason);
        if (turn.NotNow is { } wait)
        {
            await DeferAsync(work, wait);
            return null;
        }
        // Read while the beginning is committed: the model is asked when both are done.
        var gathering = approved is null ? evidence.GatherAsync(work, cancellationToken) : null;
        if (gathering is not null && analyzer.IsRemote && !(await store.ApplyAsync(work!, new SagaMessage.AnalysisBegan(command.Run), [Started(started)])).Took)
            // Another copy was faster: the lead has to be loaded again to see its plan.
            return StageCommand.Pending(work!.Saga);
        try
        {
            if (gathering is null)
                return await GoOnAsync(work, approved!, await earlierRuns.InCrmAsync(work, ledger, cancellationToken), started);
            var snapshot = await gathering;
            var outcome = await analyzer.AnalyzeAsync(new AnalysisRequest(snapshot, turn), cancellationToken);
            if (outcome is AnalysisOutcome.NotNow notNow)
            {
                await DeferAsync(work!, notNow);
                return null;
            }
            var earlier = await earlierRuns.InCrmAsync(work, ledger, cancellationToken);
            return await DecideAsync(work!, snapshot, outcome, earlier, started, goesOn: command.Warm is not null);
        }
        catch (CrmUnavailableException unavailable)
        {
            await DeferAsync(work!, "crm-unavailable", unavailable.Kind == NotNowKind.Transient, unavailable.RetryAfter);
            return null;
        }
    }

    private async Task<StageCommand?> DecideAsync(LeadWork work, EvidenceSnapshot snapshot, AnalysisOutcome outcome, IReadOnlyList<EarlierEffect> earlier, DateTimeOffset started, bool goesOn)
    {
        var frozen = SnapshotCodec.Encode(snapshot);
        var run = new LeadRunRow
        {
            LeadId = work.Saga.LeadId,
            Run = work.Saga.Run,
            StartedAt = AuditChain.Microseconds(started),
            Analyzer = analyzer.Name,
            SnapshotHash = CanonicalJson.Sha256Hex(frozen),
            Snapshot = work.Key.Seal(frozen, work.Saga.LeadId),
            ModelVersion = outcome.Call?.ModelVersion,
            PromptHash = outcome.Call?.PromptHash,
            QuestionHash = outcome.Call?.QuestionHash,
            ModelCall = outcome.Call is { } call ? JsonSerializer.Serialize(call, ContractsJson.Default.ModelCall) : null,
        };
        var facts = new List<AuditFact>();
        var repeated = new List<EffectRow>();
        if (!analyzer.IsRemote)
            facts.Add(Started(started));
        GroundingResult? verdict = null;
        var (status, reason) = outcome switch
        {
            AnalysisOutcome.Answered answered => Ground(work, snapshot, answered.Answer, earlier, run, facts, repeated, out verdict),
            AnalysisOutcome.Blocked blocked => Stop("model-blocked", blocked.Why, blocked.Call, facts),
            AnalysisOutcome.Unusable unusable => Stop("model-unusable", unusable.Why, unusable.Call, facts),
            _ => throw new InvalidOperationException("A lead that waits is not decided."),
        };

        var ended = new SagaMessage.AnalysisEnded(work.Saga.Run, status, reason);
        // Who has the lead in hand since it came in goes on with it at once, and the plan's beginning takes this along into its commit.
        var isHeld = status == LeadStatus.Analyzed && goesOn && work.Saga is { Run: 1, Attempt: 0 };
        var took = isHeld
            ? store.Hold(work, ended, facts, run, verdict!) is SagaDecision.Proceed
            : (await store.ApplyAsync(work, ended, facts, commit => commit with { Run = run, NewEffects = repeated })).Took;
        if (took)
        {
            if (verdict is not null && !isHeld)
                PipelineMeters.Grounded(verdict);
            Log.Ended(logger, work.Saga.LeadId, status, reason ?? "-");
        }
        else
        {
            work.Plan = null;
        }
        // Another copy may have been faster: then its plan counts, and the lead has to be loaded again to see it.
        return StageCommand.Pending(work.Saga, took ? work : null);
    }

    /// <summary>Plans what a person has approved: the analysis (corrected or not) and evidence of the run before, as they stand on record, and nothing that a model says today.</summary>
    private async Task<StageCommand?> GoOnAsync(LeadWork work, LeadRunRow approved, IReadOnlyList<EarlierEffect> earlier, DateTimeOffset started)
    {
        var leadId = work.Saga.LeadId;
        var snapshot = SnapshotCodec.Decode(work.Key.Open(approved.Snapshot, leadId));
        var isCorrected = approved.Grounding is null;
        var verdict = isCorrected
            ? Ground(snapshot, work.Key.Open(approved.Answer!, leadId), snapshot.TakenAt)
            : SealedJson.Open(work.Key, approved.Grounding!, leadId, ContractsJson.Default.GroundingResult);
        var run = new LeadRunRow
        {
            LeadId = leadId,
            Run = work.Saga.Run,
            StartedAt = AuditChain.Microseconds(started),
            Analyzer = isCorrected ? Person : approved.Analyzer,
            ModelVersion = isCorrected ? null : approved.ModelVersion,
            PromptHash = isCorrected ? null : approved.PromptHash,
            SnapshotHash = approved.SnapshotHash,
            Snapshot = approved.Snapshot,
            Answer = approved.Answer,
        };
        var facts = new List<AuditFact>
        {
            new("analysis", "completed", new JsonObject { ["analyzer"] = run.Analyzer, ["model"] = run.ModelVersion, ["snapshot"] = approved.SnapshotHash, ["intent"] = verdict.Model.Intent, ["decision"] = verdict.Model.Decision, ["ofRun"] = approved.Run }),
        };
        var repeated = new List<EffectRow>();
        var (status, reason) = Plan(work, snapshot, verdict, earlier, run, facts, repeated, isApproved: true);
        var applied = await store.ApplyAsync(work, new SagaMessage.AnalysisEnded(work.Saga.Run, status, reason), facts, commit => commit with { Run = run, NewEffects = repeated });
        if (applied.Took)
            Log.Ended(logger, leadId, status, reason ?? "-");
        else
            work.Plan = null;
        return StageCommand.Pending(work.Saga, applied.Took ? work : null);
    }

    private (LeadStatus Status, string? Reason) Ground(
        LeadWork work, EvidenceSnapshot snapshot, AnalyzerAnswer answer, IReadOnlyList<EarlierEffect> earlier, LeadRunRow run, List<AuditFact> facts, List<EffectRow> repeated, out GroundingResult verdict)
    {
        var now = time.GetUtcNow();
        var leadId = work.Saga.LeadId;
        verdict = Ground(snapshot, answer.Json, now);
        run.Answer = work.Key.Seal(answer.Json.Span, leadId);
        facts.Add(new AuditFact("analysis", "completed", new JsonObject
        {
            ["analyzer"] = answer.Analyzer,
            ["model"] = answer.Call?.ModelVersion,
            ["call"] = Payload(answer.Call),
            ["snapshot"] = run.SnapshotHash,
            ["intent"] = verdict.Model.Intent,
            ["decision"] = verdict.Model.Decision,
        }));
        return Plan(work, snapshot, verdict, earlier, run, facts, repeated, isApproved: false);
    }

    private GroundingResult Ground(EvidenceSnapshot snapshot, ReadOnlyMemory<byte> answer, DateTimeOffset at)
    {
        using var document = JsonDocument.Parse(answer);
        return Grounder.Ground(snapshot, document.RootElement, rules, at);
    }

    private (LeadStatus Status, string? Reason) Plan(
        LeadWork work, EvidenceSnapshot snapshot, GroundingResult verdict, IReadOnlyList<EarlierEffect> earlier, LeadRunRow run, List<AuditFact> facts, List<EffectRow> repeated, bool isApproved)
    {
        var now = time.GetUtcNow();
        var leadId = work.Saga.LeadId;
        var plan = Planner.Plan(verdict, snapshot, policy.Policy, policy.Tools, now, policy.Planning, isApproved);
        var comparison = RunComparison.Of(plan, policy.Tools, earlier);
        if (comparison.Differences.Count > 0)
            plan = plan with { Status = PlanStatus.Blocked, Reason = DiffersFromEarlierRun, Steps = [], Differences = [.. comparison.Differences.Select(d => d.ToString())] };
        (work.Plan, work.Grounding, work.Decision) = (plan, verdict.Status, verdict.Decision);

        run.Grounding = SealedJson.Seal(work.Key, verdict, leadId, ContractsJson.Default.GroundingResult);
        run.GroundingStatus = verdict.Status.ToString();
        run.Intent = verdict.Intent?.ToString();
        run.Decision = verdict.Decision?.ToString();
        run.FitScore = verdict.FitScore;
        run.Plan = SealedJson.Seal(work.Key, plan, leadId, ContractsJson.Default.ActionPlan);
        run.PlanStatus = plan.Status.ToString();
        run.PlanHash = plan.PlanHash;
        run.PolicyHash = plan.Policy.Hash;

        facts.Add(new AuditFact("grounding", verdict.Status.ToString().ToLowerInvariant(), Verdict(verdict)));
        facts.Add(new AuditFact("planning", plan.Status.ToString().ToLowerInvariant(), new JsonObject
        {
            ["policy"] = plan.Policy.Name,
            ["policyHash"] = plan.Policy.Hash,
            ["planHash"] = plan.PlanHash,
            ["reason"] = plan.Reason,
            ["steps"] = new JsonArray([.. plan.Steps.Select(s => (JsonNode)s.Id)]),
            ["differences"] = plan.Differences is null ? null : new JsonArray([.. plan.Differences.Select(d => (JsonNode)d)]),
        }));
        if (plan.Status == PlanStatus.Planned)
        {
            foreach (var (before, effect) in comparison.Repeated)
            {
                repeated.Add(Repeat(work, effect).ToRow(work, work.Saga.Run, AuditChain.Microseconds(now), new EffectSeals()));
                facts.Add(new AuditFact("tool", "replayed", new JsonObject { ["step"] = effect.Step.Id, ["tool"] = effect.Step.Tool, ["recordId"] = effect.RecordId, ["run"] = before }));
            }
        }
        if (SafetyReason(plan) is { } unsafeBy)
        {
            GuardMeters.Blocked(SafetyGate.WholePlan, unsafeBy);
            facts.Add(new AuditFact("guard", "safety_blocked", new JsonObject { ["reason"] = unsafeBy }));
        }
        return plan switch
        {
            { Status: PlanStatus.Planned } => (LeadStatus.Analyzed, null),
            { Status: PlanStatus.Blocked } => (LeadStatus.Blocked, plan.Reason),
            _ when verdict.Status == GroundingStatus.REJECTED => (LeadStatus.Rejected, FirstFault(verdict)),
            _ => (LeadStatus.NeedsReview, plan.Reason),
        };
    }

    /// <summary>The line of this run's ledger for what an earlier run has done: settled, with its results, and not ours to undo.</summary>
    private static StepEffect Repeat(LeadWork work, StepEffect earlier) => new()
    {
        Step = earlier.Step,
        EffectKey = PlanRun.KeyOf(work.Saga.LeadId, work.Saga.Run, earlier.Step.Id),
        State = EffectState.Unchanged,
        RecordId = earlier.RecordId,
        Object = earlier.Object,
        Data = earlier.Data,
        Warning = CrmCodes.Replayed,
    };

    private Task DeferAsync(LeadWork work, string reason, bool failed, TimeSpan? retryAfter)
    {
        var now = time.GetUtcNow();
        var due = failed
            ? DeferralPolicy.NextTry(deferral.Value, work.Saga.Failures, work.Saga.FirstFailedAt, now)
            : now + (retryAfter ?? Longer(work));
        return DeferAsync(work, reason, failed, due, null, null);
    }

    /// <summary>No try is used up; but who has waited often waits longer, for each time is written into the lead's audit.</summary>
    private TimeSpan Longer(LeadWork work) => deferral.Value.DelaysInForce[Math.Min(work.Saga.Attempt, deferral.Value.DelaysInForce.Count - 1)];

    /// <summary>The model cannot be asked now.</summary>
    private Task DeferAsync(LeadWork work, AnalysisOutcome.NotNow notNow)
    {
        var now = time.GetUtcNow();
        var due = notNow switch
        {
            { Until: { } until } => until,
            { Failed: true } => DeferralPolicy.NextTry(deferral.Value, work.Saga.Failures, work.Saga.FirstFailedAt, now),
            _ => now + Longer(work),
        };
        if (due is { } early && notNow.AtLeast is { } least && early < now + least)
            due = now + least;
        var guard = notNow.Reason switch
        {
            NotNowReasons.OurLimit => new AuditFact("guard", "rate_limited", new JsonObject { ["limit"] = "model", ["until"] = due?.ToString("O", CultureInfo.InvariantCulture) }),
            NotNowReasons.BreakerOpen => new AuditFact("guard", "breaker_open", new JsonObject { ["breaker"] = "gemini:generate" }),
            _ => null,
        };
        return DeferAsync(work, notNow.Reason, notNow.Failed, due, notNow.Call, guard);
    }

    private async Task DeferAsync(LeadWork work, string reason, bool failed, DateTimeOffset? due, ModelCall? call, AuditFact? guard)
    {
        var now = time.GetUtcNow();
        var facts = new List<AuditFact>(2);
        if (guard is not null)
            facts.Add(guard);
        if (due is { } until)
        {
            facts.Add(new AuditFact("analysis", "deferred", new JsonObject { ["reason"] = reason, ["until"] = until.ToString("O", CultureInfo.InvariantCulture), ["call"] = Payload(call) }));
            await store.ApplyAsync(work, new SagaMessage.StageDeferred(work.Saga.Run, LeadStage.Analysis, until, failed, reason), facts);
            Log.Deferred(logger, work.Saga.LeadId, reason, until);
            return;
        }
        var row = DeadLetter.Of(work.Saga, LeadStage.Analysis, reason, null, now);
        facts.Add(new AuditFact("analysis", "blocked", new JsonObject { ["status"] = nameof(LeadStatus.DeadLettered), ["reason"] = reason, ["call"] = Payload(call) }));
        await store.ApplyAsync(work, new SagaMessage.StageFailed(work.Saga.Run, LeadStage.Analysis, reason), facts, commit => commit with { DeadLetter = row });
    }

    private AuditFact Started(DateTimeOffset at) => new("analysis", "started", new JsonObject { ["analyzer"] = analyzer.Name }, at);

    private static (LeadStatus, string?) Stop(string reason, string why, ModelCall? call, List<AuditFact> facts)
    {
        facts.Add(new AuditFact("analysis", "blocked", new JsonObject { ["reason"] = reason, ["why"] = why, ["call"] = Payload(call) }));
        return (LeadStatus.NeedsReview, reason);
    }

    /// <summary>How a model was asked, when it has answered: what it cost counts even if nothing came of it.</summary>
    private static JsonNode? Payload(ModelCall? call) => call is { Answers: > 0 } ? JsonSerializer.SerializeToNode(call, ContractsJson.Default.ModelCall) : null;

    /// <summary>The guard that stopped a plan; null: none did, or a person is to look at it anyway.</summary>
    private static string? SafetyReason(ActionPlan plan) => plan.Reason switch
    {
        "rejected" => "grounding",
        "no-email" => "email",
        "policy" => "policy",
        "injection-signal" => "injection",
        _ => null,
    };

    private static string FirstFault(GroundingResult verdict) =>
        verdict.Errors is [var error, ..] ? $"grounding:{error.Code}" : $"grounding:{verdict.Claims.FirstOrDefault(c => c.Verdict == ClaimVerdict.CONTRADICTED)?.Rule ?? "-"}";

    private static JsonObject Verdict(GroundingResult verdict) => new()
    {
        ["status"] = verdict.Status.ToString(),
        ["rules"] = verdict.RulesVersion,
        ["verdictHash"] = verdict.VerdictHash,
        ["claims"] = new JsonObject(verdict.Claims.GroupBy(c => c.Verdict).Select(g => KeyValuePair.Create(g.Key.ToString(), (JsonNode?)g.Count()))),
        ["lowered"] = new JsonArray([.. verdict.Lowered.Select(l => (JsonNode)$"{l.What} by {l.Rule}")]),
        ["signals"] = verdict.Signals.Count,
    };

    private static partial class Log
    {
        [LoggerMessage(200, LogLevel.Debug, "Analysis of lead {LeadId} dropped: {Why}")]
        public static partial void Dropped(ILogger logger, Guid leadId, string why);

        [LoggerMessage(201, LogLevel.Information, "Lead {LeadId} is {Status} ({Reason})")]
        public static partial void Ended(ILogger logger, Guid leadId, LeadStatus status, string reason);

        [LoggerMessage(202, LogLevel.Warning, "Lead {LeadId} is deferred: {Reason}, until {Until}")]
        public static partial void Deferred(ILogger logger, Guid leadId, string reason, DateTimeOffset until);
    }
}
