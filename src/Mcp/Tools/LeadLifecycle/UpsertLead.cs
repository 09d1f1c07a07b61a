using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Creates the lead's record or completes the one that is there, without overwriting a person's work.</summary>
public sealed class UpsertLead : CrmTool
{
    private static readonly string[] Stated =
    [
        CrmFields.Email, CrmFields.FirstName, CrmFields.LastName, CrmFields.Company, CrmFields.Title, CrmFields.Phone,
        CrmFields.Website, CrmFields.Country, CrmFields.Message, CrmFields.Source, CrmFields.Owner,
    ];

    /// <inheritdoc/>
    public override string Name => "upsert_lead";

    /// <inheritdoc/>
    public override string Description => "Finds the lead by our key or its e-mail and fills in what is empty, or creates it.";

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
        new(CrmFields.Email, ParameterType.Text, "the person's e-mail address", Required: true, MaxLength: 254),
        new(CrmFields.FirstName, ParameterType.Text, "the given name as stated", MaxLength: 100),
        new(CrmFields.LastName, ParameterType.Text, "the family name as stated", MaxLength: 100),
        new(CrmFields.Company, ParameterType.Text, "the company as stated", MaxLength: 200),
        new(CrmFields.Title, ParameterType.Text, "the job title as stated", MaxLength: 150),
        new(CrmFields.Phone, ParameterType.Text, "the telephone number as stated", MaxLength: 50),
        new(CrmFields.Website, ParameterType.Text, "the web site as stated", MaxLength: 300),
        new(CrmFields.Country, ParameterType.Text, "the country as stated", MaxLength: 100),
        new(CrmFields.Message, ParameterType.Text, "the person's own words", MaxLength: 8000),
        new(CrmFields.Source, ParameterType.Text, "where the lead came from", MaxLength: 100),
        new(CrmFields.Owner, ParameterType.Text, "the user who owns a new lead", MaxLength: 100),
        // The whitelist is checked in Decide as well, since its code (invalid_status) is part of the contract.
        new(CrmFields.Status, ParameterType.Text, "the status of a new or untouched lead; New when not given", Allowed: CrmValues.LeadStatuses));

    /// <inheritdoc/>
    public override CrmQuery Ask(CrmQuery query, JsonObject arguments) =>
        query with { Email = Email(arguments[CrmFields.Email]!.GetValue<string>()) };

    /// <inheritdoc/>
    public override ToolDecision Decide(ToolCall call, CrmView view)
    {
        var status = call.Text(CrmFields.Status);
        if (status is not null && !CrmValues.LeadStatuses.Contains(status))
            return new ToolDecision.Refuse(CrmCodes.InvalidStatus, $"'{status}' is not a lead status; use one of: {string.Join(", ", CrmValues.LeadStatuses)}.");

        if (view.Effects.TryGetValue(call.EffectKey, out var ours))
            return new ToolDecision.Unchanged(ours.Id, Warning: CrmCodes.Replayed);

        var email = Email(call.Text(CrmFields.Email)!);
        var key = call.RecordKey(email);
        return Matching(view.Leads, key, email) switch
        {
            [] => Create(call, key, email, status),
            [var lead] => Complete(call, lead, status),
            var several => new ToolDecision.Refuse(
                CrmCodes.Ambiguous, $"{several.Count} leads in the CRM match this e-mail address; a person has to say which one is meant.",
                NeedsPerson: true, [.. several.Select(r => r.Id)]),
        };
    }

    /// <summary>Our key is unique, so a record that carries it is the one, whatever else shares the address.</summary>
    private static List<CrmRecord> Matching(IReadOnlyList<CrmRecord> leads, string key, string email)
    {
        var byKey = leads.Where(r => r.RecordKey == key).ToList();
        return byKey.Count > 0 ? byKey : [.. leads.Where(r => r[CrmFields.Email] is { } e && Email(e) == email)];
    }

    private ToolDecision.Write Create(ToolCall call, string key, string email, string? status)
    {
        var fields = new Dictionary<string, string>();
        foreach (var field in Stated)
        {
            if (call.Text(field) is { Length: > 0 } value)
                fields[field] = value;
        }
        fields[CrmFields.Email] = email;
        fields[CrmFields.Status] = status ?? CrmValues.New;
        return new([new CreateRecord(call.Step, Name, CrmObject.Lead, call.EffectKey, key, fields)]);
    }

    private ToolDecision Complete(ToolCall call, CrmRecord lead, string? status)
    {
        var fields = new Dictionary<string, string?>();
        foreach (var field in Stated)
        {
            if (call.Text(field) is { Length: > 0 } value && string.IsNullOrEmpty(lead[field]))
                fields[field] = value;
        }
        // A status other than New was set by a person or by an earlier decision: their work is not overwritten.
        if (status is not null && lead[CrmFields.Status] is (null or "" or CrmValues.New) and var now && now != status)
            fields[CrmFields.Status] = status;

        return fields.Count == 0
            ? new ToolDecision.Unchanged(lead.Id)
            : new ToolDecision.Write(
                [new UpdateRecord(call.Step, Name, CrmObject.Lead, new(lead.Id, null), fields, lead.Version)],
                Before: fields.Keys.ToDictionary(f => f, f => lead[f]));
    }

    private static string Email(string text) => text.Trim().ToLowerInvariant();
}
