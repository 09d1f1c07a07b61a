using System.Text.Json;

namespace LeadPipeline.Worker.Intake;

/// <summary>
/// Parses a body that strangers wrote, or names the place that is wrong. Whoever walks what it answers cannot be surprised: every text in
/// it is Unicode without NUL, no object has a member twice, and nothing is nested deeper than <see cref="MaxDepth"/>.
/// </summary>
public static class StrictJson
{
    /// <summary>Levels of objects and arrays.</summary>
    public const int MaxDepth = 32;

    private static readonly JsonDocumentOptions Reading = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = true };

    /// <summary>Parses a whole body.</summary>
    /// <returns>The body, or the first fault; one of the two is null.</returns>
    public static (JsonElement? Body, FieldError? Fault) Parse(ReadOnlySpan<byte> bytes)
    {
        JsonElement body;
        try
        {
            body = JsonElement.Parse(bytes, Reading);
        }
        catch (JsonException exception)
        {
            return (null, NotJson(exception));
        }
        return Check(body, "$") is { } fault ? (null, fault) : (body, null);
    }

    /// <summary>Why a body could not be parsed, with the place, and without a word of what stands there.</summary>
    public static FieldError NotJson(JsonException exception) =>
        new("$", $"is not JSON of at most {MaxDepth} levels (line {exception.LineNumber + 1}, byte {exception.BytePositionInLine})", "send one JSON document");

    /// <summary>The first text that is no text, or member that is there twice; null when there is none.</summary>
    public static FieldError? Check(JsonElement value, string path)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                return Text(value, path);
            case JsonValueKind.Array:
                var index = 0;
                foreach (var item in value.EnumerateArray())
                {
                    if (Check(item, $"{path}[{index++}]") is { } fault)
                        return fault;
                }
                return null;
            case JsonValueKind.Object:
                return Members(value, path);
            default:
                return null;
        }
    }

    private static FieldError? Members(JsonElement value, string path)
    {
        var errors = new List<FieldError>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in value.EnumerateObject())
        {
            if (LeadJson.Name(member, path, errors) is not { } name)
                return errors[0];
            var inner = $"{path}.{LeadReader.Shown(name)}";
            if (name.Contains('\0'))
                return new(inner, "has a NUL character in its name", "remove \\u0000");
            if (!names.Add(name))
                return LeadJson.Duplicate(inner);
            if (Check(member.Value, inner) is { } fault)
                return fault;
        }
        return null;
    }

    private static FieldError? Text(JsonElement value, string path)
    {
        var errors = new List<FieldError>();
        return LeadJson.Text(value, path, errors) is null ? errors[0] : null;
    }
}
