using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Ops;

/// <summary>What came of an operator's order. A closed family.</summary>
public abstract record OperatorAnswer
{
    private OperatorAnswer() { }

    /// <summary>It is done, or was done before.</summary>
    /// <param name="Saga">The lead as it is now.</param>
    public sealed record Done(LeadSaga Saga) : OperatorAnswer;

    /// <summary>There is no such lead.</summary>
    public sealed record NotFound : OperatorAnswer;

    /// <summary>The lead is not where this is possible.</summary>
    /// <param name="Code">A stable code.</param>
    /// <param name="Detail">What is so, and what to do.</param>
    public sealed record Refused(string Code, string Detail) : OperatorAnswer;
}

/// <summary>
/// What an operator does with single leads: replay, cancel, erase. Each order is one commit with its audit event. What has to be carried out afterwards is
/// the lead's pending command, which the sweeper of a running worker sends at its next look.
/// </summary>
public sealed class LeadOperations(LeadStore store, SqlDatabase database, IOptions<CrmOptions> crm, TimeProvider time)
{
    private static readonly OperatorAnswer.Refused RunOpen = new("run-open", "A run of this lead is open; wait until it has ended, or cancel it as long as nothing has been sent.");

    private static readonly OperatorAnswer.Refused IsErased = new("erased", "The lead is erased; nothing of it is left to work with.");

    /// <summary>Starts the next run of a lead that has ended; a dead-lettered one goes on in its run.</summary>
    /// <param name="id">The lead, or an alias of it.</param>
    /// <param name="again">Whether what earlier runs did is to be done once more, too. Of no effect on a run that goes on.</param>
    /// <param name="actor">Who orders it.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<OperatorAnswer> ReplayAsync(Guid id, bool again, string actor, CancellationToken cancellationToken)
    {
        var (work, erased) = await store.LookAsync(await store.FirstOfAsync(id, cancellationToken));
        if (work is null)
            return erased ? IsErased : new OperatorAnswer.NotFound();
        return await ReplayAsync(work, again, actor);
    }

    private async Task<OperatorAnswer> ReplayAsync(LeadWork work, bool again, string actor)
    {
        var continues = work.Saga.Status == LeadStatus.DeadLettered;
        SagaMessage order = continues
            ? new SagaMessage.RunContinued(work.Saga.Run, work.Plan is null ? LeadStage.Analysis : LeadStage.Execution)
            : new SagaMessage.RunStarted(work.Saga.Run, again);
        var payload = new JsonObject { ["from"] = work.Saga.Status.ToString(), ["again"] = again && !continues, ["continues"] = continues };
        var applied = await ApplyAsync(work, order, "replayed", payload, actor, commit => continues ? commit with { DeadLettersBecome = "replayed" } : commit);
        return applied.Took ? new OperatorAnswer.Done(work.Saga) : work.Saga.Status == LeadStatus.Erased ? IsErased : RunOpen;
    }

    /// <summary>Lets a dead-lettered lead go on in its run; any other is left as it is, so that nobody starts a new run by a list that is out of date.</summary>
    /// <param name="id">The lead.</param>
    /// <param name="actor">Who orders it.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<OperatorAnswer> ContinueAsync(Guid id, string actor, CancellationToken cancellationToken)
    {
        var (work, erased) = await store.LookAsync(id);
        cancellationToken.ThrowIfCancellationRequested();
        if (work is null)
            return erased ? IsErased : new OperatorAnswer.NotFound();
        return work.Saga.Status == LeadStatus.DeadLettered
            ? await ReplayAsync(work, again: false, actor)
            : new OperatorAnswer.Refused("not-dead-lettered", $"The lead is {work.Saga.Status}; somebody has sent it on already.");
    }

    /// <summary>Stops a lead whose run has sent nothing to the CRM yet.</summary>
    /// <param name="id">The lead, or an alias of it.</param>
    /// <param name="actor">Who orders it.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<OperatorAnswer> CancelAsync(Guid id, string actor, CancellationToken cancellationToken)
    {
        var (work, erased) = await store.LookAsync(await store.FirstOfAsync(id, cancellationToken));
        if (work is null)
            return erased ? IsErased : new OperatorAnswer.NotFound();
        var applied = await ApplyAsync(work, new SagaMessage.Cancelled(work.Saga.Run), "cancelled", new JsonObject { ["from"] = work.Saga.Status.ToString() }, actor);
        return (applied.Decision, work.Saga) switch
        {
            (SagaDecision.Proceed or SagaDecision.AlreadyDone, var saga) => new OperatorAnswer.Done(saga),
            (_, { Status: LeadStatus.Erased }) => IsErased,
            (_, var saga) when saga.Status.IsTerminal() => new OperatorAnswer.Refused("ended", $"The lead has ended already: {saga.Status}."),
            _ => new OperatorAnswer.Refused("already-sent", "The plan has begun, and something may be in the CRM; it goes on to its end."),
        };
    }

