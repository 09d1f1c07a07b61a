using System.Text.Json.Nodes;

namespace LeadPipeline.TestKit.Simulators.Gemini;

/// <summary>What the vendor asks of a request beyond the shape of its members.</summary>
internal static class SchemaRules
{
    public static IEnumerable<string> Faults(JsonObject body)
    {
        if (body["contents"] is not JsonArray { Count: > 0 } contents)
            return ["contents is empty"];
        var generation = body["generationConfig"];
        return
        [
            .. contents.Where(c => c?["parts"] is not JsonArray { Count: > 0 } parts || parts.Any(p => p?["text"] is null)).Select(_ => "a content has no text"),
            .. generation?["temperature"]?.GetValue<double>() is < 0 or > 2 ? ["temperature is not within 0 and 2"] : Array.Empty<string>(),
            .. generation?["maxOutputTokens"]?.GetValue<int>() is < 1 or > 65_536 ? ["maxOutputTokens is not within 1 and 65536"] : Array.Empty<string>(),
            .. generation?["responseSchema"] is not null ? ["responseSchema is not what the client is known to send"] : Array.Empty<string>(),
            .. generation?["responseJsonSchema"] is JsonObject schema
                ? [.. generation["responseMimeType"]?.ToString() == "application/json" ? Array.Empty<string>() : ["a schema needs application/json"], .. Schema(schema, "responseJsonSchema")]
                : Array.Empty<string>(),
        ];
    }

    /// <summary>The part of JSON Schema that the vendor takes.</summary>
    private static readonly HashSet<string> Known =
        ["type", "format", "title", "description", "enum", "items", "prefixItems", "minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf", "properties", "additionalProperties", "required"];

    private static IEnumerable<string> Schema(JsonObject schema, string path)
    {
        if (schema.FirstOrDefault(s => !Known.Contains(s.Key)).Key is { } unknown)
            return [$"{path} says {unknown}, which is not taken"];
        if (schema["anyOf"] is JsonArray forms)
            return schema.Count > 1 ? [$"{path} says more than anyOf"] : forms.SelectMany((f, i) => Schema(f!.AsObject(), $"{path}.anyOf[{i}]"));
        var names = (schema["properties"] as JsonObject)?.Select(p => p.Key).ToList() ?? [];
        return schema["type"]?.GetValue<string>() switch
        {
            "object" when names.Count == 0 => [$"{path} is an object without properties"],
            "object" =>
            [
                // The vendor writes required properties in the order of "required".
                .. Texts(schema["required"]).SequenceEqual(names) ? Array.Empty<string>() : [$"{path} requires other properties than it has, or in another order"],
                .. schema["properties"]!.AsObject().SelectMany(p => Schema(p.Value!.AsObject(), $"{path}.{p.Key}")),
            ],
            "array" => schema["items"] is JsonObject items ? Schema(items, path + ".items") : [$"{path} is a list of nothing"],
            not "string" when schema["enum"] is not null => [$"{path} lists values and is no string"],
            "string" or "number" or "integer" or "boolean" or "null" => [],
            _ => [$"{path} has no type that there is"],
        };
    }

    private static IEnumerable<string> Texts(JsonNode? list) => (list as JsonArray ?? []).Select(t => t!.GetValue<string>());
}
