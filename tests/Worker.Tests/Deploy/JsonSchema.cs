using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LeadPipeline.Worker.Tests.Deploy;

/// <summary>
/// Holds values to a JSON schema, of draft 7 or 2020-12, as far as the schemas of Compose and Kubernetes go. It throws on a keyword that it does
/// not know, so that no rule is passed over.
/// </summary>
internal sealed class JsonSchema(JsonNode document)
{
    private static readonly HashSet<string> Remarks = ["$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default", "deprecated", "then", "else"];

    /// <summary>The faults of a value, each with its path; none when it conforms.</summary>
    public IReadOnlyList<string> Faults(JsonNode? value) => [.. Faults(value, document, "$")];

    private IEnumerable<string> Faults(JsonNode? value, JsonNode schema, string path) => schema is JsonObject rules
        ? rules.Where(r => !Remarks.Contains(r.Key)).SelectMany(r => Judge(r.Key, r.Value!, value, rules, path))
        : Fault(schema.GetValue<bool>(), $"{path} may not be there");

    private IEnumerable<string> Judge(string keyword, JsonNode rule, JsonNode? value, JsonObject schema, string path) => keyword switch
    {
        "$ref" => Faults(value, rule.GetValue<string>().Split('/')[1..].Aggregate(document, (node, part) => node[part]!), path),
        "type" => Fault((rule is JsonArray many ? many.Select(t => t!.GetValue<string>()) : [rule.GetValue<string>()]).Any(t => Is(value, t)), $"{path} is {value?.ToJsonString() ?? "null"}, not {rule.ToJsonString()}"),
        "enum" => Fault(rule.AsArray().Any(v => JsonNode.DeepEquals(v, value)), $"{path} is none of {rule.ToJsonString()}"),
        "const" => Fault(JsonNode.DeepEquals(rule, value), $"{path} is not {rule.ToJsonString()}"),
        "pattern" => Fault(value?.GetValueKind() != JsonValueKind.String || Regex.IsMatch(value.GetValue<string>(), rule.GetValue<string>()), $"{path} does not match {rule}"),
        "minimum" => Fault(!Is(value, "number") || Number(value!) >= Number(rule), $"{path} is less than {rule}"),
        "maximum" => Fault(!Is(value, "number") || Number(value!) <= Number(rule), $"{path} is more than {rule}"),
        "uniqueItems" => Fault(value is not JsonArray a || a.Select(i => i?.ToJsonString()).Distinct().Count() == a.Count, $"{path} says something twice"),
        "items" => value is JsonArray items ? items.SelectMany((item, i) => Faults(item, rule, $"{path}[{i}]")) : [],
        "required" => value is JsonObject o ? rule.AsArray().Select(r => r!.GetValue<string>()).Where(r => !o.ContainsKey(r)).Select(r => $"{path}.{r} is missing") : [],
        "properties" => value is JsonObject o ? o.Where(m => rule[m.Key] is not null).SelectMany(m => Faults(m.Value, rule[m.Key]!, $"{path}.{m.Key}")) : [],
        "patternProperties" => value is JsonObject o ? o.SelectMany(m => rule.AsObject().Where(p => Regex.IsMatch(m.Key, p.Key)).SelectMany(p => Faults(m.Value, p.Value!, $"{path}.{m.Key}"))) : [],
        "additionalProperties" => value is JsonObject o ? o.Where(m => IsOther(m.Key, schema)).SelectMany(m => Faults(m.Value, rule, $"{path}.{m.Key}")) : [],
        "allOf" => rule.AsArray().SelectMany(s => Faults(value, s!, path)),
        "anyOf" => Alternatives(value, rule.AsArray(), path, n => n > 0),
        "oneOf" => Alternatives(value, rule.AsArray(), path, n => n == 1),
        "if" => schema[Faults(value, rule, path).Any() ? "else" : "then"] is { } follows ? Faults(value, follows, path) : [],
        _ => throw new NotSupportedException($"{path}: the check does not know the keyword {keyword}."),
    };

    private IEnumerable<string> Alternatives(JsonNode? value, JsonArray schemas, string path, Func<int, bool> enough)
    {
        var all = schemas.Select(s => Faults(value, s!, path).ToList()).ToList();
        var fitting = all.Count(f => f.Count == 0);
        // What is wrong with the nearest of them tells the most.
        return enough(fitting) ? [] : fitting > 0 ? [$"{path} fits several of its schemas"] : all.OrderBy(f => f.Count).First();
    }

    private static bool IsOther(string name, JsonObject schema) =>
        schema["properties"]?[name] is null && (schema["patternProperties"] is not JsonObject patterns || !patterns.Any(p => Regex.IsMatch(name, p.Key)));

    private static IEnumerable<string> Fault(bool holds, string fault) => holds ? [] : [fault];

    private static bool Is(JsonNode? value, string type) => type switch
    {
        "null" => value is null,
        "object" => value is JsonObject,
        "array" => value is JsonArray,
        "string" => value?.GetValueKind() == JsonValueKind.String,
        "boolean" => value?.GetValueKind() is JsonValueKind.True or JsonValueKind.False,
        "number" => value?.GetValueKind() == JsonValueKind.Number,
        "integer" => value?.GetValueKind() == JsonValueKind.Number && Number(value) is var n && n == Math.Truncate(n),
        _ => throw new NotSupportedException($"The check does not know the type {type}."),
    };

    private static double Number(JsonNode value) => double.Parse(value.ToJsonString(), System.Globalization.CultureInfo.InvariantCulture);
}
