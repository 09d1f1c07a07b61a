using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Writes what is known about the lead's company to the lead.</summary>
public sealed class SyncFirmographics : CrmTool
{
    /// <inheritdoc/>
    public override string Name => "sync_firmographics";

    /// <inheritdoc/>
    public override string Description => "Writes true company facts to the lead, the fields that differ only.";

    /// <inheritdoc/>
    public override string Guarantee => "True values only, from evidence; only what differs.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Errors => [CrmCodes.NoGroundedFields, CrmCodes.NotFound];

    /// <inheritdoc/>
    public override ToolCategory Category => ToolCategory.EnrichmentSync;

    /// <inheritdoc/>
    public override Compensation Compensation => Compensation.Restore;

    /// <inheritdoc/>
    public override UnknownOutcome UnknownOutcome => UnknownOutcome.ReadByValue;

    /// <inheritdoc/>
    public override ToolParameters Parameters { get; } = new([LeadFields.LeadId, .. CompanyFacts.Parameters]);

    /// <inheritdoc/>
    public override CrmQuery Ask(CrmQuery query, JsonObject arguments) => query.AskForLead(arguments);

    /// <inheritdoc/>
    public override ToolDecision Decide(ToolCall call, CrmView view)
    {
        var facts = CompanyFacts.Given(call, Parameters.All);
        return facts.Count == 0
            ? new ToolDecision.Refuse(CrmCodes.NoGroundedFields, "No company fact is supported by evidence, so there is nothing to write.")
            : LeadFields.Set(Name, call, view, facts);
    }
}
