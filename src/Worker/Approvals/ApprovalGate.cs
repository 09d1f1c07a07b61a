using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Execution;

namespace LeadPipeline.Worker.Approvals;

/// <summary>What approvals mean for a plan whose steps have just been decided. A closed family.</summary>
public abstract record ApprovalVerdict
{
    private ApprovalVerdict() { }

    /// <summary>Everything that is to be sent may be.</summary>
    /// <param name="Used">The approvals that this uses up; they change in the same commit.</param>
    /// <param name="Until">Send only what comes before this step; null: all.</param>
    public sealed record Go(IReadOnlyList<Approval> Used, int? Until) : ApprovalVerdict;

    /// <summary>The next step needs an approval that nobody has asked for.</summary>
    /// <param name="Effect">The step, its arguments resolved.</param>
    /// <param name="Hash">What the approval is to be bound to.</param>
    /// <param name="Void">Requests for the same step with other arguments.</param>
    public sealed record Ask(StepEffect Effect, string Hash, IReadOnlyList<Approval> Void) : ApprovalVerdict;

    /// <summary>The next step waits for people.</summary>
    /// <param name="For">The request.</param>
    public sealed record Wait(Approval For) : ApprovalVerdict;

    /// <summary>The next step will not be done.</summary>
    /// <param name="Effect">The step.</param>
    /// <param name="For">The request.</param>
    /// <param name="Code"><c>approval_denied</c> or <c>approval_expired</c>.</param>
    public sealed record Refuse(StepEffect Effect, Approval For, string Code) : ApprovalVerdict;
}

/// <summary>Holds a plan at a step that needs a person's approval. Pure.</summary>
public static class ApprovalGate
{
    /// <summary>Decides how far a plan may go.</summary>
    /// <param name="effects">The steps as decided, in order; those with writes are about to be sent.</param>
    /// <param name="approvals">The requests of this run.</param>
    /// <param name="now">The time.</param>
    public static ApprovalVerdict Decide(IReadOnlyList<StepEffect> effects, IReadOnlyList<Approval> approvals, DateTimeOffset now)
    {
        var used = new List<Approval>();
        var sending = false;
        for (var i = 0; i < effects.Count; i++)
        {
            var effect = effects[i];
            if (effect.IsToBeSent && effect.Step.NeedsApproval && Judge(effect, approvals, now) is var (verdict, use))
            {
                // Arguments may still refer to what the steps before create: those go first, and then it is looked at again.
                if (verdict is not null)
                    return sending ? new ApprovalVerdict.Go(used, i) : verdict;
                used.AddRange(use is null ? [] : [use]);
            }
            sending |= effect.IsToBeSent;
        }
        return new ApprovalVerdict.Go(used, null);
    }

    private static (ApprovalVerdict? Verdict, Approval? Use) Judge(StepEffect effect, IReadOnlyList<Approval> approvals, DateTimeOffset now)
    {
        var hash = ApprovalMachine.Hash(effect.Step.Tool, effect.Arguments ?? new JsonObject());
        var mine = approvals.Where(a => a.Step == effect.Step.Id).ToList();
        if (mine.Find(a => a.ArgumentsHash == hash) is not { } approval)
            // A no to a step is a no, whatever its arguments have become since.
            return mine.Find(a => a.State == ApprovalState.Denied) is { } no
                ? (new ApprovalVerdict.Refuse(effect, no, "approval_denied"), null)
                : (new ApprovalVerdict.Ask(effect, hash, mine.FindAll(a => a.IsLive)), null);
        return approval.State switch
        {
            // Used by an epoch of this run that did not get through: it is the same use, with the same effect key.
            ApprovalState.Used => (null, null),
            ApprovalState.Denied => (new ApprovalVerdict.Refuse(effect, approval, "approval_denied"), null),
            ApprovalState.Expired => (new ApprovalVerdict.Refuse(effect, approval, "approval_expired"), null),
            _ when now >= approval.ExpiresAt => (new ApprovalVerdict.Refuse(effect, approval, "approval_expired"), null),
            ApprovalState.Approved => (null, ApprovalMachine.Decide(approval, new ApprovalAct.Use(ApprovalMachine.Pipeline, hash), now).Next),
            _ => (new ApprovalVerdict.Wait(approval), null),
        };
    }
}
