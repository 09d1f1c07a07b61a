using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>A tool that puts a task on somebody's list.</summary>
public abstract class TaskTool() : RecordCreatingTool(CrmObject.Task)
{
    /// <inheritdoc/>
    public sealed override string Guarantee => "Tied to the lead, and to an opportunity when there is one; a day that has passed becomes today, with a warning.";

    /// <inheritdoc/>
    public sealed override ToolCategory Category => ToolCategory.Activity;

    /// <inheritdoc/>
    public sealed override Compensation Compensation => Compensation.Cancel;

    /// <inheritdoc/>
    public sealed override ToolParameters Parameters { get; } = new(
        LeadFields.LeadId,
        new(CrmFields.Subject, ParameterType.Text, "what is to be done, in a few words", Required: true),
        new(CrmFields.Priority, ParameterType.Text, "Normal (default) or High", Allowed: CrmValues.Priorities),
        new(CrmFields.DueDate, ParameterType.Date, "the day on which it is due", Required: true),
        new("description", ParameterType.Text, "what the person should know", MaxLength: 32000),
        new(CrmFields.Opportunity, ParameterType.Text, "the opportunity's record id, or an earlier step's result", MaxLength: 100));

    /// <inheritdoc/>
    public sealed override CrmQuery Ask(CrmQuery query, JsonObject arguments) => query.AskForLead(arguments);

    /// <inheritdoc/>
    protected sealed override ToolDecision DecideNew(ToolCall call, CrmView view)
    {
        var (dueDate, warning) = NotInThePast(call, CrmFields.DueDate);
        return Create(call, warning,
            (CrmFields.Lead, call.Text(CrmFields.Lead)), (CrmFields.Opportunity, call.Text(CrmFields.Opportunity)),
            (CrmFields.Subject, call.Text(CrmFields.Subject)), (CrmFields.Priority, call.Text(CrmFields.Priority) ?? CrmValues.Priorities[0]),
            (CrmFields.DueDate, dueDate), (CrmFields.Body, call.Text("description")));
    }
}
