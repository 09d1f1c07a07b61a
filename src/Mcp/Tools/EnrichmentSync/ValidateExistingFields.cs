using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Compares what the CRM holds about the lead's company with what is known.</summary>
public sealed class ValidateExistingFields : CrmTool
{
    private const string Conflicts = "conflicts", Missing = "missing", Report = "report";

    /// <inheritdoc/>
    public override string Name => "validate_existing_fields";

    /// <inheritdoc/>
    public override string Description => "Reports field by field where the CRM and the evidence disagree; changes nothing.";

    /// <inheritdoc/>
    public override string Guarantee => "Reads only; one line a field: agrees, conflicts, missing in the CRM.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Errors => [CrmCodes.NoGroundedFields, CrmCodes.NotFound];

    /// <inheritdoc/>
    public override ToolCategory Category => ToolCategory.EnrichmentSync;

    /// <inheritdoc/>
    public override Compensation Compensation => Compensation.None;

    /// <inheritdoc/>
    public override UnknownOutcome UnknownOutcome => UnknownOutcome.ReadByValue;

    /// <inheritdoc/>
    public override ToolClass Class => ToolClass.Read;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Results => ["recordId", Conflicts, Missing, Report];

    /// <inheritdoc/>
    public override ToolParameters Parameters { get; } = new(
    [
        LeadFields.LeadId,
        CompanyFacts.Fact(CrmFields.Company, "the company's true name", 200),
        .. CompanyFacts.Parameters,
    ]);

    /// <inheritdoc/>
    public override CrmQuery Ask(CrmQuery query, JsonObject arguments) => query.AskForLead(arguments);

    /// <inheritdoc/>
    public override ToolDecision Decide(ToolCall call, CrmView view)
    {
        var facts = CompanyFacts.Given(call, Parameters.All);
        if (facts.Count == 0)
            return new ToolDecision.Refuse(CrmCodes.NoGroundedFields, "No company fact is supported by evidence, so there is nothing to compare.");
        // A record that this plan creates holds none of the facts yet.
        var target = RecordRef.Parse(call.Text(CrmFields.Lead)!);
        var lead = target.Id is { } id ? view.Lead(id) : null;
        if (target.Id is not null && lead is null)
            return RecordFields.NotFound(CrmObject.Lead);

        var fields = facts.Select(f => (Field: f.Key, Crm: lead?[f.Key], Evidence: f.Value, Verdict: Verdict(lead?[f.Key], f.Value))).ToList();
        var conflicts = fields.Where(f => f.Verdict == "conflicts").Select(f => f.Field).ToList();
        return new ToolDecision.Unchanged(target.Id, new Dictionary<string, string>
        {
            [Conflicts] = conflicts.Count.ToString(CultureInfo.InvariantCulture),
            [Missing] = fields.Count(f => f.Verdict == "missing").ToString(CultureInfo.InvariantCulture),
            [Report] = new JsonArray([.. fields.Select(f => (JsonNode)new JsonObject
            {
                ["field"] = f.Field,
                ["crm"] = f.Crm,
                ["evidence"] = f.Evidence,
                ["verdict"] = f.Verdict,
            })]).ToJsonString(),
        }, conflicts.Count == 0 ? null : $"The CRM and the evidence disagree on: {string.Join(", ", conflicts)}.");
    }

    private static string Verdict(string? crm, string evidence) =>
        string.IsNullOrWhiteSpace(crm) ? "missing"
        : RecordFields.Same(crm, evidence) || string.Equals(crm.Trim(), evidence.Trim(), StringComparison.OrdinalIgnoreCase) ? "agrees"
        : "conflicts";
}
