using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Planning;
using LeadPipeline.Worker.Privacy;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Approvals;

/// <summary>A person's wish that something be done which the pipeline does not do.</summary>
/// <param name="Operation">A tool's name or a forbidden one.</param>
/// <param name="Arguments">The exact arguments.</param>
/// <param name="Reason">Why.</param>
/// <param name="LeadId">The lead that it is about, if any.</param>
/// <param name="By">Who asks.</param>
public sealed record ApprovalWish(string? Operation, JsonObject? Arguments, string? Reason, Guid? LeadId, string By);

/// <summary>The human door: what the command line and HTTP do with requests, in one place. Nothing that is asked for here is ever executed by us.</summary>
public sealed class ApprovalRequests(ApprovalStore store, ToolRegistry tools, TimeProvider time)
{
    private const int LongestReason = 1000, LongestArguments = 32 * 1024;

    /// <summary>Makes a request.</summary>
    /// <returns>The request, or what is wrong with the wish: field and remedy.</returns>
    public async Task<(StoredApproval? Made, string? Field, string? Problem)> RequestAsync(ApprovalWish wish, CancellationToken cancellationToken)
    {
        if (wish.Operation is not { Length: > 0 and <= 100 } operation || (ForbiddenTools.Find(operation) is null && tools.Find(operation) is null))
            return (null, "operation", $"there is no such operation; use a tool's name (did you mean {Nearest.To(wish.Operation ?? "", tools.All.Select(t => t.Name))}?) or a forbidden one such as delete_lead");
        if (wish.Arguments is not { } arguments || arguments.ToJsonString().Length > LongestArguments)
            return (null, "arguments", $"give the exact arguments as a JSON object of at most {LongestArguments} characters");
        if (string.IsNullOrWhiteSpace(wish.Reason) || wish.Reason.Length > LongestReason)
            return (null, "reason", $"say why, in at most {LongestReason} characters");
        var now = AuditChain.Microseconds(time.GetUtcNow());
        var approval = new Approval
        {
            Id = Guid.NewGuid(),
            LeadId = wish.LeadId,
            Operation = operation,
            ArgumentsHash = ApprovalMachine.Hash(operation, arguments),
            Needed = IsDestructive(operation) ? 2 : 1,
            RequestedBy = wish.By,
            RequestedAt = now,
            ExpiresAt = AuditChain.Microseconds(now + store.ExpireAfter),
        };
        var content = new ApprovalContent(arguments, wish.Reason.Trim());
        return await store.AddAsync(approval, content, cancellationToken)
            ? (new StoredApproval(approval, content), null, null)
            : (null, "leadId", "there is no such lead");
    }

    /// <summary>A no. Its reason stands in the open beside the request, so what looks like personal data in it is masked.</summary>
    public static ApprovalAct.Deny Denial(string by, string? why) =>
        new(by, string.IsNullOrWhiteSpace(why) ? null : PersonalText.Mask(why.Length > LongestReason ? why[..LongestReason] : why));

    /// <summary>Says that what was approved has been done, with these arguments. A step of a plan is used by the plan itself.</summary>
    /// <returns>Null: there is no such request.</returns>
    public async Task<ApprovalDecision?> UseAsync(Guid id, JsonObject arguments, string by, CancellationToken cancellationToken)
    {
        if (await store.FindAsync(id, cancellationToken) is not { Approval: var approval })
            return null;
        return approval.IsForStep
            ? new ApprovalDecision(approval, "for-a-plan", "The plan that waits for this uses it itself.")
            : await store.ActAsync(id, new ApprovalAct.Use(by, ApprovalMachine.Hash(approval.Operation, arguments)), cancellationToken);
    }

    /// <summary>A request as those read it who decide: in full, for they have to see what they approve.</summary>
    public static JsonObject Json(StoredApproval stored)
    {
        var approval = stored.Approval;
        return new JsonObject
        {
            ["id"] = approval.Id.ToString(),
            ["state"] = ApprovalStore.Name(approval.State),
            ["operation"] = approval.Operation,
            ["arguments"] = stored.Content?.Arguments.DeepClone(),
            ["argumentsHash"] = approval.ArgumentsHash,
            ["reason"] = stored.Content?.Reason,
            ["leadId"] = approval.LeadId?.ToString(),
            ["run"] = approval.Run,
            ["step"] = approval.Step,
            ["needed"] = approval.Needed,
            ["requestedBy"] = approval.RequestedBy,
            ["requestedAt"] = Iso(approval.RequestedAt),
            ["expiresAt"] = Iso(approval.ExpiresAt),
            ["acts"] = new JsonArray([.. approval.Acts.Select(a => (JsonNode)new JsonObject { ["at"] = Iso(a.At), ["by"] = a.By, ["what"] = a.What, ["why"] = a.Why })]),
            ["next"] = Next(approval),
        };
    }

    /// <summary>What is to be done now, and by whom.</summary>
    private static string? Next(Approval approval) => approval.State switch
    {
        ApprovalState.Open when approval.Needed > 1 => "two people other than the one who asked have to approve it",
        ApprovalState.Open => "one person has to approve it",
        ApprovalState.Approved when approval.IsForStep => "the plan goes on by itself",
        ApprovalState.Approved => $"LeadPipeline never does this itself: a CRM administrator carries out {approval.Operation} in the CRM with exactly these arguments, and then says so (approvals use)",
        _ => null,
    };

    private bool IsDestructive(string operation) => tools.Find(operation) is not { } tool || tool.Class == ToolClass.Destructive;

    private static string Iso(DateTimeOffset time) => time.UtcDateTime.ToString("O", System.Globalization.CultureInfo.InvariantCulture);
}
