using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Creates a contact of an account.</summary>
public sealed class CreateContact() : RecordCreatingTool(CrmObject.Contact)
{
    /// <inheritdoc/>
    public override string Name => "create_contact";

    /// <inheritdoc/>
    public override bool FindsOrCreates => true;

    /// <inheritdoc/>
    public override string Description => "Creates a contact of an account that exists.";

    /// <inheritdoc/>
    public override string Guarantee => "The account must exist; a person who is a contact already is not made one again.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Errors => [CrmCodes.AccountRequired, CrmCodes.Ambiguous];

    /// <inheritdoc/>
    public override ToolCategory Category => ToolCategory.AccountContact;

    /// <inheritdoc/>
    public override ToolParameters Parameters { get; } = new(
        new(CrmFields.Account, ParameterType.Text, "the account's record id, or an earlier step's result", Required: true, MaxLength: 100, Code: CrmCodes.AccountRequired),
        new(CrmFields.Email, ParameterType.Text, "the person's e-mail address", Required: true, MaxLength: 254),
        new(CrmFields.FirstName, ParameterType.Text, "the given name as stated", MaxLength: 100),
        new(CrmFields.LastName, ParameterType.Text, "the family name as stated", Required: true, MaxLength: 100),
        new(CrmFields.Title, ParameterType.Text, "the job title as stated", MaxLength: 150),
        new(CrmFields.Phone, ParameterType.Text, "the telephone number as stated", MaxLength: 50));

    /// <inheritdoc/>
    public override CrmQuery Ask(CrmQuery query, JsonObject arguments) =>
        query.AskFor(CrmObject.Account, arguments, CrmFields.Account) with { ContactEmail = StatedLead.Email(arguments[CrmFields.Email]!.GetValue<string>()) };

    /// <inheritdoc/>
    protected override ToolDecision DecideNew(ToolCall call, CrmView view)
    {
        var account = RecordRef.Parse(call.Text(CrmFields.Account)!);
        if (account.Id is { } id && view.Find(CrmObject.Account, id) is null)
            return new ToolDecision.Refuse(CrmCodes.AccountRequired, "The account is not in the CRM; it may have been deleted.");

        var email = StatedLead.Email(call.Text(CrmFields.Email)!);
        return view.Contacts.Where(c => c[CrmFields.Email] is { } e && StatedLead.Email(e) == email).ToList() switch
        {
            [] => Create(call, null,
                (CrmFields.Account, account.ToString()), (CrmFields.Email, email), (CrmFields.FirstName, call.Text(CrmFields.FirstName)),
                (CrmFields.LastName, call.Text(CrmFields.LastName)), (CrmFields.Title, call.Text(CrmFields.Title)), (CrmFields.Phone, call.Text(CrmFields.Phone))),
            [var there] => new ToolDecision.Unchanged(there.Id, Warning: there[CrmFields.Account] == account.Id
                ? null
                : "The person is a contact already, of another account or of none; that contact is used as it is."),
            var several => new ToolDecision.Refuse(CrmCodes.Ambiguous, $"{several.Count} contacts have this e-mail address; a person has to say which one is meant.",
                NeedsPerson: true, [.. several.Select(c => c.Id)]),
        };
    }
}
