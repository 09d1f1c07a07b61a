using System.Text.Json.Nodes;

namespace LeadPipeline.Mcp.Crm.Salesforce;

/// <summary>Finds the org's name of one of our opportunity stages in the org's own pick list.</summary>
internal static class SalesforceStages
{
    /// <summary>What a new org calls our stage <c>Negotiation</c>.</summary>
    public const string Review = "Negotiation/Review";

    /// <summary>The active stages of a description of Opportunity; null when it does not tell them.</summary>
    public static IReadOnlySet<string>? Read(JsonNode? describe)
    {
        var field = (describe?["fields"] as JsonArray)?.OfType<JsonObject>().FirstOrDefault(f => SalesforceFields.Text(f, "name") == "StageName");
        return field?["picklistValues"] is JsonArray values
            ? values.OfType<JsonObject>().Where(v => v["active"] is JsonValue active && active.TryGetValue<bool>(out var is_) && is_)
                .Select(v => SalesforceFields.Text(v, "value")).OfType<string>().ToHashSet(StringComparer.OrdinalIgnoreCase)
            : null;
    }

    /// <summary>The org's name of a stage, or null when its pick list has none.</summary>
    public static string? Find(string stage, IDictionary<string, string> configured, IReadOnlySet<string> there)
    {
        var wanted = configured.TryGetValue(stage, out var name) ? name : stage;
        return there.FirstOrDefault(s => string.Equals(s, wanted, StringComparison.OrdinalIgnoreCase))
            ?? (stage == "Negotiation" && there.Contains(Review) ? Review : null);
    }
}
