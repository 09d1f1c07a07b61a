using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Analysis;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Grounding;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;
using LeadPipeline.Worker.WhatIf;

namespace LeadPipeline.Worker.Reviews;

/// <summary>A run that waits for a person. Its name is the lead and the run, so that nobody decides about another run than the one that he saw.</summary>
/// <param name="LeadId">The lead.</param>
/// <param name="Run">The run.</param>
public readonly record struct ReviewId(Guid LeadId, int Run)
{
    /// <summary>Reads <c>LEAD.RUN</c>; null: it is none.</summary>
    public static ReviewId? Parse(string? text) =>
        text?.Split('.') is [var lead, var run] && Guid.TryParse(lead, out var leadId) && int.TryParse(run, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? new ReviewId(leadId, number)
            : null;

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{LeadId}.{Run}");
}

/// <summary>Which ends of a run a person can approve. Pure.</summary>
public static class ReviewRules
{
    /// <summary>Why a run cannot go on by an approval alone, and what to do; null: it can.</summary>
    /// <param name="status">Where the lead stands.</param>
    /// <param name="grounding">How its analysis was grounded.</param>
    /// <param name="plan">The run's plan.</param>
    public static OperatorAnswer.Refused? WhyNot(LeadStatus status, GroundingStatus? grounding, ActionPlan? plan) => (status, plan) switch
    {
        (LeadStatus.Rejected, _) or (_, null) => NeedsCorrection("The analysis did not hold, or there is none; nothing is done in the CRM on the strength of it. Approve it with corrections, or correct what it rests on (the lead, the directory, the analyzer) and replay the lead."),
        _ when grounding is null or GroundingStatus.REJECTED => NeedsCorrection("The analysis did not hold against the evidence. Approve it with corrections, or correct what it rests on and replay the lead."),
        (LeadStatus.NeedsReview, { Status: PlanStatus.Planned } or { Reason: "injection-signal" }) => null,
        (_, { Reason: AnalyzeLeadHandler.DiffersFromEarlierRun }) => NeedsCorrection("The plan would add a second record beside one of an earlier run. If that is wanted, replay the lead with again."),
        (LeadStatus.Blocked, _) => NeedsCorrection("The policy or a safety rule forbids the plan, and no approval lifts that. Approve it with another decision, or correct the lead or the policy and replay the lead."),
        _ => NeedsCorrection("The analysis decided nothing, so there is nothing to approve. Approve it with a decision of yours, or work on the lead by hand and reject the review."),
    };

    /// <summary>Why a corrected analysis cannot be gone on by: what a person approves is to happen as approved, and not less than it; null: it can.</summary>
    /// <param name="corrections">What the person changed.</param>
    /// <param name="verdict">The verdict over what came of it.</param>
    public static OperatorAnswer.Refused? WhyNot(ReviewCorrections corrections, GroundingResult verdict)
    {
        var faults = verdict.Errors.Select(e => $"{Named(verdict, e.Path)}: {e.Message} ({e.Code})").ToList();
        faults.AddRange(verdict.Lowered.Where(l => l.What is "intent" or "decision" or "fitScore").Select(l => $"the evidence carries {l.What} {l.To} and not {l.From} ({l.Rule})"));
        faults.AddRange(verdict.Claims
            .Where(c => corrections.Claims.Any(own => own.FieldPath == c.FieldPath) && (c.Verdict is ClaimVerdict.NOT_FOUND or ClaimVerdict.STALE) && !faults.Exists(f => f.StartsWith(c.FieldPath + ":", StringComparison.Ordinal)))
            .Select(c => $"{c.FieldPath}: the evidence does not say so, or not any more ({c.Rule})"));
        if (faults.Count == 0 && verdict.Intent == LeadIntent.MANUAL_REVIEW)
            faults.Add("intent: it still asks for a person; say which one is right");
        return faults.Count == 0 ? null : new OperatorAnswer.Refused("correction-not-grounded", $"The corrected analysis does not hold: {string.Join("; ", faults.Distinct())}.");
    }

    /// <summary>A person knows claims by their fields and not by their places.</summary>
    private static string Named(GroundingResult verdict, string path) =>
        path.StartsWith("evidence[", StringComparison.Ordinal) && int.TryParse(path["evidence[".Length..path.IndexOf(']')], NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < verdict.Claims.Count
            ? verdict.Claims[index].FieldPath
            : path;

    private static OperatorAnswer.Refused NeedsCorrection(string detail) => new("needs-correction", detail);
}

/// <summary>
/// The review queue: leads that ended <c>Rejected</c>, <c>NeedsReview</c> or <c>Blocked</c> and about which nobody has decided. A verdict is one commit with
/// its audit event; an approved lead gets the next run, which is planned from the analysis that the person has seen.
/// </summary>
public sealed class ReviewOperations(LeadStore store, SqlDatabase database, RecordedRuns runs, GroundingRules rules, TimeProvider time)
{
    private static readonly OperatorAnswer.Refused Elsewhere = new("not-in-review", "The lead has moved on, or somebody has decided; list the reviews again.");

    /// <summary>What waits, the oldest first.</summary>
    /// <param name="limit">At most so many.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<JsonArray> ListAsync(int limit, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var found = await session.QueryAsync(
            """
            SELECT l.id, l.run, l.status, l.reason, l.updated_at FROM leads l LEFT JOIN review_verdicts v ON v.lead_id = l.id AND v.run = l.run
            WHERE l.status IN ('Rejected', 'NeedsReview', 'Blocked') AND v.id IS NULL ORDER BY l.updated_at, l.id LIMIT @limit
            """,
            r => (Id: new ReviewId(r.GetGuid(0), r.GetInt32(1)), Status: r.GetString(2), Reason: r.IsDBNull(3) ? null : r.GetString(3), At: session.Time(r, 4)),
            cancellationToken, ("limit", limit));
        return [.. found.Select(f => (JsonNode)new JsonObject
        {
            ["id"] = f.Id.ToString(),
            ["leadId"] = f.Id.LeadId.ToString(),
            ["status"] = f.Status,
            ["reason"] = f.Reason,
            ["at"] = f.At.ToString("O", CultureInfo.InvariantCulture),
        })];
    }

    /// <summary>Lets the lead go on by what is on record of the run, or by that as a person has corrected it.</summary>
    /// <param name="id">The review.</param>
    /// <param name="reason">Why, in the person's words.</param>
    /// <param name="corrections">What is changed; empty: nothing.</param>
    /// <param name="actor">Who.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<OperatorAnswer> ApproveAsync(ReviewId id, string reason, ReviewCorrections corrections, string actor, CancellationToken cancellationToken)
    {
        var (work, gone) = await LoadAsync(id, cancellationToken);
        if (work is null)
            return gone!;
        var order = new SagaMessage.RunStarted(id.Run, Again: false);
        if (corrections.IsEmpty)
            return ReviewRules.WhyNot(work.Saga.Status, work.Grounding, work.Plan) ?? await ApplyAsync(work, id, "approved", order, reason, actor);

        var (run, _) = await runs.FindAsync(id.LeadId, cancellationToken);
        if (run is null || run.Run != id.Run)
            return Elsewhere;
        var analysis = corrections.ApplyTo(run.Then.Verdict);
        using var document = JsonDocument.Parse(analysis);
        // By the evidence as it stood: the person has judged by it, and what was read from the CRM would be too old a quarter of an hour later.
        var verdict = Grounder.Ground(run.Snapshot, document.RootElement, rules, run.Snapshot.TakenAt);
        return ReviewRules.WhyNot(corrections, verdict) ?? await ApplyAsync(work, id, "approved", order, reason, actor, corrections, analysis);
    }

    /// <summary>Closes the review; the lead stays as it is.</summary>
    /// <param name="id">The review.</param>
    /// <param name="reason">Why, in the person's words.</param>
    /// <param name="actor">Who.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<OperatorAnswer> RejectAsync(ReviewId id, string reason, string actor, CancellationToken cancellationToken) =>
        await LoadAsync(id, cancellationToken) switch
        {
            (null, var refusal) => refusal!,
            (var work, _) => await ApplyAsync(work, id, "rejected", new SagaMessage.Judged(id.Run), reason, actor),
        };

    private async Task<(LeadWork? Work, OperatorAnswer? Refusal)> LoadAsync(ReviewId id, CancellationToken cancellationToken)
    {
        var (work, erased) = await store.LookAsync(id.LeadId);
        if (work is null)
            return (null, erased ? Elsewhere : new OperatorAnswer.NotFound());
        if (work.Saga.Run < id.Run)
            return (null, new OperatorAnswer.NotFound());
        if (work.Saga.Run != id.Run || work.Saga.Status is not (LeadStatus.Rejected or LeadStatus.NeedsReview or LeadStatus.Blocked))
            return (null, Elsewhere);
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var verdicts = await session.QueryAsync("SELECT verdict FROM review_verdicts WHERE id = @id", r => r.GetString(0), cancellationToken, ("id", DeterministicId.Run(id.LeadId, id.Run)));
        return verdicts.Count == 0 ? (work, null) : (null, Elsewhere);
    }

    private async Task<OperatorAnswer> ApplyAsync(LeadWork work, ReviewId id, string verdict, SagaMessage order, string reason, string actor, ReviewCorrections? corrections = null, byte[]? analysis = null)
    {
        var now = AuditChain.Microseconds(time.GetUtcNow());
        var row = new ReviewVerdictRow { Id = DeterministicId.Run(id.LeadId, id.Run), LeadId = id.LeadId, Run = id.Run, Verdict = verdict, Actor = actor, At = now, Corrections = analysis is null ? null : work.Key.Seal(analysis, id.LeadId) };
        var payload = new JsonObject { ["from"] = work.Saga.Status.ToString(), ["ofRun"] = id.Run, ["was"] = work.Saga.Reason, ["reason"] = reason };
        if (corrections is not null)
            payload["corrections"] = corrections.Summary();
        // The sweeper is to look at once: for the command, and for the event.
        var applied = await store.ApplyAsync(work, order, [new AuditFact("operator", verdict, payload)], commit => commit with { Review = row, SweepAt = now }, actor);
        return applied.Took ? new OperatorAnswer.Done(work.Saga) : Elsewhere;
    }
}
