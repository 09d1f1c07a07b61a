using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LeadPipeline.Worker.Intake;

/// <summary>Reads the free parts of a body: unknown members to a flat map, and the sender's blocks to clean objects.</summary>
internal static class LeadJson
{
    internal const int MaxCustomFields = 50;
    private const int MaxKey = 100;
    private const int MaxValue = 1000;
    // No key is as long, and members in an object of a longer name, of which a body may have tens of thousands, would each copy it.
    private const int MaxPath = 2 * MaxKey;
    private const int MaxDepth = 8;

    /// <summary>
    /// The text of a string, or null with a refusal: half a surrogate pair and bytes that are not UTF-8 have no text, and
    /// NUL has none that a database could keep.
    /// </summary>
    internal static string? Text(JsonElement element, string field, List<FieldError> errors)
    {
        try
        {
            var text = element.GetString()!;
            if (!text.Contains('\0'))
                return text;
            errors.Add(new(field, "holds a NUL character", "remove \\u0000 from the text"));
        }
        catch (InvalidOperationException)
        {
            errors.Add(NotUnicode(field));
        }
        return null;
    }

    /// <summary>A member's name, or null with a refusal.</summary>
    internal static string? Name(JsonProperty member, string parent, List<FieldError> errors)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException)
        {
            errors.Add(NotUnicode(parent == "$" ? "(a member name)" : parent));
            return null;
        }
    }

    internal static FieldError Duplicate(string field) => new(field, "appears twice in one object", "send each member once");

    private static FieldError NotUnicode(string field) => new(field, "is not valid Unicode text", "send well-formed UTF-8, surrogates only in pairs");

    /// <summary>Adds a value to the flat map: nested objects dotted, arrays joined, nulls left out.</summary>
    internal static void Flatten(string key, JsonElement value, Dictionary<string, string> into, List<FieldError> errors, List<string> warnings, int depth = 0)
    {
        key = LeadText.Cut(key, MaxPath);
        switch (value.ValueKind)
        {
            case JsonValueKind.Object when depth < MaxDepth:
                var names = new HashSet<string>(StringComparer.Ordinal);
                foreach (var member in value.EnumerateObject())
                {
                    if (Name(member, key, errors) is not { } name)
                        continue;
                    if (!names.Add(name))
                        errors.Add(Duplicate(Within(key, name)));
                    else
                        Flatten(Within(key, name), member.Value, into, errors, warnings, depth + 1);
                }
                break;
            case JsonValueKind.Null:
                break;
            default:
                if (Flat(key, value, errors) is { } text)
                    Add(key, text, into, warnings);
                break;
        }
    }

    /// <summary>The dotted name of a member, no longer than a key is looked at.</summary>
    private static string Within(string path, string name) =>
        path.Length >= MaxPath ? path : path.Length == 0 ? LeadText.Cut(name, MaxPath) : LeadText.Cut($"{path}.{LeadText.Cut(name, MaxPath)}", MaxPath);

    private static string? Flat(string key, JsonElement value, List<FieldError> errors) => value.ValueKind switch
    {
        JsonValueKind.String => Text(value, key, errors),
        JsonValueKind.Array when value.EnumerateArray().All(i => i.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array)) =>
            string.Join(", ", value.EnumerateArray().Where(i => i.ValueKind != JsonValueKind.Null).Select(i => Flat(key, i, errors))),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        // Arrays of objects, and what is nested too deep to be a form's answer, stay readable as JSON.
        _ => RawText(key, value, errors),
    };

    private static string? RawText(string key, JsonElement value, List<FieldError> errors)
    {
        // Nobody looks into it any more, so it has to be text all through: the next one to write it would fail.
        if (StrictJson.Check(value, key) is not { } fault)
            return value.GetRawText();
        errors.Add(fault);
        return null;
    }

    private static void Add(string key, string value, Dictionary<string, string> into, List<string> warnings)
    {
        key = LeadText.Cut(LeadText.Clean(key), MaxKey);
        value = LeadText.Clean(value);
        if (key.Length == 0 || value.Length == 0)
            return;
        if (value.Length > MaxValue)
        {
            value = LeadText.Cut(value, MaxValue);
            warnings.Add($"a custom field was longer than {MaxValue} characters and was cut");
        }
        if (into.Count >= MaxCustomFields && !into.ContainsKey(key))
            Once(warnings, $"more than {MaxCustomFields} custom fields: the others were dropped");
        else if (!into.TryAdd(key, value))
            Once(warnings, "two custom fields have the same name once flattened: the second was dropped");
    }

    private static void Once(List<string> warnings, string text)
    {
        if (!warnings.Contains(text))
            warnings.Add(text);
    }

    /// <summary>A sender's block with clean strings and without nulls; null when nothing is in it.</summary>
    internal static JsonObject? Block(JsonElement block, string field, List<FieldError> errors) =>
        Copy(block, field, errors, 0) is JsonObject { Count: > 0 } copy ? copy : null;

    private static JsonNode? Copy(JsonElement value, string path, List<FieldError> errors, int depth)
    {
        if (depth > MaxDepth)
        {
            errors.Add(new(path, "is nested too deep", $"nest at most {MaxDepth} levels"));
            return null;
        }
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                var copy = new JsonObject();
                foreach (var member in value.EnumerateObject())
                {
                    if (Name(member, path, errors) is not { } name)
                        continue;
                    if (copy.ContainsKey(name))
                        errors.Add(Duplicate(Within(path, name)));
                    else if (Copy(member.Value, Within(path, name), errors, depth + 1) is { } node)
                        copy[name] = node;
                }
                return copy;
            case JsonValueKind.Array:
                var items = new JsonArray();
                foreach (var item in value.EnumerateArray())
                    if (Copy(item, path, errors, depth + 1) is { } node)
                        items.Add(node);
                return items;
            case JsonValueKind.String:
                if (Text(value, path, errors) is not { } text)
                    return null;
                text = LeadText.Clean(text);
                if (text.Length > MaxValue)
                    errors.Add(new(path, $"is longer than {MaxValue} characters", "send facts, not documents"));
                return text.Length == 0 ? null : JsonValue.Create(text);
            case JsonValueKind.Number:
                return Number(value);
            case JsonValueKind.True or JsonValueKind.False:
                return JsonValue.Create(value.GetBoolean());
            default:
                return null;
        }
    }

    private static JsonValue? Number(JsonElement value)
    {
        // The body's memory may be pooled: a node that outlives it must not point into it.
        if (value.TryGetInt64(out var whole))
            return JsonValue.Create(whole);
        return value.TryGetDecimal(out var exact) && exact.ToString(CultureInfo.InvariantCulture).Length < 25
            ? JsonValue.Create(exact)
            : JsonValue.Create(value.Clone());
    }
}
