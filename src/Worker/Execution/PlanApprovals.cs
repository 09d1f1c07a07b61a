using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Worker.Approvals;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Execution;

/// <summary>The approvals of one delivery's way through a plan, and what becomes of them with its next commit.</summary>
internal sealed class PlanApprovals(ExecutionServices services, LeadWork work)
{
    private readonly Dictionary<Guid, (ApprovalChange Change, AuditFact? Fact)> pending = [];

    /// <summary>Changes that go with the next commit.</summary>
    public IReadOnlyList<ApprovalChange> Changes => [.. pending.Values.Select(p => p.Change)];

    /// <summary>Events that go with the next commit.</summary>
    public IEnumerable<AuditFact> Facts => pending.Values.Select(p => p.Fact).OfType<AuditFact>();

    /// <summary>The commit stood, or is not to be made.</summary>
    public void Forget() => pending.Clear();

    /// <summary>How far the plan may go with what was decided.</summary>
    public async Task<ApprovalVerdict> JudgeAsync(IReadOnlyList<StepEffect> effects, CancellationToken cancellationToken)
    {
        // Hardly any plan has such a step, and the others must not pay for it.
        if (!effects.Any(e => e.Step.NeedsApproval && e.IsToBeSent))
            return new ApprovalVerdict.Go([], null);
        var known = await services.Approvals.OfRunAsync(work.Saga.LeadId, work.Saga.Run, cancellationToken);
        var now = services.Time.GetUtcNow();
        var verdict = ApprovalGate.Decide(effects, known, now);
        switch (verdict)
        {
            case ApprovalVerdict.Go go:
                foreach (var used in go.Used)
                    Add(known.Find(a => a.Id == used.Id)!, used);
                break;
            case ApprovalVerdict.Refuse { For: { IsLive: true } lapsed }:
                Add(lapsed, ApprovalMachine.Decide(lapsed, new ApprovalAct.Expire(ApprovalMachine.Pipeline), now).Next);
                break;
            case ApprovalVerdict.Wait wait:
                // Nothing changes; but if somebody decides in between, the lead must not go to sleep over it.
                pending[wait.For.Id] = (ApprovalStore.Change(wait.For, wait.For), null);
                break;
            case ApprovalVerdict.Ask ask:
                foreach (var changed in ask.Void)
                    Add(changed, ApprovalMachine.Decide(changed, new ApprovalAct.Expire(ApprovalMachine.Pipeline, "arguments-changed"), now).Next);
                Request(ask, now);
                break;
        }
        return verdict;
    }

    private void Add(Approval before, Approval after) => pending[before.Id] = (ApprovalStore.Change(before, after), ApprovalStore.Acted(after));

    private void Request(ApprovalVerdict.Ask ask, DateTimeOffset now)
    {
        var step = ask.Effect.Step;
        var approval = new Approval
        {
            // The same for the same thing: a delivery that is repeated does not ask twice.
            Id = DeterministicId.Create(work.Saga.LeadId, $"approval/{work.Saga.Run}/{step.Id}/{ask.Hash}"),
            LeadId = work.Saga.LeadId,
            Run = work.Saga.Run,
            Step = step.Id,
            Operation = step.Tool,
            ArgumentsHash = ask.Hash,
            Needed = services.Executor.Tools.Find(step.Tool)?.Class == ToolClass.Destructive ? 2 : 1,
            RequestedBy = ApprovalMachine.Pipeline,
            RequestedAt = AuditChain.Microseconds(now),
            ExpiresAt = AuditChain.Microseconds(now + services.Approvals.ExpireAfter),
        };
        var content = new ApprovalContent(ask.Effect.Arguments ?? [], $"step {step.Id} of the plan by {work.Plan!.Policy.Name}");
        pending[approval.Id] = (new ApprovalChange(null, ApprovalStore.NewRow(approval, content, work.Key)), ApprovalStore.Requested(approval));
        Until = approval.ExpiresAt;
    }

    /// <summary>When the request that was just made means nothing any more.</summary>
    public DateTimeOffset Until { get; private set; }
}
