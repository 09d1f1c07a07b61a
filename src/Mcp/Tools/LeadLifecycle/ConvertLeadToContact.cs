using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Turns the lead into a contact of an account: the one step that nothing undoes.</summary>
public sealed class ConvertLeadToContact : CrmTool
{
    /// <inheritdoc/>
    public override string Name => "convert_lead";

    /// <inheritdoc/>
    public override string Description => "Converts the lead into a contact of an account; it cannot be undone, so it is the last step of its plan.";

    /// <inheritdoc/>
    public override string Guarantee => "Needs a last name, a company, an owner and an account, and a lead that is not converted; sent alone, after everything else is settled; read back by the lead's own contact.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Errors => [CrmCodes.NotConvertible, CrmCodes.UnknownOwner, CrmCodes.Ambiguous, CrmCodes.AccountRequired, CrmCodes.NotFound];

    /// <inheritdoc/>
    public override ToolCategory Category => ToolCategory.LeadLifecycle;

    /// <inheritdoc/>
    public override Compensation Compensation => Compensation.None;

    /// <inheritdoc/>
    public override UnknownOutcome UnknownOutcome => UnknownOutcome.ReadByValue;

    /// <inheritdoc/>
    public override bool IsPivot => true;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Results => ["recordId", CrmFields.ConvertedContact, CrmFields.ConvertedAccount];

    /// <inheritdoc/>
    public override ToolParameters Parameters { get; } = new(
        LeadFields.LeadId,
        new(CrmFields.Account, ParameterType.Text, "the account's record id, or an earlier step's result", Required: true, MaxLength: 100, Code: CrmCodes.AccountRequired),
        new(CrmFields.Owner, ParameterType.Text, "the id, e-mail address or name of the user who will own the contact; the lead's owner when not given", MaxLength: 254));

    /// <inheritdoc/>
    public override CrmQuery Ask(CrmQuery query, JsonObject arguments) =>
        query.AskForLead(arguments).AskFor(CrmObject.Account, arguments, CrmFields.Account).AskForOwner(arguments);

    /// <inheritdoc/>
    public override ToolDecision Decide(ToolCall call, CrmView view)
    {
        var target = RecordRef.Parse(call.Text(CrmFields.Lead)!);
        if (target.Id is not { } id || view.Lead(id) is not { } lead)
            return RecordFields.NotFound(CrmObject.Lead);
        if (lead[CrmFields.ConvertedContact] is { Length: > 0 } || lead[CrmFields.Status] == CrmValues.Converted)
        {
            // Converted after a call of ours without an answer: it was us. Otherwise somebody else has done it, and into what we do not judge.
            return call.MayHaveBeenSent
                ? new ToolDecision.Unchanged(id, Became(lead))
                : new ToolDecision.Refuse(CrmCodes.NotConvertible, "The lead is converted already.");
        }
        if (Missing(lead, call) is { Count: > 0 } missing)
            return new ToolDecision.Refuse(CrmCodes.NotConvertible, $"The lead cannot be converted without: {string.Join(", ", missing)}.");

        var account = RecordRef.Parse(call.Text(CrmFields.Account)!);
        if (account.Id is { } accountId && view.Find(CrmObject.Account, accountId) is null)
            return new ToolDecision.Refuse(CrmCodes.AccountRequired, "The account is not in the CRM; it may have been deleted.");
        CrmRecord? owner = null;
        if (call.Text(CrmFields.Owner) is { Length: > 0 } wanted)
        {
            (owner, var refusal) = Owners.Find(view, wanted);
            if (owner is null)
                return refusal!;
        }
        return new ToolDecision.Write([new ConvertLead(call.Step, Name, call.EffectKey, target, account, owner?.Id, lead.Version)]);
    }

    private static List<string> Missing(CrmRecord lead, ToolCall call) =>
    [
        .. ((string[])[CrmFields.LastName, CrmFields.Company]).Where(f => string.IsNullOrWhiteSpace(lead[f])),
        .. string.IsNullOrWhiteSpace(lead[CrmFields.Owner]) && string.IsNullOrWhiteSpace(call.Text(CrmFields.Owner)) ? (string[])[CrmFields.Owner] : [],
    ];

    private static Dictionary<string, string> Became(CrmRecord lead)
    {
        var results = new Dictionary<string, string>();
        foreach (var field in (ReadOnlySpan<string>)[CrmFields.ConvertedContact, CrmFields.ConvertedAccount])
        {
            if (lead[field] is { Length: > 0 } value)
                results[field] = value;
        }
        return results;
    }
}
