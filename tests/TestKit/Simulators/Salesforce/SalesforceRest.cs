using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LeadPipeline.TestKit.Simulators.Salesforce;

/// <summary>What a resource answered, as a call of its own or as a part of a composite.</summary>
internal sealed record RestAnswer(int Status, JsonNode? Body = null);

/// <summary>The REST resources: records, queries, descriptions, composites. Knows the org, but neither sockets nor tokens.</summary>
internal sealed partial class SalesforceRest(SalesforceOrg org, IReadOnlyList<string> versions)
{
    private const int MaxParts = 25, MaxQueries = 5;

    /// <summary>Effect keys of records that were made by the call in hand.</summary>
    public List<string> Made { get; } = [];

    /// <summary>Answers one request.</summary>
    /// <param name="method">The method.</param>
    /// <param name="target">Path and query as sent.</param>
    /// <param name="body">The body, when it is JSON.</param>
    /// <param name="headers">The headers.</param>
    /// <param name="fail">The part that is to be refused.</param>
    public RestAnswer Answer(string method, string target, JsonNode? body, IReadOnlyDictionary<string, string> headers, SimulatorFault.FailPart? fail)
    {
        try
        {
            if (Address().Match(target) is not { Success: true } match)
                throw NotFound();
            var version = match.Groups["version"].Value;
            if (!versions.Contains(version))
                throw NotFound();
            var path = match.Groups["path"].Value;
            if (path == "composite" && method == "POST")
                return Composite(version, body as JsonObject ?? throw new VendorRefusalException(400, "JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has no entity body."), fail);
            if (fail is not null)
                throw Ordered(fail);
            return Resource(method, version, path, Parameters(match.Groups["query"].Value), body as JsonObject, headers);
        }
        catch (VendorRefusalException refusal)
        {
            return Refused(refusal);
        }
    }

    /// <summary>A refusal as the vendor writes it.</summary>
    public static RestAnswer Refused(VendorRefusalException refusal)
    {
        var error = new JsonObject { ["message"] = refusal.Message, ["errorCode"] = refusal.Code };
        if (refusal.Fields.Count > 0 || refusal.Code is "REQUIRED_FIELD_MISSING" or "DUPLICATE_VALUE")
            error["fields"] = new JsonArray([.. refusal.Fields.Select(f => (JsonNode)f)]);
        if (refusal.Data["twin"] is string twin)
        {
            error["duplicateResult"] = new JsonObject
            {
                ["allowSave"] = false,
                ["duplicateRule"] = "Standard_Lead_Duplicate_Rule",
                ["matchResults"] = new JsonArray(new JsonObject { ["entityType"] = "Lead", ["matchRecords"] = new JsonArray(new JsonObject { ["matchConfidence"] = 100.0, ["record"] = new JsonObject { ["attributes"] = new JsonObject { ["type"] = "Lead" }, ["Id"] = twin } }) }),
            };
        }
        return new RestAnswer(refusal.Status, new JsonArray(error));
    }

    private RestAnswer Resource(string method, string version, string path, Dictionary<string, string> query, JsonObject? body, IReadOnlyDictionary<string, string> headers)
    {
        var segments = path.Split('/').Select(Uri.UnescapeDataString).ToArray();
        switch (segments)
        {
            case ["query"] when method == "GET":
                Only(query, "q");
                return new RestAnswer(200, new SoqlRun(org, version).Run(query.GetValueOrDefault("q") ?? throw new VendorRefusalException(400, "MALFORMED_QUERY", "unexpected token: '<EOF>'")));
            case ["limits"] when method == "GET":
                return new RestAnswer(200, new JsonObject { ["DailyApiRequests"] = new JsonObject { ["Max"] = 15000, ["Remaining"] = 14000 } });
            case ["sobjects", var type, "describe"] when method == "GET":
                return new RestAnswer(200, Describe(type));
            case ["sobjects", var type] when method == "POST":
                Only(query);
                return Created(org.Create(type, Need(body), headers), created: null);
            case ["sobjects", var type, var id]:
                return One(method, type, id, query, body, headers);
            case ["sobjects", var type, var field, var value] when method == "PATCH":
                Only(query);
                return Upsert(type, field, value, Need(body), headers);
            default:
                throw NotFound();
        }
    }

