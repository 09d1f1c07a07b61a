using System.Globalization;
using System.Text.Json;

namespace LeadPipeline.Worker.Intake.Webhooks.Mapping;

/// <summary>A place in a JSON document, RFC 6901: <c>/contact/emails/0</c>; <c>~1</c> is a slash in a name and <c>~0</c> a tilde.</summary>
public sealed class JsonPointer
{
    private readonly string[] steps;

    private JsonPointer(string[] steps) => this.steps = steps;

    /// <summary>The name of its first step; null for the whole document.</summary>
    public string? First => steps.Length > 0 ? steps[0] : null;

    /// <summary>Reads a pointer.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static JsonPointer Parse(string text)
    {
        if (text.Length == 0)
            return new JsonPointer([]);
        if (text[0] != '/')
            throw new FormatException($"'{text}' is not a JSON pointer; it begins with a slash, as /contact/email does");
        var steps = text[1..].Split('/');
        foreach (var step in steps)
        {
            for (var at = step.IndexOf('~', StringComparison.Ordinal); at >= 0; at = step.IndexOf('~', at + 1))
            {
                if (at + 1 == step.Length || step[at + 1] is not ('0' or '1'))
                    throw new FormatException($"'{text}' is not a JSON pointer; write ~0 for a tilde and ~1 for a slash in a name");
            }
        }
        return new JsonPointer([.. steps.Select(s => s.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal))]);
    }

    /// <summary>The pointer to a member of the outermost object, whatever characters its name has.</summary>
    public static JsonPointer Member(string name) => new([name]);

    /// <summary>What is at the place; null when nothing is, or null.</summary>
    public JsonElement? Find(JsonElement document)
    {
        foreach (var step in steps)
        {
            if (document.ValueKind == JsonValueKind.Object && document.TryGetProperty(step, out var member))
                document = member;
            else if (document.ValueKind == JsonValueKind.Array && int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < document.GetArrayLength())
                document = document[index];
            else
                return null;
        }
        return document.ValueKind == JsonValueKind.Null ? null : document;
    }
}
