using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LeadPipeline.TestKit;

/// <summary>
/// Holds requests and answers to an OpenAPI 3 document: paths, methods, bodies, required members, types, enumerations, formats. Requests may hold
/// nothing that the document does not name; answers may, since vendors add to them.
/// </summary>
public sealed class OpenApiContract(JsonNode document)
{
    /// <summary>Reads a document.</summary>
    public static OpenApiContract Load(string file) => new(JsonNode.Parse(File.ReadAllText(file))!);

    /// <summary>What is wrong with a request; empty: nothing.</summary>
    /// <param name="method">The method.</param>
    /// <param name="path">The path as the document has it, values in place of its parameters.</param>
    /// <param name="body">The body, if it has one.</param>
    public IReadOnlyList<string> CheckRequest(string method, string path, JsonNode? body)
    {
        if (Operation(method, path) is not { } operation)
            return [$"{method} {path} is not in the contract"];
        var schema = operation["requestBody"]?["content"]?["application/json"]?["schema"];
        if (schema is null)
            return body is null ? [] : [$"{method} {path} takes no body"];
        var faults = new List<string>();
        Check(schema, body, "body", strict: true, faults);
        return faults;
    }

    /// <summary>What is wrong with an answer; empty: nothing.</summary>
    public IReadOnlyList<string> CheckAnswer(string method, string path, int status, JsonNode? body)
    {
        if (Operation(method, path) is not { } operation)
            return [$"{method} {path} is not in the contract"];
        var responses = operation["responses"]!;
        if ((responses[status.ToString(CultureInfo.InvariantCulture)] ?? (status >= 400 ? responses["default"] : null)) is not { } response)
            return [$"{method} {path} does not answer {status}"];
        var faults = new List<string>();
        if (response["content"]?.AsObject().First().Value?["schema"] is { } schema)
            Check(schema, body, "answer", strict: false, faults);
        return faults;
    }

    private JsonNode? Operation(string method, string path)
    {
        var parts = path.Split('/');
        foreach (var (template, item) in document["paths"]!.AsObject())
        {
            var names = template.Split('/');
            if (names.Length == parts.Length && names.Zip(parts).All(p => p.First == p.Second || (p.First.StartsWith('{') && p.Second.Length > 0)) && item![method.ToLowerInvariant()] is { } operation)
                return operation;
        }
        return null;
    }

    private void Check(JsonNode schema, JsonNode? value, string at, bool strict, List<string> faults)
    {
        if ((string?)schema["$ref"] is { } reference)
        {
            Check(document["components"]!["schemas"]![reference.Split('/')[^1]]!, value, at, strict, faults);
            return;
        }
        if (value is null)
        {
            if (schema["type"] is not null && !((bool?)schema["nullable"] ?? false))
                faults.Add($"{at} is null");
            return;
        }
        switch ((string?)schema["type"])
        {
            case "object":
                CheckObject(schema, value, at, strict, faults);
                break;
            case "array" when value is JsonArray items:
                for (var i = 0; i < items.Count; i++)
                    Check(schema["items"]!, items[i], $"{at}[{i}]", strict, faults);
                break;
            case { } type when !Is(type, value):
                faults.Add($"{at} is {value.GetValueKind()}, not {type}");
                break;
            case "string":
                CheckText(schema, (string)value!, at, faults);
                break;
        }
    }

    private void CheckObject(JsonNode schema, JsonNode value, string at, bool strict, List<string> faults)
    {
        if (value is not JsonObject members)
        {
            faults.Add($"{at} is {value.GetValueKind()}, not object");
            return;
        }
        faults.AddRange((schema["required"] as JsonArray ?? []).Select(r => (string)r!).Where(r => !members.ContainsKey(r)).Select(r => $"{at}.{r} is missing"));
        foreach (var (name, member) in members)
        {
            if ((schema["properties"]?[name] ?? schema["additionalProperties"]) is { } of)
                Check(of, member, $"{at}.{name}", strict, faults);
            else if (strict)
                faults.Add($"{at}.{name} is not in the contract");
        }
    }

    private static void CheckText(JsonNode schema, string text, string at, List<string> faults)
    {
        if (schema["enum"] is JsonArray allowed && !allowed.Any(a => (string?)a == text))
            faults.Add($"{at} is none of the allowed values");
        if ((string?)schema["format"] == "date-time" && !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out _))
            faults.Add($"{at} is not a time");
        if ((string?)schema["format"] == "uuid" && !Guid.TryParse(text, out _))
            faults.Add($"{at} is not a UUID");
    }

    private static bool Is(string type, JsonNode value) => (type, value.GetValueKind()) switch
    {
        ("string", JsonValueKind.String) => true,
        ("integer", JsonValueKind.Number) => long.TryParse(value.ToJsonString(), CultureInfo.InvariantCulture, out _),
        ("number", JsonValueKind.Number) => true,
        ("boolean", JsonValueKind.True or JsonValueKind.False) => true,
        _ => false,
    };
}
