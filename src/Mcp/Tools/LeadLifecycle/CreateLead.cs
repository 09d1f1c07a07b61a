using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Creates the lead's record and refuses when the person is in the CRM already.</summary>
public sealed class CreateLead() : RecordCreatingTool(CrmObject.Lead)
{
    /// <inheritdoc/>
    public override string Name => "create_lead";

    /// <inheritdoc/>
    public override string Description => "Creates a lead; refuses when there is one with the same e-mail address.";

    /// <inheritdoc/>
    public override string Guarantee => "Refuses a duplicate e-mail address and names the record; the owner must exist.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Errors => [CrmCodes.DuplicateLead, CrmCodes.InvalidStatus, CrmCodes.UnknownOwner, CrmCodes.Ambiguous];

    /// <inheritdoc/>
    public override ToolCategory Category => ToolCategory.LeadLifecycle;

    /// <inheritdoc/>
    public override ToolParameters Parameters { get; } = new(
    [
        .. StatedLead.Parameters,
        new(CrmFields.Owner, ParameterType.Text, "the id, e-mail address or name of the user who owns the lead", MaxLength: 254),
        new(CrmFields.Status, ParameterType.Text, "the lead's status; New when not given", Allowed: CrmValues.SettableStatuses, Code: CrmCodes.InvalidStatus),
    ]);

    /// <inheritdoc/>
    public override CrmQuery Ask(CrmQuery query, JsonObject arguments) =>
        query.AskForOwner(arguments) with { Email = StatedLead.Email(arguments[CrmFields.Email]!.GetValue<string>()) };

    /// <inheritdoc/>
    protected override ToolDecision DecideNew(ToolCall call, CrmView view)
    {
        var email = StatedLead.Email(call.Text(CrmFields.Email)!);
        var key = call.RecordKey(email);
        if (StatedLead.Matching(view.Leads, key, email) is [_, ..] there)
            return new ToolDecision.Refuse(CrmCodes.DuplicateLead,
                $"The person is in the CRM already: {string.Join(", ", there.Select(r => r.Id))}; use upsert_lead to complete that record.",
                Candidates: [.. there.Select(r => r.Id)]);

        var fields = StatedLead.Given(call);
        fields[CrmFields.Status] = call.Text(CrmFields.Status) ?? CrmValues.New;
        if (call.Text(CrmFields.Owner) is { Length: > 0 } wanted)
        {
            var (owner, refusal) = Owners.Find(view, wanted);
            if (owner is null)
                return refusal!;
            fields[CrmFields.Owner] = owner.Id;
        }
        return new ToolDecision.Write([new CreateRecord(call.Step, Name, CrmObject.Lead, call.EffectKey, key, fields)]);
    }
}
