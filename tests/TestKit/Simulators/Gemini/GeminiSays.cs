using System.Text.Json.Nodes;

namespace LeadPipeline.TestKit.Simulators.Gemini;

/// <summary>What the simulated model answers.</summary>
/// <param name="Body">The body of the answer.</param>
/// <param name="IsOfTheApi">Whether it has to have the shape that the vendor documents; false for what no documentation promises.</param>
public sealed record GeminiSays(JsonNode Body, bool IsOfTheApi = true)
{
    /// <summary>Tokens of every answer that has any.</summary>
    public const int PromptTokens = 1000, OutputTokens = 200, ThoughtsTokens = 50, CachedTokens = 400;

    /// <summary>The version that answers.</summary>
    public const string Version = "gemini-3.5-flash-001";

    /// <summary>A candidate that says this.</summary>
    public static GeminiSays Text(string text, string finish = "STOP") => new(Response(new JsonObject
    {
        ["content"] = new JsonObject { ["role"] = "model", ["parts"] = new JsonArray { new JsonObject { ["text"] = text } } },
        ["finishReason"] = finish,
        ["index"] = 0,
    }));

    /// <summary>A candidate that says this JSON.</summary>
    public static GeminiSays Json(JsonNode json) => Text(json.ToJsonString());

    /// <summary>A candidate without content, stopped for a reason.</summary>
    public static GeminiSays Stopped(string finish, bool isOfTheApi = true) =>
        new(Response(new JsonObject { ["finishReason"] = finish, ["index"] = 0 }), isOfTheApi);

    /// <summary>A candidate with these parts.</summary>
    public static GeminiSays Parts(params JsonObject[] parts) => new(Response(new JsonObject
    {
        ["content"] = new JsonObject { ["role"] = "model", ["parts"] = new JsonArray([.. parts]) },
        ["finishReason"] = "STOP",
        ["index"] = 0,
    }));

    /// <summary>The prompt is blocked: there is no candidate.</summary>
    public static GeminiSays Blocked(string reason) => new(new JsonObject
    {
        ["promptFeedback"] = new JsonObject { ["blockReason"] = reason },
        ["usageMetadata"] = new JsonObject { ["promptTokenCount"] = PromptTokens, ["totalTokenCount"] = PromptTokens },
        ["modelVersion"] = Version,
    });

    /// <summary>No candidate and no word why.</summary>
    public static GeminiSays Nothing() => new(new JsonObject { ["candidates"] = new JsonArray(), ["modelVersion"] = Version });

    private static JsonObject Response(JsonObject candidate) => new()
    {
        ["candidates"] = new JsonArray { candidate },
        ["usageMetadata"] = new JsonObject
        {
            ["promptTokenCount"] = PromptTokens,
            ["cachedContentTokenCount"] = CachedTokens,
            ["candidatesTokenCount"] = OutputTokens,
            ["thoughtsTokenCount"] = ThoughtsTokens,
            ["totalTokenCount"] = PromptTokens + OutputTokens + ThoughtsTokens,
        },
        ["modelVersion"] = Version,
        ["responseId"] = "simulated",
    };
}