    private RestAnswer One(string method, string type, string id, Dictionary<string, string> query, JsonObject? body, IReadOnlyDictionary<string, string> headers)
    {
        var fields = org.Fields(type);
        var row = org.Row(type, id);
        switch (method)
        {
            case "GET":
                Only(query, "fields");
                var names = query.GetValueOrDefault("fields")?.Split(',') ?? [.. fields.Keys];
                var shaped = new JsonObject { ["attributes"] = new JsonObject { ["type"] = row.Type, ["url"] = $"/services/data/v67.0/sobjects/{row.Type}/{row.Id}" } };
                foreach (var name in names)
                    shaped[fields.TryGetValue(name, out var field) ? field.Name : throw new VendorRefusalException(400, "INVALID_FIELD", $"No such column '{name}' on entity '{type}'")] = row.Values.GetValueOrDefault(name)?.DeepClone();
                return new RestAnswer(200, shaped);
            case "PATCH":
                Only(query);
                org.Update(row, Need(body), headers);
                return new RestAnswer(204);
            case "DELETE":
                Only(query);
                org.Delete(row);
                return new RestAnswer(204);
            default:
                throw new VendorRefusalException(405, "METHOD_NOT_ALLOWED", $"HTTP Method '{method}' not allowed. Allowed are HEAD,GET,PATCH,DELETE");
        }
    }

