using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Sets the lead's grounded score.</summary>
public sealed class SetLeadScore : CrmTool
{
    /// <inheritdoc/>
    public override string Name => "set_lead_score";

    /// <inheritdoc/>
    public override string Description => "Sets the lead's grounded fit score.";

    /// <inheritdoc/>
    public override string Guarantee => "Writes the grounded score only, when it differs, and keeps what stood there.";

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
        new(CrmFields.Score, ParameterType.Integer, "the grounded fit score, 0 to 100", Required: true, Minimum: 0, Maximum: 100));

    /// <inheritdoc/>
    public override CrmQuery Ask(CrmQuery query, JsonObject arguments) => query.AskForLead(arguments);

    /// <inheritdoc/>
    public override ToolDecision Decide(ToolCall call, CrmView view) => LeadFields.Set(Name, call, view, new Dictionary<string, string>
    {
        [CrmFields.Score] = decimal.ToInt32(call.Number(CrmFields.Score)!.Value).ToString(CultureInfo.InvariantCulture),
    });
}
