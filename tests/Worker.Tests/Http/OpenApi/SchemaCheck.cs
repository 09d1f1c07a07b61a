using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LeadPipeline.Worker.Tests.Http.OpenApi;

/// <summary>
/// Holds values to the schemas of an OpenAPI document. Knows the keywords that the document uses and throws on any other, so that no rule is
/// passed over. Stricter than a client: a member that is not described is a fault unless the schema says that others may come.
/// </summary>
internal sealed class SchemaCheck(JsonNode document)
{
    private static readonly HashSet<string> Remarks = ["description", "examples", "default"];

    /// <summary>The faults of a value, each with its path; none when it conforms.</summary>
    public IReadOnlyList<string> Faults(JsonNode? value, JsonNode schema, string path = "$")
    {
        var faults = new List<string>();
        foreach (var (keyword, rule) in schema.AsObject())
        {
            if (!Remarks.Contains(keyword))
                faults.AddRange(Judge(keyword, rule!, value, schema, path));
        }
        return faults;
    }

    private IEnumerable<string> Judge(string keyword, JsonNode rule, JsonNode? value, JsonNode schema, string path) => keyword switch
    {
        "$ref" => Faults(value, Follow(rule.GetValue<string>()), path),
        "type" => Fault(Texts(rule).Any(t => Is(value, t)), $"{path} is {Kind(value)}, not {rule.ToJsonString()}"),
        "enum" => Fault(rule.AsArray().Any(v => JsonNode.DeepEquals(v, value)), $"{path} is {Show(value)}, none of {rule.ToJsonString()}"),
        "const" => Fault(JsonNode.DeepEquals(rule, value), $"{path} is {Show(value)}, not {rule.ToJsonString()}"),
        "format" => Fault(value?.GetValueKind() != JsonValueKind.String || HasFormat(value.GetValue<string>(), rule.GetValue<string>()), $"{path} is {Show(value)}, no {rule}"),
        "pattern" => Fault(value?.GetValueKind() != JsonValueKind.String || Regex.IsMatch(value.GetValue<string>(), rule.GetValue<string>()), $"{path} is {Show(value)}, not {rule}"),
        "minLength" => Fault(value?.GetValueKind() != JsonValueKind.String || value.GetValue<string>().Length >= rule.GetValue<int>(), $"{path} is too short"),
        "maxLength" => Fault(value?.GetValueKind() != JsonValueKind.String || value.GetValue<string>().Length <= rule.GetValue<int>(), $"{path} is too long"),
        "minimum" => Fault(Number(value) is not { } n || n >= Number(rule), $"{path} is {Show(value)}, less than {rule}"),
        "maximum" => Fault(Number(value) is not { } n || n <= Number(rule), $"{path} is {Show(value)}, more than {rule}"),
        "minItems" => Fault(value is not JsonArray a || a.Count >= rule.GetValue<int>(), $"{path} has too few items"),
        "maxItems" => Fault(value is not JsonArray a || a.Count <= rule.GetValue<int>(), $"{path} has too many items"),
        "items" => value is JsonArray items ? items.SelectMany((item, i) => Faults(item, rule, $"{path}[{i}]")) : [],
        "required" => value is JsonObject o ? rule.AsArray().Select(r => r!.GetValue<string>()).Where(r => !o.ContainsKey(r)).Select(r => $"{path}.{r} is missing") : [],
        "properties" => value is JsonObject o ? Members(o, rule.AsObject(), schema["additionalProperties"], path) : [],
        "additionalProperties" => value is JsonObject o && schema["properties"] is null ? Members(o, [], rule, path) : [],
        "oneOf" => OneOf(value, rule.AsArray(), path),
        _ => throw new NotSupportedException($"{path}: the check does not know the keyword {keyword}; teach it, or use another."),
    };

    private IEnumerable<string> Members(JsonObject value, JsonObject properties, JsonNode? others, string path)
    {
        foreach (var (name, member) in value)
        {
            var found = properties[name] is { } schema ? Faults(member, schema, $"{path}.{name}")
                : others is JsonObject other ? Faults(member, other, $"{path}.{name}")
                : others is null || !others.GetValue<bool>() ? [$"{path}.{name} is not described"]
                : [];
            foreach (var fault in found)
                yield return fault;
        }
    }

    private IEnumerable<string> OneOf(JsonNode? value, JsonArray schemas, string path)
    {
        var all = schemas.Select(s => Faults(value, s!, path)).ToList();
        var fitting = all.Count(f => f.Count == 0);
        return fitting == 1 ? [] : fitting > 1 ? [$"{path} fits several of its schemas"] : all.SelectMany(f => f);
    }

    private JsonNode Follow(string reference) =>
        reference.Split('/')[1..].Aggregate(document, (node, part) => node[part] ?? throw new KeyNotFoundException($"{reference} leads nowhere"));

    private static IEnumerable<string> Fault(bool holds, string fault) => holds ? [] : [fault];

    private static IEnumerable<string> Texts(JsonNode rule) => rule is JsonArray many ? many.Select(m => m!.GetValue<string>()) : [rule.GetValue<string>()];

    private static bool Is(JsonNode? value, string type) => type switch
    {
        "null" => value is null,
        "object" => value is JsonObject,
        "array" => value is JsonArray,
        "string" => value?.GetValueKind() == JsonValueKind.String,
        "boolean" => value?.GetValueKind() is JsonValueKind.True or JsonValueKind.False,
        "number" => Number(value) is not null,
        "integer" => Number(value) is { } n && n == decimal.Truncate(n),
        _ => throw new NotSupportedException($"The check does not know the type {type}."),
    };

    private static bool HasFormat(string value, string format) => format switch
    {
        "uuid" => Guid.TryParseExact(value, "D", out _),
        "date-time" => DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _) && value.Contains('T', StringComparison.Ordinal),
        _ => throw new NotSupportedException($"The check does not know the format {format}."),
    };

    private static decimal? Number(JsonNode? value) => value?.GetValueKind() == JsonValueKind.Number ? decimal.Parse(value.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture) : null;

    private static string Kind(JsonNode? value) => value is null ? "null" : value.GetValueKind().ToString();

    private static string Show(JsonNode? value) => value?.ToJsonString() ?? "null";
}
