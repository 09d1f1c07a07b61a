using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Gives the lead to a user.</summary>
public sealed class AssignOwner : CrmTool
{
    /// <inheritdoc/>
    public override string Name => "assign_owner";

    /// <inheritdoc/>
    public override string Description => "Makes a user the lead's owner.";

    /// <inheritdoc/>
    public override string Guarantee => "The owner is an active user; the former one is kept for the undo.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Errors => [CrmCodes.UnknownOwner, CrmCodes.Ambiguous, CrmCodes.NotFound];

    /// <inheritdoc/>
    public override ToolCategory Category => ToolCategory.LeadLifecycle;

    /// <inheritdoc/>
    public override Compensation Compensation => Compensation.Restore;

    /// <inheritdoc/>
    public override UnknownOutcome UnknownOutcome => UnknownOutcome.ReadByValue;

    /// <inheritdoc/>
    public override ToolParameters Parameters { get; } = new(
        LeadFields.LeadId,
        new(CrmFields.Owner, ParameterType.Text, "the user's id, e-mail address or name", Required: true, MaxLength: 254));

    /// <inheritdoc/>
    public override CrmQuery Ask(CrmQuery query, JsonObject arguments) => query.AskForLead(arguments).AskForOwner(arguments);

    /// <inheritdoc/>
    public override ToolDecision Decide(ToolCall call, CrmView view) => Owners.Find(view, call.Text(CrmFields.Owner)!) switch
    {
        ({ } owner, _) => LeadFields.Set(Name, call, view, new Dictionary<string, string> { [CrmFields.Owner] = owner.Id }),
        (_, var refusal) => refusal!,
    };
}
