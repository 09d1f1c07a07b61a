using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LeadPipeline.TestKit.Simulators;

/// <summary>
/// The shapes of a vendor's API, read from its definition, and whether a document has one of them. Knows the words that the definitions use; one
/// that it does not know is an error, so that nothing is checked less strictly than it reads.
/// </summary>
public sealed class ApiShapes
{
    private static readonly HashSet<string> Known = ["type", "properties", "additionalProperties", "required", "allOf", "anyOf", "items", "enum", "pattern", "format", "$ref", "description"];

    private readonly JsonObject schemas;

    private ApiShapes(JsonObject schemas) => this.schemas = schemas;

    /// <summary>Reads a definition that is embedded in this assembly: <c>{"schemas": {name: schema}}</c>.</summary>
    public static ApiShapes Embedded(string name)
    {
        using var stream = typeof(ApiShapes).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"{name} is not embedded.");
        return new ApiShapes(JsonNode.Parse(stream)!["schemas"]!.AsObject());
    }

    /// <summary>What keeps a document from having a shape; empty: it has it.</summary>
    public IReadOnlyList<string> Faults(JsonNode? document, string shape)
    {
        var faults = new List<string>();
        Check(document, schemas[shape]!.AsObject(), shape, faults);
        return faults;
    }

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
