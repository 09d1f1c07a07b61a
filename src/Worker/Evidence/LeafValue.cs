using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LeadPipeline.Worker.Evidence;

/// <summary>What may stand at a leaf: a string, number, boolean or array of strings that says something.</summary>
internal static class LeafValue
{
    /// <summary>Takes a node as a leaf; null, empty, nested and unreadable values are no leaf, which is the same as not known.</summary>
    public static bool TryTake(JsonNode? node, out JsonElement leaf)
    {
        leaf = default;
        if (node is null or JsonObject)
            return false;
        if (node is JsonValue scalar && scalar.TryGetValue<JsonElement>(out var element))
            return TryTake(element, out leaf);
        try
        {
            leaf = JsonSerializer.SerializeToElement(node);
        }
        catch (Exception fault) when (fault is InvalidOperationException or ArgumentException)
        {
            // Half a surrogate pair inside an array cannot be written out again.
            return false;
        }
        return IsLeaf(leaf);
    }

    /// <summary>Takes an element as a leaf, detached from its document.</summary>
    public static bool TryTake(JsonElement element, out JsonElement leaf)
    {
        leaf = default;
        if (!IsLeaf(element))
            return false;
        leaf = element.Clone();
        return true;
    }

    /// <summary>A string as a leaf.</summary>
    public static JsonElement Of(string text) => JsonSerializer.SerializeToElement(text);

    /// <summary>An instant as a leaf, ISO 8601 in UTC.</summary>
    public static JsonElement Of(DateTimeOffset time) => Of(time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture));

    /// <summary>The text of a string element; false when it holds half a surrogate pair, which no text can.</summary>
    public static bool TryGetText(JsonElement element, [NotNullWhen(true)] out string? text)
    {
        text = null;
        if (element.ValueKind != JsonValueKind.String)
            return false;
        try
        {
            text = element.GetString();
        }
        catch (InvalidOperationException)
        {
            // JSON escapes can spell a lone surrogate; the parser lets it pass until the string is read.
        }
        return text is not null;
    }

    /// <summary>The members of an object whose names are text; half a surrogate pair is the name of nothing.</summary>
    public static IEnumerable<(string Name, JsonElement Value)> Members(JsonElement element)
    {
        foreach (var member in element.EnumerateObject())
        {
            string name;
            try
            {
                name = member.Name;
            }
            catch (InvalidOperationException)
            {
                continue;
            }
            yield return (name, member.Value);
        }
    }

    private static bool IsLeaf(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => TryGetText(element, out var text) && !string.IsNullOrWhiteSpace(text),
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => true,
        JsonValueKind.Array => element.GetArrayLength() > 0 && element.EnumerateArray().All(item => TryGetText(item, out _)),
        _ => false,
    };
}
