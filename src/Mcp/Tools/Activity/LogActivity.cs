using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Adds an entry to the lead's history.</summary>
public sealed class LogActivity() : RecordCreatingTool(CrmObject.Activity)
{
    /// <inheritdoc/>
    public override string Name => "log_activity";

    /// <inheritdoc/>
    public override string Description => "Appends an entry to the lead's history; entries are never changed.";

    /// <inheritdoc/>
    public override string Guarantee => "Append only.";

    /// <inheritdoc/>
    public override ToolCategory Category => ToolCategory.Activity;

    /// <inheritdoc/>
    public override Compensation Compensation => Compensation.Correct;

    /// <inheritdoc/>
    public override ToolParameters Parameters { get; } = new(
        LeadFields.LeadId,
        new(CrmFields.Subject, ParameterType.Text, "what happened, in a few words", Required: true),
        new(CrmFields.Body, ParameterType.Text, "what happened, in sentences", MaxLength: 32000));

    /// <inheritdoc/>
    public override CrmQuery Ask(CrmQuery query, JsonObject arguments) => query.AskForLead(arguments);

    /// <inheritdoc/>
    protected override ToolDecision DecideNew(ToolCall call, CrmView view) => Create(call, null,
        (CrmFields.Lead, call.Text(CrmFields.Lead)), (CrmFields.Subject, call.Text(CrmFields.Subject)), (CrmFields.Body, call.Text(CrmFields.Body)));
}
