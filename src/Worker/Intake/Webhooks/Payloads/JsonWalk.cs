using System.Text.Json;

namespace LeadPipeline.Worker.Intake.Webhooks.Payloads;

/// <summary>Looks into bodies whose shape is hoped for, not known.</summary>
internal static class JsonWalk
{
    /// <summary>What is under these names, one in the other; null when it is not there, or null.</summary>
    public static JsonElement? At(this JsonElement value, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(name, out value))
                return null;
        }
        return value.ValueKind == JsonValueKind.Null ? null : value;
    }

    /// <summary>The members of what is an object, the items of what is an array; of anything else none.</summary>
    public static IEnumerable<JsonElement> Items(this JsonElement? value) => value is { ValueKind: JsonValueKind.Array } array ? array.EnumerateArray() : [];

    /// <summary>The members of what is an object; of anything else none.</summary>
    public static IEnumerable<JsonProperty> Members(this JsonElement? value) => value is { ValueKind: JsonValueKind.Object } members ? members.EnumerateObject() : [];

    /// <summary>The text that a value is: a string's own, several joined by commas, anything else as it is written; null for nothing.</summary>
    public static string? Text(this JsonElement? value) => value is not { } present ? null : present.ValueKind switch
    {
        JsonValueKind.String => present.GetString(),
        JsonValueKind.Null or JsonValueKind.Undefined => null,
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        JsonValueKind.Array => string.Join(", ", present.EnumerateArray().Select(i => Text(i)).Where(t => !string.IsNullOrEmpty(t))),
        _ => present.GetRawText(),
    };

    /// <summary>The text under these names.</summary>
    public static string? Text(this JsonElement value, params ReadOnlySpan<string> names) => Text(value.At(names));

    /// <summary>An id: digits as a string or a number; null when it is anything else.</summary>
    public static string? Digits(this JsonElement value, string name) =>
        value.Text(name) is { Length: > 0 and <= 30 } text && text.All(char.IsAsciiDigit) ? text : null;
}
