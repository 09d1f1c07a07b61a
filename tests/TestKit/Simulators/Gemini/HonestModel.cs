using System.Text.Json.Nodes;

namespace LeadPipeline.TestKit.Simulators.Gemini;

/// <summary>A model that does what it is told to by its instructions: it cites what it is shown, and judges by the computed scores.</summary>
public static class HonestModel
{
    /// <summary>Its answer.</summary>
    public static GeminiSays Answer(GeminiAsked asked) => GeminiSays.Json(Analysis(asked));

    /// <summary>Its answer as a tree, for those who make it worse.</summary>
    public static JsonObject Analysis(GeminiAsked asked)
    {
        var score = (int)((Number(asked, "computed.icpScore") + Number(asked, "computed.engagementScore")) / 2);
        var evidence = new JsonArray([.. asked.Evidence.Select(e => (JsonNode)Item(e.Key, e.Value!))]);
        var intent = score >= 70 ? "HIGH_FIT" : score >= 40 ? "MEDIUM_FIT" : "LOW_FIT";
        return new JsonObject
        {
            ["evidence"] = evidence,
            ["reasoning"] = "The computed scores speak for themselves.",
            ["intent"] = intent,
            ["decision"] = score >= 60 ? "ROUTE_TO_SDR" : score >= 40 ? "NURTURE" : "IGNORE",
            ["fitScore"] = score,
        };
    }

    /// <summary>A claim on a path.</summary>
    public static JsonObject Item(string path, JsonNode value, bool central = false) => new()
    {
        ["source"] = path.Split('.')[0].ToUpperInvariant(),
        ["fieldPath"] = path,
        ["claimType"] = path.Split('.')[0] switch
        {
            "enrichment" => "FIRMOGRAPHIC",
            "marketing" or "product" => "BEHAVIOR",
            _ when path.EndsWith("Score", StringComparison.Ordinal) => "SCORE",
            _ => "PIPELINE",
        },
        ["value"] = value.DeepClone(),
        ["central"] = central,
    };

    private static double Number(GeminiAsked asked, string path) => asked.Evidence[path]?.GetValue<double>() ?? 0;
}
