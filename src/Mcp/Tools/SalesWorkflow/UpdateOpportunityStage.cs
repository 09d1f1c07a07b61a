using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Moves an opportunity on.</summary>
public sealed class UpdateOpportunityStage : CrmTool
{
    /// <inheritdoc/>
    public override string Name => "update_opportunity_stage";

    /// <inheritdoc/>
    public override string Description => "Moves an opportunity to its next stage, or to Closed Lost.";

    /// <inheritdoc/>
    public override string Guarantee => "Each stage to the next, any open one to Closed Lost, none out of a closed one.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Errors => [CrmCodes.InvalidStage, CrmCodes.NotFound];

    /// <inheritdoc/>
    public override ToolCategory Category => ToolCategory.SalesWorkflow;

    /// <inheritdoc/>
    public override Compensation Compensation => Compensation.Restore;

    /// <inheritdoc/>
    public override UnknownOutcome UnknownOutcome => UnknownOutcome.ReadByValue;

    /// <inheritdoc/>
    public override ToolParameters Parameters { get; } = new(
        OpportunityFields.OpportunityId,
        new(CrmFields.Stage, ParameterType.Text, "the new stage", Required: true, Allowed: CrmValues.Stages, Code: CrmCodes.InvalidStage));

    /// <inheritdoc/>
    public override CrmQuery Ask(CrmQuery query, JsonObject arguments) => query.AskFor(CrmObject.Opportunity, arguments, CrmFields.Opportunity);

    /// <inheritdoc/>
    public override ToolDecision Decide(ToolCall call, CrmView view)
    {
        var stage = call.Text(CrmFields.Stage)!;
        if (RecordRef.Parse(call.Text(CrmFields.Opportunity)!).Id is not { } id)
            return new ToolDecision.Refuse(CrmCodes.InvalidStage, "The opportunity is only created by this plan; give its stage to create_opportunity.");
        if (view.Find(CrmObject.Opportunity, id) is not { } opportunity)
            return RecordFields.NotFound(CrmObject.Opportunity);

        var current = opportunity[CrmFields.Stage];
        return current == stage || CrmValues.CanMove(current, stage)
            ? RecordFields.Set(Name, call, view, CrmObject.Opportunity, CrmFields.Opportunity, new Dictionary<string, string> { [CrmFields.Stage] = stage })
            : new ToolDecision.Refuse(CrmCodes.InvalidStage, CrmValues.NextStages(current) is { Count: > 0 } next
                ? $"An opportunity in '{current}' goes to: {string.Join(", ", next)}."
                : $"An opportunity in '{current}' stays there.");
    }
}
