using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Writes to the lead where its company facts came from.</summary>
public sealed class SyncEnrichmentMetadata : CrmTool
{
    /// <inheritdoc/>
    public override string Name => "sync_enrichment_metadata";

    /// <inheritdoc/>
    public override string Description => "Writes to the lead who supplied its company facts, how surely and when.";

    /// <inheritdoc/>
    public override string Guarantee => "Provider, confidence and time of the facts; only what differs.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Errors => [CrmCodes.NotFound];

    /// <inheritdoc/>
    public override ToolCategory Category => ToolCategory.EnrichmentSync;

    /// <inheritdoc/>
    public override Compensation Compensation => Compensation.Restore;

    /// <inheritdoc/>
    public override UnknownOutcome UnknownOutcome => UnknownOutcome.ReadByValue;

    /// <inheritdoc/>
    public override ToolParameters Parameters { get; } = new(
        LeadFields.LeadId,
        new("provider", ParameterType.Text, "who supplied the facts", Required: true, MaxLength: 100),
        new("confidence", ParameterType.Number, "how sure the provider is, 0 to 1", Minimum: 0, Maximum: 1),
        new("enrichedAt", ParameterType.Text, "when the facts were fetched, ISO time", Required: true, MaxLength: 40));

    /// <inheritdoc/>
    public override CrmQuery Ask(CrmQuery query, JsonObject arguments) => query.AskForLead(arguments);

    /// <inheritdoc/>
    public override ToolDecision Decide(ToolCall call, CrmView view)
    {
        if (!DateTimeOffset.TryParse(call.Text("enrichedAt"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at))
            return new ToolDecision.Refuse(CrmCodes.InvalidArguments, "enrichedAt is not a time; give an ISO time such as 2026-01-31T08:00:00Z.");

        var fields = new Dictionary<string, string>
        {
            [CrmFields.EnrichmentProvider] = call.Text("provider")!,
            // Whole seconds: CRMs keep no more, and a fraction that is lost on the way would look like a difference for ever.
            [CrmFields.EnrichedAt] = at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        };
        if (call.Number("confidence") is { } confidence)
            fields[CrmFields.EnrichmentConfidence] = confidence.ToString(CultureInfo.InvariantCulture);
        return LeadFields.Set(Name, call, view, fields);
    }
}
