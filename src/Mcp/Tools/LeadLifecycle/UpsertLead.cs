using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Creates the lead's record or completes the one that is there, without overwriting a person's work.</summary>
public sealed class UpsertLead : CrmTool
{
    /// <inheritdoc/>
    public override string Name => "upsert_lead";

    /// <inheritdoc/>
    public override string Description => "Finds the lead by our key or its e-mail and fills in what is empty, or creates it.";

    /// <inheritdoc/>
    public override string Guarantee => "Matches by our key, then by e-mail address; fills in empty fields only; changes a status only over an empty one or New; two matches go to a person.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Errors => [CrmCodes.InvalidStatus, CrmCodes.Ambiguous];

    /// <inheritdoc/>
    public override ToolCategory Category => ToolCategory.LeadLifecycle;

    /// <inheritdoc/>
    public override Compensation Compensation => Compensation.Withdraw;

    /// <inheritdoc/>
    public override UnknownOutcome UnknownOutcome => UnknownOutcome.ReadByEffectKey;

    /// <inheritdoc/>
    public override bool FindsOrCreates => true;

    /// <inheritdoc/>
    public override CrmObject? Creates => CrmObject.Lead;

    /// <inheritdoc/>
    public override ToolParameters Parameters { get; } = new(
    [
        .. StatedLead.Parameters,
        new(CrmFields.Owner, ParameterType.Text, "the user who owns a new lead", MaxLength: 100),
        new(CrmFields.Status, ParameterType.Text, "the status of a new or untouched lead; New when not given", Allowed: CrmValues.LeadStatuses, Code: CrmCodes.InvalidStatus),
    ]);

    /// <inheritdoc/>
    public override CrmQuery Ask(CrmQuery query, JsonObject arguments) =>
        query with { Email = StatedLead.Email(arguments[CrmFields.Email]!.GetValue<string>()) };

    /// <inheritdoc/>
    public override ToolDecision Decide(ToolCall call, CrmView view)
    {
        var status = call.Text(CrmFields.Status);
        if (status is not null && !CrmValues.LeadStatuses.Contains(status))
            return new ToolDecision.Refuse(CrmCodes.InvalidStatus, $"'{status}' is not a lead status; use one of: {string.Join(", ", CrmValues.LeadStatuses)}.");

        if (view.Effects.TryGetValue(call.EffectKey, out var ours))
            return new ToolDecision.Unchanged(ours.Id, Warning: CrmCodes.Replayed);

        var email = StatedLead.Email(call.Text(CrmFields.Email)!);
        var key = call.RecordKey(email);
        return StatedLead.Matching(view.Leads, key, email) switch
        {
            [] => Create(call, key, email, status),
            [var lead] => Complete(call, lead, status),
            var several => new ToolDecision.Refuse(
                CrmCodes.Ambiguous, $"{several.Count} leads in the CRM match this e-mail address; a person has to say which one is meant.",
                NeedsPerson: true, [.. several.Select(r => r.Id)]),
        };
    }

    private ToolDecision.Write Create(ToolCall call, string key, string email, string? status)
    {
        var fields = Given(call);
        fields[CrmFields.Email] = email;
        fields[CrmFields.Status] = status ?? CrmValues.New;
        return new([new CreateRecord(call.Step, Name, CrmObject.Lead, call.EffectKey, key, fields)]);
    }

    private ToolDecision Complete(ToolCall call, CrmRecord lead, string? status)
    {
        var fields = Given(call).Where(f => string.IsNullOrEmpty(lead[f.Key])).ToDictionary(f => f.Key, string? (f) => f.Value);
        // A status other than New was set by a person or by an earlier decision: their work is not overwritten.
        if (status is not null && lead[CrmFields.Status] is (null or "" or CrmValues.New) and var now && now != status)
            fields[CrmFields.Status] = status;

        return fields.Count == 0
            ? new ToolDecision.Unchanged(lead.Id)
            : RecordFields.Update(Name, call, CrmObject.Lead, new(lead.Id, null), fields, lead);
    }

    private static Dictionary<string, string> Given(ToolCall call)
    {
        var given = StatedLead.Given(call);
        if (call.Text(CrmFields.Owner) is { Length: > 0 } owner)
            given[CrmFields.Owner] = owner;
        return given;
    }
}
