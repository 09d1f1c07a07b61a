using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Writes chosen facts to the lead, each with its true value.</summary>
public sealed class UpdateLeadFields : CrmTool
{
    private const string OnlyEmpty = "onlyEmpty";

    /// <inheritdoc/>
    public override string Name => "update_lead_fields";

    /// <inheritdoc/>
    public override string Description => "Writes evidence-backed facts to the lead, over what stands there or only where nothing does.";

    /// <inheritdoc/>
    public override string Guarantee => "Only fields that evidence backs, with the true value; only what differs.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Errors => [CrmCodes.NoGroundedFields, CrmCodes.NotFound];

    /// <inheritdoc/>
    public override ToolCategory Category => ToolCategory.FieldUpdates;

    /// <inheritdoc/>
    public override Compensation Compensation => Compensation.Restore;

    /// <inheritdoc/>
    public override UnknownOutcome UnknownOutcome => UnknownOutcome.ReadByValue;

    /// <inheritdoc/>
    public override ToolParameters Parameters { get; } = new(
    [
        LeadFields.LeadId,
        CompanyFacts.Fact(CrmFields.Company, "the company's true name", 200),
        .. CompanyFacts.Parameters,
        new(OnlyEmpty, ParameterType.Boolean, "whether fields that hold something are left alone; they are not when not given"),
    ]);

    /// <inheritdoc/>
    public override CrmQuery Ask(CrmQuery query, JsonObject arguments) => query.AskForLead(arguments);

    /// <inheritdoc/>
    public override ToolDecision Decide(ToolCall call, CrmView view)
    {
        var facts = CompanyFacts.Given(call, Parameters.All);
        if (facts.Count == 0)
            return new ToolDecision.Refuse(CrmCodes.NoGroundedFields, "None of the fields is supported by evidence, so there is nothing to write.");
        if (call.Flag(OnlyEmpty) && RecordRef.Parse(call.Text(CrmFields.Lead)!).Id is { } id && view.Lead(id) is { } lead)
        {
            facts = facts.Where(f => string.IsNullOrEmpty(lead[f.Key])).ToDictionary();
            if (facts.Count == 0)
                return new ToolDecision.Unchanged(id);
        }
        return LeadFields.Set(Name, call, view, facts);
    }
}
