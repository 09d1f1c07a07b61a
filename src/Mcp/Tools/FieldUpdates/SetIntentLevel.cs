using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Sets the lead's grounded intent.</summary>
public sealed class SetIntentLevel : CrmTool
{
    /// <inheritdoc/>
    public override string Name => "set_intent_level";

    /// <inheritdoc/>
    public override string Description => "Sets how well the lead fits, as a value of the pick list.";

    /// <inheritdoc/>
    public override string Guarantee => "Writes a value of the pick list only, when it differs, and keeps what stood there.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Errors => [CrmCodes.NotFound];

    /// <inheritdoc/>
    public override ToolCategory Category => ToolCategory.FieldUpdates;

    /// <inheritdoc/>
    public override Compensation Compensation => Compensation.Restore;

    /// <inheritdoc/>
    public override UnknownOutcome UnknownOutcome => UnknownOutcome.ReadByValue;

    /// <inheritdoc/>
    public override ToolParameters Parameters { get; } = new(
        LeadFields.LeadId,
        new(CrmFields.Intent, ParameterType.Text, "the grounded intent as the CRM words it", Required: true, Allowed: CrmValues.Intents));

    /// <inheritdoc/>
    public override CrmQuery Ask(CrmQuery query, JsonObject arguments) => query.AskForLead(arguments);

    /// <inheritdoc/>
    public override ToolDecision Decide(ToolCall call, CrmView view) =>
        LeadFields.Set(Name, call, view, new Dictionary<string, string> { [CrmFields.Intent] = call.Text(CrmFields.Intent)! });
}
