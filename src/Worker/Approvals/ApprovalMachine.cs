using System.Text;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Approvals;

/// <summary>What somebody wants to do with a request. A closed family.</summary>
/// <param name="By">Who.</param>
public abstract record ApprovalAct(string By)
{
    /// <summary>Say yes.</summary>
    public sealed record Approve(string By) : ApprovalAct(By);

    /// <summary>Say no, for good.</summary>
    /// <param name="By">Who.</param>
    /// <param name="Why">In the person's words.</param>
    public sealed record Deny(string By, string? Why) : ApprovalAct(By);

    /// <summary>Do what was approved, with these arguments.</summary>
    /// <param name="By">Who.</param>
    /// <param name="ArgumentsHash">Of the arguments that are really used.</param>
    public sealed record Use(string By, string ArgumentsHash) : ApprovalAct(By);

    /// <summary>Let it go: its time is over, or the arguments are others now.</summary>
    /// <param name="By">Who.</param>
    /// <param name="Why">A code; null: only if its time is over.</param>
    public sealed record Expire(string By, string? Why = null) : ApprovalAct(By);
}

/// <summary>What came of an act.</summary>
/// <param name="Next">The request after it; the same when nothing changed.</param>
/// <param name="Refusal">Why the act was refused, as a code; null: it was not.</param>
/// <param name="Message">What that means and what to do.</param>
public sealed record ApprovalDecision(Approval Next, string? Refusal = null, string? Message = null);

/// <summary>The rules of the human door, as one pure function over a request.</summary>
public static class ApprovalMachine
{
    /// <summary>The name under which the pipeline itself asks and acts.</summary>
    public const string Pipeline = "worker";

    /// <summary>What stands before the name of the operating system's user who acts by the command line.</summary>
    public const string CommandLine = "cli:";

    /// <summary>What binds an approval: the operation and its exact arguments.</summary>
    public static string Hash(string operation, JsonObject arguments) =>
        CanonicalJson.Sha256Hex(Encoding.UTF8.GetBytes($"{operation}\n{CanonicalJson.Hash(arguments)}"));

    /// <summary>What an act does to a request. A request whose time is over expires, whatever was wanted.</summary>
    public static ApprovalDecision Decide(Approval approval, ApprovalAct act, DateTimeOffset now)
    {
        if (!approval.IsLive)
            return Refuse(approval, approval.State.ToString().ToLowerInvariant(), $"The request is {approval.State.ToString().ToLowerInvariant()}; make a new one.");
        if (now >= approval.ExpiresAt)
            return new(Become(approval, ApprovalState.Expired, now, Pipeline, "expired", "time"), act is ApprovalAct.Expire ? null : "expired", "The request's time is over; make a new one.");
        return act switch
        {
            ApprovalAct.Approve approve => Approve(approval, approve.By, now),
            ApprovalAct.Deny deny => new(Become(approval, ApprovalState.Denied, now, deny.By, "denied", deny.Why)),
            ApprovalAct.Use when approval.State != ApprovalState.Approved => Refuse(approval, "not-approved", Missing(approval)),
            // The approval was for something else, and nobody should be able to try until it fits.
            ApprovalAct.Use use when use.ArgumentsHash != approval.ArgumentsHash => new(
                Become(approval, ApprovalState.Expired, now, use.By, "expired", "arguments-changed"), "arguments-changed", "The arguments are not the ones that were approved, so the approval is void; make a new request."),
            ApprovalAct.Use use => new(Become(approval, ApprovalState.Used, now, use.By, "used", null)),
            ApprovalAct.Expire { Why: { } why } expire => new(Become(approval, ApprovalState.Expired, now, expire.By, "expired", why)),
            _ => new(approval),
        };
    }

    /// <summary>Whether two names are one person: whatever the case, and whether by the command line or by HTTP.</summary>
    public static bool IsSame(string one, string other) => string.Equals(Person(one), Person(other), StringComparison.OrdinalIgnoreCase);

    /// <summary>The name without the door that it came in by: who asks by HTTP is not somebody else at the command line.</summary>
    private static string Person(string name)
    {
        var bare = name.Trim();
        return bare.StartsWith(CommandLine, StringComparison.OrdinalIgnoreCase) ? bare[CommandLine.Length..].Trim() : bare;
    }

    private static ApprovalDecision Approve(Approval approval, string by, DateTimeOffset now)
    {
        if (approval.State == ApprovalState.Approved)
            return Refuse(approval, "approved", "The request is approved already.");
        if (approval.Needed > 1 && IsSame(by, approval.RequestedBy))
            return Refuse(approval, "own-request", "Two people other than the one who asked have to approve this.");
        var yes = approval.Acts.Where(a => a.What == "approved").ToList();
        if (yes.Exists(a => IsSame(a.By, by)))
            return Refuse(approval, "same-person", "You have approved this; somebody else has to, too.");
        var state = yes.Count + 1 >= approval.Needed ? ApprovalState.Approved : ApprovalState.Open;
        return new(Become(approval, state, now, by, "approved", null));
    }

    private static string Missing(Approval approval) =>
        $"{approval.Needed - approval.Acts.Count(a => a.What == "approved")} more of {approval.Needed} approvals are needed first.";

    private static ApprovalDecision Refuse(Approval approval, string code, string message) => new(approval, code, message);

    private static Approval Become(Approval approval, ApprovalState state, DateTimeOffset now, string by, string what, string? why) =>
        approval with { State = state, Version = approval.Version + 1, Acts = [.. approval.Acts, new ApprovalEvent(now, by, what, why)] };
}