    /// <summary>Writes down that somebody looks at what is personal about a lead; he may look once that is durable.</summary>
    /// <param name="id">The lead, or an alias of it.</param>
    /// <param name="where">On which surface, for example <c>console</c>.</param>
    /// <param name="actor">Who looks.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<OperatorAnswer> ViewAsync(Guid id, string where, string actor, CancellationToken cancellationToken)
    {
        var (work, erased) = await store.LookAsync(await store.FirstOfAsync(id, cancellationToken));
        if (work is null)
            return erased ? IsErased : new OperatorAnswer.NotFound();
        var applied = await store.ApplyAsync(work, new SagaMessage.Noted(), [new AuditFact("operator", "viewed_pii", new JsonObject { ["where"] = where })], actor: actor);
        return applied.Took ? new OperatorAnswer.Done(work.Saga) : IsErased;
    }

    /// <summary>Destroys the personal data of a lead that has ended, in the mock CRM too.</summary>
    /// <param name="id">The lead, or an alias of it.</param>
    /// <param name="actor">Who orders it.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<OperatorAnswer> EraseAsync(Guid id, string actor, CancellationToken cancellationToken)
    {
        var first = await store.FirstOfAsync(id, cancellationToken);
        var isMock = crm.Value.Provider == CrmProviderKind.Mock;
        var answer = await EraseAsync(first, isMock, actor);
        // Retention leaves the CRM alone; a person who asks is to be forgotten there as well.
        if (answer is OperatorAnswer.Done && isMock)
            await ForgetInCrmAsync(first, cancellationToken);
        if (answer is OperatorAnswer.Done)
            await database.SweepOutAsync(cancellationToken);
        return answer;
    }

    /// <summary>Destroys the personal data of a lead because it is old. The CRM is left alone: it has its own times.</summary>
    /// <param name="leadId">The lead.</param>
    /// <param name="actor">Who orders it.</param>
    public Task<OperatorAnswer> ExpireAsync(Guid leadId, string actor) => EraseAsync(leadId, inMockCrm: false, actor);

    /// <summary>The CRM records that a lead made or changed, and which of them hold nothing personal of it any more.</summary>
    /// <param name="id">The lead, or an alias of it.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<JsonArray> RecordsAsync(Guid id, CancellationToken cancellationToken)
    {
        var first = await store.FirstOfAsync(id, cancellationToken);
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var records = await session.QueryAsync($"SELECT DISTINCT object, record_id FROM effects WHERE {LeadTables.RowsOfLead} AND record_id IS NOT NULL AND object IS NOT NULL",
            r => (Object: r.GetString(0), Id: r.GetString(1)), cancellationToken, ("lead", first));
        var forgotten = new HashSet<string>();
        if (crm.Value.Provider == CrmProviderKind.Mock)
        {
            foreach (var kind in records.Select(r => Enum.Parse<CrmObject>(r.Object)).Where(k => k != CrmObject.Account).Distinct())
                forgotten.UnionWith((await Erasure.MadeByAsync(session, kind, first, cancellationToken)).Select(r => r.Id));
        }
        return new JsonArray([.. records.OrderBy(r => r.Object, StringComparer.Ordinal).ThenBy(r => r.Id, StringComparer.Ordinal)
            .Select(r => (JsonNode)new JsonObject { ["object"] = r.Object, ["recordId"] = r.Id, ["erased"] = forgotten.Contains(r.Id) })]);
    }

    private async Task<OperatorAnswer> EraseAsync(Guid leadId, bool inMockCrm, string actor)
    {
        var (work, erased) = await store.LookAsync(leadId);
        if (work is null)
            return erased ? new OperatorAnswer.Done(new LeadSaga { LeadId = leadId, Status = LeadStatus.Erased }) : new OperatorAnswer.NotFound();
        var payload = new JsonObject { ["from"] = work.Saga.Status.ToString(), ["crm"] = inMockCrm };
        var applied = await ApplyAsync(work, new SagaMessage.Erased(), "erased", payload, actor, commit => commit with { Erase = new Erasure(inMockCrm) });
        return applied.Decision is SagaDecision.Stale ? RunOpen : new OperatorAnswer.Done(work.Saga);
    }

    private Task<Applied> ApplyAsync(LeadWork work, SagaMessage order, string kind, JsonObject payload, string actor, Func<LeadCommit, LeadCommit>? with = null)
    {
        var now = AuditChain.Microseconds(time.GetUtcNow());
        // The sweeper is to look at once: for the command, and for the event, since this may be a process that publishes nothing.
        return store.ApplyAsync(work, order, [new AuditFact("operator", kind, payload)], commit => (with?.Invoke(commit) ?? commit) with { SweepAt = now }, actor);
    }

    private async Task ForgetInCrmAsync(Guid leadId, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        await session.BeginAsync(cancellationToken);
        await Erasure.ForgetInCrmAsync(session, leadId, time.GetUtcNow(), cancellationToken);
        await session.CommitAsync(cancellationToken);
    }
}
