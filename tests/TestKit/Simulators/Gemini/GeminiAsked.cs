using System.Text.Json.Nodes;

namespace LeadPipeline.TestKit.Simulators.Gemini;

/// <summary>What the model was asked, as the model sees it.</summary>
/// <param name="Instructions">The system instruction.</param>
/// <param name="Text">All that the user part says.</param>
/// <param name="Evidence">The facts by path.</param>
/// <param name="Lead">The person's own words by path.</param>
/// <param name="IsAgain">Whether it is asked because an answer could not be used.</param>
/// <param name="Body">The whole body.</param>
public sealed record GeminiAsked(string Instructions, string Text, JsonObject Evidence, JsonObject Lead, bool IsAgain, JsonObject Body)
{
    /// <summary>Reads a body; each of the three parts has to be there exactly once, whatever a person wrote into the lead.</summary>
    /// <exception cref="FormatException">It is not so.</exception>
    public static GeminiAsked Read(JsonObject body)
    {
        var instructions = Texts(body["systemInstruction"]);
        var contents = body["contents"]!.AsArray();
        if (contents.Count != 1 || contents[0]!["role"]?.GetValue<string>() != "user")
            throw new FormatException("one user part is expected");
        var parts = contents[0]!["parts"]!.AsArray().Select(p => p!["text"]!.GetValue<string>()).ToList();
        _ = Between(parts[0], "today");
        return new GeminiAsked(
            instructions, string.Join('\n', parts), JsonNode.Parse(Between(parts[0], "evidence"))!.AsObject(), JsonNode.Parse(Between(parts[0], "lead"))!.AsObject(), parts.Count > 1, body);
    }

    private static string Texts(JsonNode? content) => string.Join('\n', content?["parts"]?.AsArray().Select(p => p!["text"]!.GetValue<string>()) ?? []);

    private static string Between(string text, string tag)
    {
        var (open, close) = ($"<{tag}>", $"</{tag}>");
        if (text.Split(open).Length != 2 || text.Split(close).Length != 2)
            throw new FormatException($"{open} is not there exactly once");
        return text[(text.IndexOf(open, StringComparison.Ordinal) + open.Length)..text.IndexOf(close, StringComparison.Ordinal)];
    }
}
