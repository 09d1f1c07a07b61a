using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LeadPipeline.Worker.OpsConsole;

/// <summary>Reads what the services answer, which is JSON on every surface.</summary>
internal static class JsonReading
{
    // What is shown is escaped again, for HTML, by whoever shows it.
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A member as text; null when it is not there.</summary>
    public static string? Text(this JsonNode? node, string member) => (node as JsonObject)?[member] switch
    {
        null => null,
        JsonValue value when value.TryGetValue<string>(out var text) => text,
        var other => Plain(other),
    };

    /// <summary>A member as a time; null when it is none.</summary>
    public static DateTimeOffset? Time(this JsonNode? node, string member) =>
        DateTimeOffset.TryParse(node.Text(member), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    /// <summary>A member's items; none when it is no list.</summary>
    public static IEnumerable<JsonNode> Items(this JsonNode? node, string member) => ((node as JsonObject)?[member] as JsonArray)?.OfType<JsonNode>() ?? [];

    /// <summary>A value as people write it: text without quotes, a list with commas.</summary>
    public static string Plain(JsonNode? node) => node switch
    {
        null => "–",
        JsonValue value when value.TryGetValue<string>(out var text) => text,
        JsonArray items => string.Join(", ", items.Select(Plain)),
        _ => node.ToJsonString(Readable),
    };

    /// <summary>A document as it stands, indented.</summary>
    public static string Pretty(JsonElement json) => JsonSerializer.Serialize(json, Readable);
}
