using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Opens an opportunity for a lead that fits well.</summary>
public sealed class CreateOpportunity() : RecordCreatingTool(CrmObject.Opportunity)
{
    /// <summary>Smallest score that justifies an opportunity.</summary>
    public const int MinimumScore = 75;

    /// <inheritdoc/>
    public override string Name => "create_opportunity";

    /// <inheritdoc/>
    public override string Description => "Opens an opportunity on an account, for a High Fit lead with a score of 75 or more.";

    /// <inheritdoc/>
    public override string Guarantee => "High Fit, a score of 75 or more, an account, an open stage; an amount is positive and has a currency.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Errors => [CrmCodes.IntentTooLow, CrmCodes.ScoreTooLow, CrmCodes.AccountRequired, CrmCodes.InvalidStage];

    /// <inheritdoc/>
    public override ToolCategory Category => ToolCategory.SalesWorkflow;

    /// <inheritdoc/>
    public override ToolParameters Parameters { get; } = new(
        LeadFields.LeadId,
        new(CrmFields.Account, ParameterType.Text, "the account's record id, or an earlier step's result", Required: true, MaxLength: 100),
        new(CrmFields.Name, ParameterType.Text, "the opportunity's name", Required: true, MaxLength: 120),
        new(CrmFields.Stage, ParameterType.Text, "an open stage of the sales process", Required: true, MaxLength: 50),
        new(CrmFields.CloseDate, ParameterType.Date, "the day on which it should be closed", Required: true),
        new(CrmFields.Amount, ParameterType.Number, "its worth, with a currency", Minimum: 0, Maximum: 1_000_000_000_000),
        new(CrmFields.Currency, ParameterType.Text, "ISO code of the amount's currency", MaxLength: 3),
        new(CrmFields.Intent, ParameterType.Text, "the lead's grounded intent as the CRM words it", Required: true, Allowed: CrmValues.Intents),
        new(CrmFields.Score, ParameterType.Integer, "the lead's grounded score, 0 to 100", Required: true, Minimum: 0, Maximum: 100));

    /// <inheritdoc/>
    public override CrmQuery Ask(CrmQuery query, JsonObject arguments) => query.AskForLead(arguments);

    /// <inheritdoc/>
    protected override ToolDecision DecideNew(ToolCall call, CrmView view)
    {
        if (call.Text(CrmFields.Intent) != CrmValues.Wording(LeadIntent.HIGH_FIT))
            return Refuse(CrmCodes.IntentTooLow, $"An opportunity needs a High Fit lead; this one is {call.Text(CrmFields.Intent)}.");
        if (call.Number(CrmFields.Score) < MinimumScore)
            return Refuse(CrmCodes.ScoreTooLow, $"An opportunity needs a score of {MinimumScore} or more; this one is {Invariant(call.Number(CrmFields.Score))}.");
        if (string.IsNullOrEmpty(call.Text(CrmFields.Account)))
            return Refuse(CrmCodes.AccountRequired, "An opportunity needs an account.");
        if (!CrmValues.IsOpenStage(call.Text(CrmFields.Stage)!))
            return Refuse(CrmCodes.InvalidStage, $"'{call.Text(CrmFields.Stage)}' is not an open stage; use one of: {string.Join(", ", CrmValues.Stages.Where(CrmValues.IsOpenStage))}.");

        var (amount, currency) = (call.Number(CrmFields.Amount), call.Text(CrmFields.Currency));
        if (amount <= 0)
            return Refuse(CrmCodes.InvalidArguments, "The amount is not positive; leave it out when it is not known.");
        if (amount is null != string.IsNullOrEmpty(currency))
            return Refuse(CrmCodes.InvalidArguments, "An amount and its currency belong together; give both or neither.");

        var (closeDate, warning) = NotInThePast(call, CrmFields.CloseDate);
        return Create(call, warning,
            (CrmFields.Name, call.Text(CrmFields.Name)), (CrmFields.Account, call.Text(CrmFields.Account)), (CrmFields.Lead, call.Text(CrmFields.Lead)),
            (CrmFields.Stage, call.Text(CrmFields.Stage)), (CrmFields.CloseDate, closeDate), (CrmFields.Amount, Invariant(amount)), (CrmFields.Currency, currency));
    }

    private static ToolDecision.Refuse Refuse(string code, string message) => new(code, message);

    private static string? Invariant(decimal? number) => number?.ToString(CultureInfo.InvariantCulture);
}
