using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace LeadPipeline.Worker.Evaluation;

/// <summary>A run as it is printed and kept.</summary>
public static class EvaluationJson
{
    /// <summary>What was tried, the measures, the comparison if there is one, and lead by lead.</summary>
    public static JsonObject Of(JsonObject tried, EvaluationReport report, IReadOnlyList<EvaluatedLead> leads, EvaluationComparison? comparison)
    {
        var document = new JsonObject
        {
            ["tried"] = tried,
            ["leads"] = report.Leads,
            ["labelled"] = report.Labelled,
            ["accuracy"] = Rounded(report.Accuracy),
            ["rankingAuc"] = Rounded(report.RankingAuc),
            ["decisions"] = new JsonArray([.. report.Decisions.Select(d => (JsonNode)new JsonObject
            {
                ["decision"] = d.Decision,
                ["expected"] = d.Expected,
                ["made"] = d.Made,
                ["right"] = d.Right,
                ["precision"] = Rounded(d.Precision),
                ["recall"] = Rounded(d.Recall),
            })]),
            ["confusion"] = new JsonArray([.. report.Confusion.OrderBy(c => c.Key).Select(c => (JsonNode)new JsonObject { ["expected"] = c.Key.Expected, ["actual"] = c.Key.Actual, ["leads"] = c.Value })]),
            ["outcomes"] = new JsonArray([.. report.Outcomes.Select(o => (JsonNode)new JsonObject { ["decision"] = o.Decision, ["leads"] = o.Leads, ["won"] = o.Won })]),
            ["grounding"] = Counts(report.Grounding),
            ["claims"] = Counts(report.Claims),
            ["reviews"] = Counts(report.Reviews),
            ["cost"] = report.Cost,
            ["costPerLead"] = report.Leads == 0 ? 0 : report.Cost / report.Leads,
            ["tokens"] = report.Tokens,
            ["latencyMs"] = new JsonObject { ["median"] = report.Latency.Median, ["p95"] = report.Latency.P95, ["longest"] = report.Latency.Longest },
        };
        if (comparison is not null)
            document["comparison"] = Comparison(comparison);
        document["results"] = JsonSerializer.SerializeToNode(leads, EvaluationJsonContext.Default.IReadOnlyListEvaluatedLead);
        return document;
    }

    /// <summary>The leads of a run that was kept.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static IReadOnlyList<EvaluatedLead> Read(string text)
    {
        try
        {
            return JsonNode.Parse(text) is JsonObject document && document["results"] is JsonArray results
                && results.Deserialize(EvaluationJsonContext.Default.IReadOnlyListEvaluatedLead) is { } leads && leads.DistinctBy(l => l.Id).Count() == leads.Count
                ? leads
                : throw new FormatException("it is not a run that eval has saved");
        }
        catch (JsonException)
        {
            throw new FormatException("it is not a run that eval has saved");
        }
    }

    private static JsonObject Comparison(EvaluationComparison comparison) => new()
    {
        ["compared"] = comparison.Compared,
        ["onlyBefore"] = comparison.OnlyBefore,
        ["onlyNow"] = comparison.OnlyNow,
        ["fixed"] = comparison.Fixed,
        ["broken"] = comparison.Broken,
        ["chance"] = Rounded(comparison.Chance),
        ["changed"] = new JsonArray([.. comparison.Changed.Select(c => (JsonNode)new JsonObject
        {
            ["id"] = c.Id,
            ["change"] = c.Change,
            ["expected"] = c.Now.Expected,
            ["before"] = c.Before.Actual,
            ["now"] = c.Now.Actual,
            ["scoreBefore"] = c.Before.Score,
            ["scoreNow"] = c.Now.Score,
        })]),
    };

    private static JsonObject Counts(IReadOnlyDictionary<string, int> counts) => new(counts.Select(c => KeyValuePair.Create(c.Key, (JsonNode?)c.Value)));

    private static double? Rounded(double? share) => share is { } value ? Math.Round(value, 4) : null;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IReadOnlyList<EvaluatedLead>))]
internal sealed partial class EvaluationJsonContext : JsonSerializerContext;
