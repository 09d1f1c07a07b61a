using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Sets the lead's status.</summary>
public sealed class UpdateLeadStatus : CrmTool
{
    /// <inheritdoc/>
    public override string Name => "update_lead_status";

    /// <inheritdoc/>
    public override string Description => "Sets the lead's status to one of the list.";

    /// <inheritdoc/>
    public override string Guarantee => "A status of the list; Converted is neither set nor overwritten.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Errors => [CrmCodes.InvalidStatus, CrmCodes.NotFound];

    /// <inheritdoc/>
    public override ToolCategory Category => ToolCategory.LeadLifecycle;

    /// <inheritdoc/>
    public override Compensation Compensation => Compensation.Restore;

    /// <inheritdoc/>
    public override UnknownOutcome UnknownOutcome => UnknownOutcome.ReadByValue;

    /// <inheritdoc/>
    public override ToolParameters Parameters { get; } = new(
        LeadFields.LeadId,
        new(CrmFields.Status, ParameterType.Text, "the new status", Required: true, Allowed: CrmValues.SettableStatuses, Code: CrmCodes.InvalidStatus));

    /// <inheritdoc/>
    public override CrmQuery Ask(CrmQuery query, JsonObject arguments) => query.AskForLead(arguments);

    /// <inheritdoc/>
    public override ToolDecision Decide(ToolCall call, CrmView view) =>
        RecordRef.Parse(call.Text(CrmFields.Lead)!).Id is { } id && view.Lead(id)?[CrmFields.Status] == CrmValues.Converted
            ? new ToolDecision.Refuse(CrmCodes.InvalidStatus, "The lead is converted; its status is not changed any more.")
            : LeadFields.Set(Name, call, view, new Dictionary<string, string> { [CrmFields.Status] = call.Text(CrmFields.Status)! });
}
