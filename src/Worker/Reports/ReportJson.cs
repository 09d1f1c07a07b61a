using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Reports;

/// <summary>A report for programs.</summary>
internal static class ReportJson
{
    public static JsonObject Write(PipelineReport report) => new()
    {
        ["since"] = Iso(report.Since),
        ["until"] = Iso(report.Until),
        ["leads"] = report.Leads,
        ["funnel"] = new JsonArray([.. report.Funnel.Select(f => (JsonNode)new JsonObject { ["step"] = f.Name, ["leads"] = f.Leads })]),
        ["sources"] = new JsonArray([.. report.Sources.Select(s => (JsonNode)new JsonObject { ["source"] = s.Source, ["leads"] = s.Leads, ["statuses"] = Statuses(s.Statuses) })]),
        ["grounding"] = new JsonObject(report.Grounding.OrderBy(g => g.Key).Select(g => KeyValuePair.Create(g.Key.ToString(), (JsonNode?)g.Value))),
        ["models"] = new JsonArray([.. report.Models.Select(m => (JsonNode)new JsonObject
        {
            ["model"] = m.Model,
            ["answers"] = m.Answers,
            ["promptTokens"] = m.Usage.PromptTokens,
            ["outputTokens"] = m.Usage.OutputTokens,
            ["thoughtsTokens"] = m.Usage.ThoughtsTokens,
            ["cachedTokens"] = m.Usage.CachedTokens,
            ["costDollars"] = m.Usage.CostDollars,
        })]),
        ["costDollars"] = report.CostDollars,
        ["timeToCrm"] = new JsonObject
        {
            ["medianBelowSeconds"] = report.TimeToCrmPercentiles.Median?.TotalSeconds,
            ["p95BelowSeconds"] = report.TimeToCrmPercentiles.P95?.TotalSeconds,
            ["buckets"] = new JsonArray([.. report.TimeToCrm.Select(b => (JsonNode)new JsonObject { ["belowSeconds"] = b.Below?.TotalSeconds, ["leads"] = b.Leads })]),
        },
        ["days"] = new JsonArray([.. report.Days.Select(d => (JsonNode)new JsonObject
        {
            ["date"] = d.Date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            ["leads"] = d.Leads,
            ["statuses"] = Statuses(d.Statuses),
            ["costDollars"] = d.CostDollars,
        })]),
    };

    private static JsonObject Statuses(IReadOnlyDictionary<LeadStatus, int> counts) =>
        new(counts.OrderBy(c => c.Key).Select(c => KeyValuePair.Create(c.Key.ToString(), (JsonNode?)c.Value)));

    private static string Iso(DateTimeOffset at) => at.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);
}
