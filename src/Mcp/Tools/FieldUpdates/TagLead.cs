using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Adds tags to the lead.</summary>
public sealed class TagLead : CrmTool
{
    /// <inheritdoc/>
    public override string Name => "tag_lead";

    /// <inheritdoc/>
    public override string Description => "Adds tags to the lead; those it has stay.";

    /// <inheritdoc/>
    public override string Guarantee => "Only tags that the policy allows; a sorted set, joined by semicolons; what is there stays.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Errors => [CrmCodes.TagNotAllowed, CrmCodes.NotFound];

    /// <inheritdoc/>
    public override ToolCategory Category => ToolCategory.FieldUpdates;

    /// <inheritdoc/>
    public override Compensation Compensation => Compensation.Restore;

    /// <inheritdoc/>
    public override UnknownOutcome UnknownOutcome => UnknownOutcome.ReadByValue;

    /// <inheritdoc/>
    public override ToolParameters Parameters { get; } = new(
        LeadFields.LeadId,
        new("tags", ParameterType.Text, "the tags to add, joined by semicolons", Required: true, MaxLength: 500, Source: ParameterSource.Policy),
        new("allowed", ParameterType.Text, "the tags that the policy allows, joined by semicolons; ai-qualified;nurture;needs-review when not given", MaxLength: 2000, Source: ParameterSource.Policy));

    /// <inheritdoc/>
    public override CrmQuery Ask(CrmQuery query, JsonObject arguments) => query.AskForLead(arguments);

    /// <inheritdoc/>
    public override ToolDecision Decide(ToolCall call, CrmView view)
    {
        var (tags, allowed) = (Split(call.Text(CrmFields.Tags)), call.Text("allowed") is { Length: > 0 } given ? Split(given) : [.. CrmValues.Tags]);
        if (tags.Length == 0 || tags.FirstOrDefault(t => !allowed.Contains(t, StringComparer.Ordinal)) is not null)
            return new ToolDecision.Refuse(CrmCodes.TagNotAllowed, $"Only these tags are allowed: {string.Join(", ", allowed)}.");

        var present = RecordRef.Parse(call.Text(CrmFields.Lead)!).Id is { } id ? Split(view.Lead(id)?[CrmFields.Tags]) : [];
        // Nothing to add must write nothing, even where a person has joined the tags in an order of his own.
        return tags.All(present.Contains) && present.Length > 0
            ? new ToolDecision.Unchanged(call.Text(CrmFields.Lead))
            : LeadFields.Set(Name, call, view, new Dictionary<string, string> { [CrmFields.Tags] = string.Join(';', present.Union(tags).Order(StringComparer.Ordinal)) });
    }

    private static string[] Split(string? tags) => tags?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
}
