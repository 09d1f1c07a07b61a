using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Sets what an opportunity is worth.</summary>
public sealed class SetOpportunityValue : CrmTool
{
    /// <inheritdoc/>
    public override string Name => "set_opportunity_value";

    /// <inheritdoc/>
    public override string Description => "Sets an opportunity's value with its currency.";

    /// <inheritdoc/>
    public override string Guarantee => "Positive, with an ISO currency code; a closed opportunity keeps its value.";

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
        new(CrmFields.Amount, ParameterType.Number, "its worth, more than 0", Required: true, Minimum: 0, Maximum: 1_000_000_000_000),
        new(CrmFields.Currency, ParameterType.Text, "ISO code of the amount's currency, three capital letters", Required: true, MaxLength: 3));

    /// <inheritdoc/>
    public override CrmQuery Ask(CrmQuery query, JsonObject arguments) => query.AskFor(CrmObject.Opportunity, arguments, CrmFields.Opportunity);

    /// <inheritdoc/>
    public override ToolDecision Decide(ToolCall call, CrmView view)
    {
        var (amount, currency) = (call.Number(CrmFields.Amount)!.Value, call.Text(CrmFields.Currency)!);
        if (amount <= 0)
            return new ToolDecision.Refuse(CrmCodes.InvalidArguments, "The amount is not positive; leave the step out when it is not known.");
        if (currency.Length != 3 || !currency.All(char.IsAsciiLetterUpper))
            return new ToolDecision.Refuse(CrmCodes.InvalidArguments, "The currency is not an ISO code; give three capital letters such as EUR.");

        return RecordRef.Parse(call.Text(CrmFields.Opportunity)!).Id is { } id && view.Find(CrmObject.Opportunity, id)?[CrmFields.Stage] is { } stage && !CrmValues.IsOpenStage(stage)
            ? new ToolDecision.Refuse(CrmCodes.InvalidStage, $"The opportunity is in '{stage}' and keeps its value.")
            : RecordFields.Set(Name, call, view, CrmObject.Opportunity, CrmFields.Opportunity, new Dictionary<string, string>
            {
                [CrmFields.Amount] = amount.ToString(CultureInfo.InvariantCulture),
                [CrmFields.Currency] = currency,
            });
    }
}
