using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Analysis;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;

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
        (LeadStatus.Rejected, _) or (_, null) => NeedsCorrection("The analysis did not hold, or there is none; nothing is done in the CRM on the strength of it. Correct what it rests on (the lead, the directory, the analyzer), then replay the lead."),
        _ when grounding is null or GroundingStatus.REJECTED => NeedsCorrection("The analysis did not hold against the evidence. Correct what it rests on, then replay the lead."),
        (LeadStatus.NeedsReview, { Status: PlanStatus.Planned } or { Reason: "injection-signal" }) => null,
        (_, { Reason: AnalyzeLeadHandler.DiffersFromEarlierRun }) => NeedsCorrection("The plan would add a second record beside one of an earlier run. If that is wanted, replay the lead with again."),
        (LeadStatus.Blocked, _) => NeedsCorrection("The policy or a safety rule forbids the plan, and no approval lifts that. Correct the lead or the policy, then replay the lead."),
        _ => NeedsCorrection("The analysis decided nothing, so there is nothing to approve. Work on the lead by hand and reject the review, or correct the lead and replay it."),
    };

    private static OperatorAnswer.Refused NeedsCorrection(string detail) => new("needs-correction", detail);
}

/// <summary>
/// The review queue: leads that ended <c>Rejected</c>, <c>NeedsReview</c> or <c>Blocked</c> and about which nobody has decided. A verdict is one commit with
/// its audit event; an approved lead gets the next run, which is planned from the analysis that the person has seen.
/// </summary>
public sealed class ReviewOperations(LeadStore store, SqlDatabase database, TimeProvider time)
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

    /// <summary>Lets the lead go on by what is on record of the run.</summary>
    /// <param name="id">The review.</param>
    /// <param name="reason">Why, in the person's words.</param>
    /// <param name="actor">Who.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<OperatorAnswer> ApproveAsync(ReviewId id, string reason, string actor, CancellationToken cancellationToken)
    {
        var (work, gone) = await LoadAsync(id, cancellationToken);
        if (work is null)
            return gone!;
        return ReviewRules.WhyNot(work.Saga.Status, work.Grounding, work.Plan) is { } refusal
            ? refusal
            : await ApplyAsync(work, id, "approved", new SagaMessage.RunStarted(id.Run, Again: false), reason, actor);
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

    private async Task<OperatorAnswer> ApplyAsync(LeadWork work, ReviewId id, string verdict, SagaMessage order, string reason, string actor)
    {
        var now = AuditChain.Microseconds(time.GetUtcNow());
        var row = new ReviewVerdictRow { Id = DeterministicId.Run(id.LeadId, id.Run), LeadId = id.LeadId, Run = id.Run, Verdict = verdict, Actor = actor, At = now };
        var payload = new JsonObject { ["from"] = work.Saga.Status.ToString(), ["ofRun"] = id.Run, ["was"] = work.Saga.Reason, ["reason"] = reason };
        // The sweeper is to look at once: for the command, and for the event.
        var applied = await store.ApplyAsync(work, order, [new AuditFact("operator", verdict, payload)], commit => commit with { Review = row, SweepAt = now }, actor);
        return applied.Took ? new OperatorAnswer.Done(work.Saga) : Elsewhere;
    }
}
