using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LeadPipeline.TestKit.Simulators;

/// <summary>
/// The shapes of a vendor's API, read from our own short description of it, and whether a document has one of them. What a description says that
/// is not understood is an error, so that nothing is checked less strictly than it reads.
/// </summary>
public sealed class ApiShapes
{
    private static readonly HashSet<string> Known = ["type", "properties", "additionalProperties", "required", "allOf", "anyOf", "items", "enum", "pattern", "format", "$ref", "description"];

    private readonly JsonObject schemas;

    private ApiShapes(JsonObject schemas) => this.schemas = schemas;

    /// <summary>Each shape by name, in the words of JSON Schema.</summary>
    public IReadOnlyDictionary<string, JsonObject> All => schemas.ToDictionary(s => s.Key, s => s.Value!.AsObject());

    /// <summary>
    /// Reads a description that is embedded in this assembly. A line is a message, <c>Name: field type, field! type</c>, where the mark says
    /// that the field is required, or an enumeration, <c>Name = VALUE | VALUE</c>. The types are those of JSON, <c>int64</c> (an integer, or its
    /// digits as text), <c>any</c>, <c>[x]</c> (a list), <c>{x}</c> (an object with values of x), and the names of other lines.
    /// </summary>
    /// <exception cref="FormatException">A line is none of these, or names a type that there is not.</exception>
    public static ApiShapes Embedded(string name)
    {
        using var stream = typeof(ApiShapes).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"{name} is not embedded.");
        using var reader = new StreamReader(stream);
        var lines = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(l => l[0] != '#').ToList();
        var names = lines.Select(l => l.Split(':', '=')[0].Trim()).ToHashSet();
        return new ApiShapes(new JsonObject(lines.Select(l => l.Split(':', 2, StringSplitOptions.TrimEntries) switch
        {
            [var message, var fields] => KeyValuePair.Create(message, (JsonNode?)Message(fields, names)),
            _ when l.Split('=', 2, StringSplitOptions.TrimEntries) is [var enumeration, var values] =>
                KeyValuePair.Create(enumeration, (JsonNode?)new JsonObject { ["type"] = "string", ["enum"] = List(values.Split('|', StringSplitOptions.TrimEntries)) }),
            _ => throw new FormatException($"'{l}' in {name} is neither a message nor an enumeration."),
        })));
    }

    /// <summary>What keeps a document from having a shape; empty: it has it.</summary>
    public IReadOnlyList<string> Faults(JsonNode? document, string shape)
    {
        var faults = new List<string>();
        Check(document, schemas[shape]!.AsObject(), shape, faults);
        return faults;
    }

    private static JsonObject Message(string text, HashSet<string> names)
    {
        var fields = text.Split(',', StringSplitOptions.TrimEntries).Select(f => f.Split(' ') is [var field, var type] ? (Name: field.TrimEnd('!'), IsRequired: field.EndsWith('!'), Type: type) : throw new FormatException($"'{f}' is no field.")).ToList();
        return new JsonObject
        {
            ["type"] = "object",
            ["additionalProperties"] = false,
            ["required"] = List(fields.Where(f => f.IsRequired).Select(f => f.Name)),
            ["properties"] = new JsonObject(fields.Select(f => KeyValuePair.Create(f.Name, (JsonNode?)TypeOf(f.Type, names)))),
        };
    }

    private static JsonObject TypeOf(string type, HashSet<string> names) => type switch
    {
        "any" => [],
        "string" or "number" or "integer" or "boolean" => new JsonObject { ["type"] = type },
        "int64" => new JsonObject { ["anyOf"] = new JsonArray(new JsonObject { ["type"] = "string", ["pattern"] = "^-?\\d+$" }, new JsonObject { ["type"] = "integer" }) },
        ['[', .. var item, ']'] => new JsonObject { ["type"] = "array", ["items"] = TypeOf(item, names) },
        ['{', .. var value, '}'] => new JsonObject { ["type"] = "object", ["additionalProperties"] = value == "any" ? true : TypeOf(value, names) },
        _ when names.Contains(type) => new JsonObject { ["$ref"] = "#/" + type },
        _ => throw new FormatException($"There is no type '{type}'."),
    };

    private static JsonArray List(IEnumerable<string> texts) => [.. texts.Select(t => (JsonNode)t)];

    private void Check(JsonNode? node, JsonObject schema, string path, List<string> faults)
    {
        if (schema.FirstOrDefault(s => !Known.Contains(s.Key)).Key is { } unknown)
            throw new InvalidOperationException($"The shape of {path} uses '{unknown}', which is not understood.");
        if (schema["$ref"]?.GetValue<string>() is { } reference)
            Check(node, schemas[reference[(reference.LastIndexOf('/') + 1)..]]!.AsObject(), path, faults);
        if (schema["type"]?.GetValue<string>() is { } type && !Is(node, type))
        {
            faults.Add($"{path} is not of type {type}");
            return;
        }
        if (schema["enum"] is JsonArray values && !values.Any(v => v!.GetValue<string>() == (node as JsonValue)?.ToString()))
            faults.Add($"{path} is none of the values that there are");
        if (schema["pattern"]?.GetValue<string>() is { } pattern && !Regex.IsMatch(node!.GetValue<string>(), pattern))
            faults.Add($"{path} does not look as it should");
        foreach (var all in schema["allOf"] as JsonArray ?? [])
            Check(node, all!.AsObject(), path, faults);
        if (schema["anyOf"] is JsonArray any && !any.Any(a => Fits(node, a!.AsObject(), path)))
            faults.Add($"{path} is none of the forms that there are");
        if (node is JsonObject members)
            CheckMembers(members, schema, path, faults);
        if (node is JsonArray list && schema["items"] is JsonObject items)
        {
            for (var i = 0; i < list.Count; i++)
                Check(list[i], items, $"{path}[{i}]", faults);
        }
    }

    private void CheckMembers(JsonObject members, JsonObject schema, string path, List<string> faults)
    {
        faults.AddRange((schema["required"] as JsonArray ?? []).Select(r => r!.GetValue<string>()).Where(r => !members.ContainsKey(r)).Select(r => $"{path}.{r} is missing"));
        var properties = schema["properties"] as JsonObject;
        foreach (var (name, value) in members)
        {
            if (properties?[name] is JsonObject property)
                Check(value, property, $"{path}.{name}", faults);
            else if (schema["additionalProperties"] is JsonObject other)
                Check(value, other, $"{path}.{name}", faults);
            else if (schema["additionalProperties"] is JsonValue allowed && !allowed.GetValue<bool>())
                faults.Add($"{path}.{name} is no field");
        }
    }

    private bool Fits(JsonNode? node, JsonObject schema, string path)
    {
        var faults = new List<string>();
        Check(node, schema, path, faults);
        return faults.Count == 0;
    }

    private static bool Is(JsonNode? node, string type) => (type, node?.GetValueKind()) switch
    {
        ("object", JsonValueKind.Object) or ("array", JsonValueKind.Array) or ("string", JsonValueKind.String) => true,
        ("number", JsonValueKind.Number) or ("boolean", JsonValueKind.True or JsonValueKind.False) => true,
        ("integer", JsonValueKind.Number) => decimal.TryParse(node!.ToJsonString(), out var number) && number == decimal.Truncate(number),
        _ => false,
    };
}