    private RestAnswer Upsert(string type, string fieldName, string value, JsonObject body, IReadOnlyDictionary<string, string> headers)
    {
        if (!org.Fields(type).TryGetValue(fieldName, out var field) || !field.ExternalId)
            throw new VendorRefusalException(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: " + fieldName);
        if (body.Any(b => b.Key.Equals(fieldName, StringComparison.OrdinalIgnoreCase)))
            throw new VendorRefusalException(400, "INVALID_FIELD", $"The {fieldName} field should not be specified in the sobject data.");
        var found = org.Live(type).Where(r => string.Equals(r.Text(fieldName), value, StringComparison.OrdinalIgnoreCase)).ToList();
        if (found.Count > 1)
            return new RestAnswer(300, new JsonArray([.. found.Select(r => (JsonNode)$"/services/data/v67.0/sobjects/{r.Type}/{r.Id}")]));
        if (found is [var row])
        {
            org.Update(row, body, headers);
            return Created(row, created: false);
        }
        var fresh = (JsonObject)body.DeepClone();
        fresh[fieldName] = value;
        var made = org.Create(type, fresh, headers);
        Made.Add(value);
        return Created(made, created: true);
    }

    private static RestAnswer Created(OrgRow row, bool? created)
    {
        var body = new JsonObject { ["id"] = row.Id, ["success"] = true, ["errors"] = new JsonArray() };
        if (created is not null)
            body["created"] = created;
        return new RestAnswer(created == false ? 200 : 201, body);
    }

    private JsonObject Describe(string type) => new()
    {
        ["name"] = org.Schema.Keys.FirstOrDefault(k => k.Equals(type, StringComparison.OrdinalIgnoreCase)) ?? throw NotFound(),
        ["createable"] = true,
        ["updateable"] = true,
        ["fields"] = new JsonArray([.. org.Fields(type).Values.Select(f => (JsonNode)new JsonObject
        {
            ["name"] = f.Name,
            ["type"] = f.Type.ToString().ToLowerInvariant(),
            ["createable"] = f.Createable,
            ["updateable"] = f.Updateable,
            ["externalId"] = f.ExternalId,
            ["unique"] = f.Unique,
            ["filterable"] = f.Filterable,
            ["picklistValues"] = new JsonArray([.. f.Values.Select(v => (JsonNode)new JsonObject { ["active"] = true, ["label"] = v, ["value"] = v })]),
        })]),
    };

    private RestAnswer Composite(string version, JsonObject request, SimulatorFault.FailPart? fail)
    {
        var parts = Parts(version, request);
        var allOrNone = request["allOrNone"]?.GetValue<bool>() ?? false;
        if (request["collateSubrequests"]?.GetValue<bool>() != false && parts.Exists(p => p["method"]!.GetValue<string>() != "GET"))
            throw new VendorRefusalException(400, "INVALID_INPUT", "The simulator does not promise an order of collated subrequests; ask for none");
        var before = org.Snapshot();
        var results = new Dictionary<string, JsonNode?>();
        var answers = new List<(string Reference, RestAnswer Answer)>();
        var failed = -1;
        for (var i = 0; i < parts.Count && (failed < 0 || !allOrNone); i++)
        {
            var reference = parts[i]["referenceId"]!.GetValue<string>();
            var answer = Part(parts[i], results, fail is { } ordered && ordered.Part == i ? ordered : null);
            answers.Add((reference, answer));
            if (answer.Status is >= 200 and < 300)
                results[reference] = answer.Body;
            else if (answer.Status >= 400 && failed < 0)
                failed = i;
        }
        if (allOrNone && failed >= 0)
        {
            org.Restore(before);
            Made.Clear();
            const string Rolled = "The transaction was rolled back since another operation in the same transaction failed.";
            answers = [.. parts.Select((p, i) => (p["referenceId"]!.GetValue<string>(), i == failed ? answers[i].Answer : Refused(new VendorRefusalException(400, "PROCESSING_HALTED", Rolled))))];
        }
        return new RestAnswer(200, new JsonObject
        {
            ["compositeResponse"] = new JsonArray([.. answers.Select(a => (JsonNode)new JsonObject
            {
                ["body"] = a.Answer.Body?.DeepClone(),
                ["httpHeaders"] = new JsonObject(),
                ["httpStatusCode"] = a.Answer.Status,
                ["referenceId"] = a.Reference,
            })]),
        });
    }

    private RestAnswer Part(JsonObject part, Dictionary<string, JsonNode?> results, SimulatorFault.FailPart? fail)
    {
        try
        {
            if (fail is not null)
                throw Ordered(fail);
            // References are replaced wherever they stand, in what a person wrote as well.
            var url = Replace(part["url"]!.GetValue<string>(), results);
            var body = ReplaceAll(part["body"], results);
            var headers = (part["httpHeaders"] as JsonObject)?.ToDictionary(h => h.Key, h => h.Value!.GetValue<string>(), StringComparer.OrdinalIgnoreCase) ?? [];
            var match = Address().Match(url);
            return match.Success ? Resource(part["method"]!.GetValue<string>(), match.Groups["version"].Value, match.Groups["path"].Value, Parameters(match.Groups["query"].Value), body as JsonObject, headers) : throw NotFound();
        }
        catch (VendorRefusalException refusal)
        {
            return Refused(refusal);
        }
    }

    private List<JsonObject> Parts(string version, JsonObject request)
    {
        if (request.Any(m => m.Key is not ("allOrNone" or "collateSubrequests" or "compositeRequest")) || request["compositeRequest"] is not JsonArray { Count: > 0 } array)
            throw new VendorRefusalException(400, "JSON_PARSER_ERROR", "Unrecognized field in the composite request");
        if (array.Count > MaxParts)
            throw new VendorRefusalException(400, "INVALID_INPUT", $"You can't submit more than {MaxParts.ToString(CultureInfo.InvariantCulture)} subrequests");
        var parts = array.Select(p => p as JsonObject ?? throw new VendorRefusalException(400, "JSON_PARSER_ERROR", "a subrequest is an object")).ToList();
        var seen = new HashSet<string>();
        var queries = 0;
        foreach (var part in parts)
        {
            if (part.Any(m => m.Key is not ("method" or "url" or "referenceId" or "body" or "httpHeaders")))
                throw new VendorRefusalException(400, "JSON_PARSER_ERROR", "Unrecognized field in a subrequest");
            var reference = part["referenceId"]?.GetValue<string>() ?? throw new VendorRefusalException(400, "INVALID_INPUT", "referenceId is required");
            if (!Reference().IsMatch(reference) || !seen.Add(reference))
                throw new VendorRefusalException(400, "INVALID_INPUT", $"Provided referenceId ('{reference}') must start with a letter or a number, and it can contain only letters, numbers and underscores ('_')");
            if (part["method"]?.GetValue<string>() is not ("GET" or "POST" or "PATCH" or "PUT" or "DELETE"))
                throw new VendorRefusalException(400, "INVALID_INPUT", "unknown method");
            var url = part["url"]?.GetValue<string>() ?? "";
            if (!url.StartsWith($"/services/data/{version}/", StringComparison.Ordinal))
                throw new VendorRefusalException(400, "INVALID_INPUT", "subrequests have the version of the request");
            if (url.StartsWith($"/services/data/{version}/query", StringComparison.Ordinal) || url.StartsWith($"/services/data/{version}/composite/sobjects", StringComparison.Ordinal))
                queries++;
            if ((part["httpHeaders"] as JsonObject)?.Any(h => h.Key.ToLowerInvariant() is "accept" or "authorization" or "content-type") == true)
                throw new VendorRefusalException(400, "INVALID_INPUT", "a subrequest may not set this header");
        }
        return queries <= MaxQueries ? parts : throw new VendorRefusalException(400, "INVALID_INPUT", $"You can't submit more than {MaxQueries.ToString(CultureInfo.InvariantCulture)} queries or collections");
    }

    private static JsonNode? ReplaceAll(JsonNode? node, Dictionary<string, JsonNode?> results) => node switch
    {
        JsonObject members => new JsonObject(members.Select(m => KeyValuePair.Create(m.Key, ReplaceAll(m.Value, results)))),
        JsonArray items => new JsonArray([.. items.Select(i => ReplaceAll(i, results))]),
        JsonValue value when value.TryGetValue<string>(out var text) => Replace(text, results),
        _ => node?.DeepClone(),
    };

    private static string Replace(string text, Dictionary<string, JsonNode?> results) => Placeholder().Replace(text, match =>
    {
        var (name, steps) = (match.Groups["name"].Value, match.Groups["steps"].Value);
        var node = results.GetValueOrDefault(name);
        foreach (Match step in Step().Matches(steps))
        {
            node = step.Groups["index"].Success
                ? node is JsonArray array && int.Parse(step.Groups["index"].Value, CultureInfo.InvariantCulture) is var index && index < array.Count ? array[index] : null
                : (node as JsonObject)?[step.Groups["member"].Value];
        }
        return node is JsonValue value
            ? value.TryGetValue<string>(out var found) ? found : value.ToJsonString()
            : throw new VendorRefusalException(400, "PROCESSING_HALTED", $"Invalid reference specified. No value for {name}{steps} found in {name}");
    });

    private static VendorRefusalException Ordered(SimulatorFault.FailPart fail) => new(fail.Status, fail.Code, fail.Code == "UNABLE_TO_LOCK_ROW" ? "unable to obtain exclusive access to this record" : "ordered by the test");

    private static VendorRefusalException NotFound() => new(404, "NOT_FOUND", "The requested resource does not exist");

    private static JsonObject Need(JsonObject? body) => body ?? throw new VendorRefusalException(400, "JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has no entity body.");

    private static void Only(Dictionary<string, string> query, params string[] known)
    {
        if (query.Keys.FirstOrDefault(k => !known.Contains(k)) is { } unknown)
            throw new VendorRefusalException(400, "INVALID_INPUT", $"the parameter {unknown} is not known here");
    }

    private static Dictionary<string, string> Parameters(string query) => query.Split('&', StringSplitOptions.RemoveEmptyEntries)
        .Select(p => p.Split('=', 2)).ToDictionary(p => Uri.UnescapeDataString(p[0]), p => Uri.UnescapeDataString((p.Length > 1 ? p[1] : "").Replace('+', ' ')));

    [GeneratedRegex(@"\A/services/data/(?<version>v\d+\.0)/(?<path>[^?]*?)/?(?:\?(?<query>.*))?\z", RegexOptions.Singleline)]
    private static partial Regex Address();

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9_]*\z")]
    private static partial Regex Reference();

    [GeneratedRegex(@"@\{(?<name>[^.\[}]*)(?<steps>[^}]*)\}")]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"\.(?<member>[A-Za-z0-9_]+)|\[(?<index>\d+)\]")]
    private static partial Regex Step();
}
