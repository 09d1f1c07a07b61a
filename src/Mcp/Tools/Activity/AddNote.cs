using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Adds a note to the lead.</summary>
public sealed class AddNote() : RecordCreatingTool(CrmObject.Note)
{
    /// <inheritdoc/>
    public override string Name => "add_note";

    /// <inheritdoc/>
    public override string Description => "Appends a note to the lead; notes are never changed.";

    /// <inheritdoc/>
    public override string Guarantee => "Append only.";

    /// <inheritdoc/>
    public override ToolCategory Category => ToolCategory.Activity;

    /// <inheritdoc/>
    public override Compensation Compensation => Compensation.Correct;

    /// <inheritdoc/>
    public override ToolParameters Parameters { get; } = new(
        LeadFields.LeadId,
        new("title", ParameterType.Text, "the note's heading", Required: true),
        new(CrmFields.Body, ParameterType.Text, "the note", Required: true, MaxLength: 32000));

    /// <inheritdoc/>
    public override CrmQuery Ask(CrmQuery query, JsonObject arguments) => query.AskForLead(arguments);

    /// <inheritdoc/>
    protected override ToolDecision DecideNew(ToolCall call, CrmView view) => Create(call, null,
        (CrmFields.Lead, call.Text(CrmFields.Lead)), (CrmFields.Title, call.Text("title")), (CrmFields.Body, call.Text(CrmFields.Body)));
}
