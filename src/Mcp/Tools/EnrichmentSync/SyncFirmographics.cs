using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Writes what is known about the lead's company to the lead.</summary>
public sealed class SyncFirmographics : CrmTool
{
    private static readonly string[] Fields =
        [CrmFields.Industry, CrmFields.Employees, CrmFields.Revenue, CrmFields.TechStack, CrmFields.Geo, CrmFields.FoundedYear];

    /// <inheritdoc/>
    public override string Name => "sync_firmographics";

    /// <inheritdoc/>
    public override string Description => "Writes true company facts to the lead, the fields that differ only.";

    /// <inheritdoc/>
    public override ToolCategory Category => ToolCategory.EnrichmentSync;

    /// <inheritdoc/>
    public override Compensation Compensation => Compensation.Restore;

    /// <inheritdoc/>
    public override UnknownOutcome UnknownOutcome => UnknownOutcome.ReadByValue;

    /// <inheritdoc/>
    public override ToolParameters Parameters { get; } = new(
        LeadFields.LeadId,
        new(CrmFields.Industry, ParameterType.Text, "the industry"),
        new(CrmFields.Employees, ParameterType.Text, "number or range of employees"),
        new(CrmFields.Revenue, ParameterType.Text, "yearly revenue or its range, with the currency when known"),
        new(CrmFields.TechStack, ParameterType.Text, "technologies in use, separated by semicolons", MaxLength: 4000),
        new(CrmFields.Geo, ParameterType.Text, "city, region, country"),
        new(CrmFields.FoundedYear, ParameterType.Integer, "the year of foundation", Minimum: 1000, Maximum: 2999));

    /// <inheritdoc/>
    public override CrmQuery Ask(CrmQuery query, JsonObject arguments) => query.AskForLead(arguments);

    /// <inheritdoc/>
    public override ToolDecision Decide(ToolCall call, CrmView view)
    {
        var facts = new Dictionary<string, string>();
        foreach (var field in Fields)
        {
            var value = call.Arguments[field] is JsonValue given && given.GetValueKind() == System.Text.Json.JsonValueKind.String
                ? given.GetValue<string>()
                : call.Arguments[field]?.ToJsonString();
            if (!string.IsNullOrEmpty(value))
                facts[field] = value;
        }
        return facts.Count == 0
            ? new ToolDecision.Refuse(CrmCodes.NoGroundedFields, "No company fact is supported by evidence, so there is nothing to write.")
            : LeadFields.Set(Name, call, view, facts);
    }
}
