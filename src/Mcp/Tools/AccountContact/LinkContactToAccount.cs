using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Makes a contact belong to an account.</summary>
public sealed class LinkContactToAccount : CrmTool
{
    /// <inheritdoc/>
    public override string Name => "link_contact_to_account";

    /// <inheritdoc/>
    public override string Description => "Links a contact to an account; a contact that is linked stays linked.";

    /// <inheritdoc/>
    public override string Guarantee => "The account must exist; linking twice changes nothing; a link that a person made is kept, with a warning.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Errors => [CrmCodes.AccountRequired, CrmCodes.NotFound];

    /// <inheritdoc/>
    public override ToolCategory Category => ToolCategory.AccountContact;

    /// <inheritdoc/>
    public override Compensation Compensation => Compensation.Restore;

    /// <inheritdoc/>
    public override UnknownOutcome UnknownOutcome => UnknownOutcome.ReadByValue;

    /// <inheritdoc/>
    public override ToolParameters Parameters { get; } = new(
        new(CrmFields.Contact, ParameterType.Text, "the contact's record id, or an earlier step's result", Required: true, MaxLength: 100),
        new(CrmFields.Account, ParameterType.Text, "the account's record id, or an earlier step's result", Required: true, MaxLength: 100, Code: CrmCodes.AccountRequired));

    /// <inheritdoc/>
    public override CrmQuery Ask(CrmQuery query, JsonObject arguments) =>
        query.AskFor(CrmObject.Contact, arguments, CrmFields.Contact).AskFor(CrmObject.Account, arguments, CrmFields.Account);

    /// <inheritdoc/>
    public override ToolDecision Decide(ToolCall call, CrmView view)
    {
        var (contact, account) = (RecordRef.Parse(call.Text(CrmFields.Contact)!), RecordRef.Parse(call.Text(CrmFields.Account)!));
        if (account.Id is { } accountId && view.Find(CrmObject.Account, accountId) is null)
            return new ToolDecision.Refuse(CrmCodes.AccountRequired, "The account is not in the CRM; it may have been deleted.");

        return contact.Id is { } id && view.Find(CrmObject.Contact, id)?[CrmFields.Account] is { Length: > 0 } current && current != account.Id
            ? new ToolDecision.Unchanged(id, Warning: $"The contact stays linked to the account {current}, which was set before.")
            : RecordFields.Set(Name, call, view, CrmObject.Contact, CrmFields.Contact, new Dictionary<string, string> { [CrmFields.Account] = account.ToString() });
    }
}
