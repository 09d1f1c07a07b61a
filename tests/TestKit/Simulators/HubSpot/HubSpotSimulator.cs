using System.Globalization;
using System.Text.Json.Nodes;
using static LeadPipeline.TestKit.Simulators.HubSpot.HubSpotAnswers;

namespace LeadPipeline.TestKit.Simulators.HubSpot;

/// <summary>
/// HubSpot's CRM API over HTTP, as strict as the real one: unknown properties, values of the wrong kind, batches that are too large, taken unique
/// values, malformed associations and missing scopes are refused in its words. Search lags behind.
/// <para>Operations: <c>create</c>, <c>read</c>, <c>update</c>, <c>upsert</c>, <c>archive</c>, <c>search</c> with <c>_contacts</c>, …;
/// <c>read_associations</c>, <c>link</c>, <c>unlink</c>, <c>labels</c>, <c>properties</c>, <c>owners</c>, <c>pipelines</c>.</para>
/// </summary>
public sealed class HubSpotSimulator : VendorSimulator
{
    private const int LargestBatch = 100;
    private static readonly string[] Types = ["contacts", "companies", "deals", "tasks", "notes"];
    private readonly HubSpotStore store;
    private readonly HubSpotAssociations associations;
    private readonly HubSpotWrites writes;
    private readonly List<JsonObject> owners = [Owner("9001", "sam.rivera@crm.example", "Sam", "Rivera"), Owner("9002", "mei.tanaka@crm.example", "Mei", "Tanaka")];
    private int requests, tokens;

    private HubSpotSimulator()
    {
        store = new HubSpotStore(Properties);
        associations = new HubSpotAssociations(store);
        writes = new HubSpotWrites(store, Properties, () => requests + SearchLag, Made);
    }

    /// <summary>The account's property definitions, to be changed before use.</summary>
    public Dictionary<string, Dictionary<string, HubSpotProperty>> Properties { get; } = HubSpotAccount.Properties();

    /// <summary>The token in force.</summary>
    public string Token { get; private set; } = "token-0";

    /// <summary>A token that is taken as well, as while one is exchanged for another; null: none.</summary>
    public string? SecondToken { get; set; }

    /// <summary>From now on only this token is taken.</summary>
    public void Exchange(string token) => (Token, SecondToken) = (token, null);

    /// <summary>Scopes that the token does not have: <c>crm.objects.deals.write</c>, …</summary>
    public HashSet<string> MissingScopes { get; } = [];

    /// <summary>Scopes that <see cref="SecondToken"/> does not have.</summary>
    public HashSet<string> ScopesMissingOfSecondToken { get; } = [];

    /// <summary>Tokens of other accounts, which HubSpot serves at the same address.</summary>
    public Dictionary<string, HubSpotSimulator> OtherAccounts { get; } = [];

    /// <summary>How many requests later search knows of a new record. Default 0.</summary>
    public int SearchLag { get; set; }

    /// <summary>Whether a refusal of one input refuses its whole batch, without a word on which. Default: only when inputs carry no trace id.</summary>
    public bool RefusesWholeBatches { get; set; }

    /// <summary>The path's version.</summary>
    public string Version { get; init; } = "2026-03";

    /// <summary>A running simulator.</summary>
    public static async Task<HubSpotSimulator> StartAsync()
    {
        var simulator = new HubSpotSimulator();
        await simulator.ListenAsync();
        return simulator;
    }

    /// <summary>A record that a person made; known to search at once.</summary>
    public string Add(string type, params ReadOnlySpan<(string Property, string Value)> properties)
    {
        var row = store.Add(type);
        foreach (var (property, value) in properties)
            row.Properties[property] = value;
        return row.Id;
    }

    /// <summary>A person changes a property; null clears it.</summary>
    public void Edit(string type, string id, string property, string? value)
    {
        var row = store.Find(type, id)!;
        if (value is null)
            row.Properties.Remove(property);
        else
            row.Properties[property] = value;
    }

    /// <summary>A person puts a record into the recycle bin.</summary>
    public void Archive(string type, string id) => store.Archive(store.Find(type, id)!);

    /// <summary>A new owner; answers the id.</summary>
    public string AddOwner(string email, string firstName, string lastName)
    {
        var id = (9001 + owners.Count).ToString(CultureInfo.InvariantCulture);
        owners.Add(Owner(id, email, firstName, lastName));
        return id;
    }

    /// <summary>The owners as the endpoint shows them.</summary>
    public IReadOnlyList<JsonObject> Owners => owners;

    /// <summary>A person ends the association of two records.</summary>
    public void Dissociate(string from, string to) => store.Dissociate(from, to);

    /// <summary>A person associates two records.</summary>
    public void Associate(string from, string to) => store.Associate(from, to);

    /// <summary>The live records of a type.</summary>
    public IReadOnlyList<HubSpotRow> All(string type) => [.. store.Rows.Where(r => r.Type == type && !r.Archived)];

    /// <summary>Live records of a type that a record is associated with.</summary>
    public IReadOnlyList<string> Associated(string id, string type) => [.. store.Associated(id, type).Select(r => r.Id)];

    /// <summary>All live records with what they are associated with, as text, to be compared. Times of change are left out.</summary>
    public string Dump() => string.Join('\n', store.Rows.Where(r => !r.Archived).Select(r =>
        $"{r.Type} {r.Id}: {string.Join(", ", r.Properties.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}={p.Value}"))} -> {string.Join(",", Types.SelectMany(t => store.Associated(r.Id, t)).Select(a => a.Id))}"));

    /// <inheritdoc/>
    protected override string OperationOf(SimulatedRequest request) => request.Path.Split('/', StringSplitOptions.RemoveEmptyEntries) switch
    {
        ["crm", "objects", _, var type, "batch", var verb] => $"{verb}_{type}",
        ["crm", "objects", _, var type, "search"] => $"search_{type}",
        ["crm", "associations", _, _, _, "batch", "read"] => "read_associations",
        ["crm", "associations", _, _, _, "batch", "associate", "default"] => "link",
        ["crm", "associations", _, _, _, "batch", "archive"] => "unlink",
        ["crm", "associations", _, _, _, "labels"] => "labels",
        ["crm", "properties", ..] => "properties",
        ["crm", "owners", ..] => "owners",
        ["crm", "pipelines", ..] => "pipelines",
        _ => "unknown",
    };

    /// <inheritdoc/>
    protected override SimulatedAnswer Answer(string operation, SimulatedRequest request, SimulatorFault.FailPart? part)
    {
        if (request.Headers.GetValueOrDefault("Authorization") is { } bearer && OtherAccounts.TryGetValue(bearer["Bearer ".Length..], out var other))
            return other.Answer(operation, request, part);
        requests++;
        var answer = Authorised(operation, request) ?? Route(operation, request, part);
        // Search sends no figures of the limit.
        return operation.StartsWith("search", StringComparison.Ordinal) ? answer : answer with { Headers = RateHeaders(answer.Headers) };
    }

    /// <inheritdoc/>
    protected override SimulatedAnswer Refusal(string operation, SimulatorFault.Refuse fault) => fault.Status switch
    {
        429 => SimulatedAnswer.Json(429, new JsonObject
        {
            ["status"] = "error",
            ["message"] = "You have reached your limit.",
            ["errorType"] = "RATE_LIMIT",
            ["correlationId"] = Correlation(),
            ["category"] = "RATE_LIMITS",
            ["policyName"] = fault.Code ?? "TEN_SECONDLY_ROLLING",
        }),
        503 or 502 or 504 => new SimulatedAnswer(fault.Status, "<html>upstream</html>", "text/html")
        {
            Headers = fault.RetryAfter is { } seconds ? new Dictionary<string, string> { ["Retry-After"] = seconds.ToString(CultureInfo.InvariantCulture) } : [],
        },
        _ => Problem(new(fault.Status, fault.Code ?? fault.Status switch { 423 => "LOCKED", 403 => "MISSING_SCOPES", _ => "INTERNAL_ERROR" }, "as ordered")),
    };

    /// <inheritdoc/>
    protected override void RotateTokens() => Token = "token-" + (++tokens).ToString(CultureInfo.InvariantCulture);

    private SimulatedAnswer? Authorised(string operation, SimulatedRequest request)
    {
        if (request.Headers.GetValueOrDefault("Authorization") is var given && given != "Bearer " + Token && (SecondToken is null || given != "Bearer " + SecondToken))
            return Problem(new(401, "INVALID_AUTHENTICATION", "Authentication credentials not found."));
        return ScopeOf(operation) is { } scope && (given == "Bearer " + Token ? MissingScopes : ScopesMissingOfSecondToken).Contains(scope)
            ? Problem(new(403, "MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call.", "MISSING_SCOPES"))
            : null;
    }

    private static string? ScopeOf(string operation)
    {
        if (operation.Split('_', 2) is not [var verb, var type] || !Types.Contains(type))
            return operation switch { "owners" => "crm.objects.owners.read", "properties" => "crm.schemas.contacts.read", "link" or "unlink" => "crm.objects.contacts.write", _ => null };
        // Tasks and notes go by the contacts' scopes.
        var of = type is "tasks" or "notes" ? "contacts" : type;
        return $"crm.objects.{of}.{(verb is "read" or "search" ? "read" : "write")}";
    }

    private SimulatedAnswer Route(string operation, SimulatedRequest request, SimulatorFault.FailPart? part)
    {
        var path = request.Path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (path.Length < 4 - (operation == "owners" ? 1 : 0) || path[2] != Version)
            return Problem(new(404, "OBJECT_NOT_FOUND", "resource not found"));
        if (request.Method == "GET")
            return Get(operation, path, request.Query);
        if (request.Method != "POST" || request.Headers.GetValueOrDefault("Content-Type")?.StartsWith("application/json", StringComparison.Ordinal) != true)
            return Problem(new(415, "VALIDATION_ERROR", "Unsupported Media Type"));
        var body = request.Json() as JsonObject;
        if (operation.StartsWith("search_", StringComparison.Ordinal))
            return Search(path[3], body);
        if (!Types.Contains(path[3]) || body?["inputs"] is not JsonArray inputs || inputs.Any(i => i is not JsonObject))
            return Problem(new(400, "VALIDATION_ERROR", "Invalid input JSON"));
        if (inputs.Count is 0 or > LargestBatch)
            return Problem(new(400, "VALIDATION_ERROR", $"A batch holds 1 to {LargestBatch} inputs"));
        if (inputs.Select(i => (string?)i!["objectWriteTraceId"]).OfType<string>().GroupBy(t => t).Any(g => g.Count() > 1))
            return Problem(new(400, "VALIDATION_ERROR", "objectWriteTraceId is not unique"));
        return operation switch
        {
            "read_associations" => associations.Read(path[3], path[4], inputs),
            "link" => associations.Link(path[3], path[4], inputs),
            "unlink" => associations.Unlink(inputs),
            _ when path is [_, _, _, var type, "batch", var verb] => verb switch
            {
                "read" => Read(type, body, inputs),
                "create" or "update" or "upsert" => writes.Write(verb, type, inputs, part, RefusesWholeBatches),
                "archive" => Archive(type, inputs),
                _ => Problem(new(404, "OBJECT_NOT_FOUND", "resource not found")),
            },
            _ => Problem(new(404, "OBJECT_NOT_FOUND", "resource not found")),
        };
    }

    private SimulatedAnswer Get(string operation, string[] path, IReadOnlyDictionary<string, string> query)
    {
        switch (operation)
        {
            case "owners":
                // One a page, so that nobody gets by with the first page.
                var at = int.Parse(query.GetValueOrDefault("after", "0"), CultureInfo.InvariantCulture);
                var page = new JsonObject { ["results"] = new JsonArray([.. owners.Skip(at).Take(1).Select(o => o.DeepClone())]) };
                if (at + 1 < owners.Count)
                    page["paging"] = new JsonObject { ["next"] = new JsonObject { ["after"] = (at + 1).ToString(CultureInfo.InvariantCulture) } };
                return SimulatedAnswer.Json(200, page);
            case "properties" when path.Length == 5 && Properties[path[3]].TryGetValue(path[4], out var property):
                return SimulatedAnswer.Json(200, property.ToJson());
            case "properties" when path.Length == 4:
                return SimulatedAnswer.Json(200, new JsonObject { ["results"] = new JsonArray([.. Properties[path[3]].Values.Select(p => p.ToJson())]) });
            case "pipelines":
                return SimulatedAnswer.Json(200, new JsonObject
                {
                    ["results"] = new JsonArray([.. Properties["deals"]["pipeline"].Options.Select(p => (JsonNode)new JsonObject
                    {
                        ["id"] = p,
                        ["label"] = p,
                        ["stages"] = new JsonArray([.. Properties["deals"]["dealstage"].Options.Select(s => (JsonNode)new JsonObject { ["id"] = s, ["label"] = s })]),
                    })]),
                });
            case "labels":
                var types = HubSpotAccount.AssociationTypes.Where(a => a.Value == (path[3], path[4]));
                return SimulatedAnswer.Json(200, new JsonObject { ["results"] = new JsonArray([.. types.Select(t => (JsonNode)new JsonObject { ["category"] = "HUBSPOT_DEFINED", ["typeId"] = t.Key, ["label"] = null })]) });
            default:
                return Problem(new(404, "OBJECT_NOT_FOUND", "resource not found"));
        }
    }

    private static JsonObject Owner(string id, string email, string firstName, string lastName) => new()
    {
        ["id"] = id,
        ["email"] = email,
        ["firstName"] = firstName,
        ["lastName"] = lastName,
        ["type"] = "PERSON",
        ["archived"] = false,
        ["createdAt"] = "2026-01-01T00:00:00Z",
        ["updatedAt"] = "2026-01-01T00:00:00Z",
    };

    private SimulatedAnswer Read(string type, JsonObject body, JsonArray inputs)
    {
        if (body["properties"] is not JsonArray asked || body["propertiesWithHistory"] is not JsonArray)
            return Problem(new(400, "VALIDATION_ERROR", "Invalid input JSON: properties and propertiesWithHistory are required"));
        var idProperty = (string?)body["idProperty"];
        if (idProperty is not null && (!Properties[type].TryGetValue(idProperty, out var definition) || !definition.Unique))
            return Problem(new(400, "VALIDATION_ERROR", $"{idProperty} is not a unique property"));
        var ids = inputs.Select(i => (string)i!["id"]!).ToList();
        if (ids.Distinct().Count() != ids.Count)
            return Problem(new(400, "VALIDATION_ERROR", "Duplicate IDs found in batch input"));
        var found = ids.ConvertAll(id => idProperty is null ? store.Find(type, id) : store.Find(type, idProperty, id));
        var missing = ids.Where((_, i) => found[i] is null).ToArray();
        var errors = missing.Length == 0 ? [] : new List<JsonNode> { StandardError(new(404, "OBJECT_NOT_FOUND", "Could not get some objects, they may be deleted or not exist."), "ids", missing) };
        return Batch(errors.Count == 0 ? 200 : 207, [.. found.OfType<HubSpotRow>().Distinct().Select(r => Shown(r, asked.Select(a => (string)a!)))], errors);
    }

    private SimulatedAnswer Archive(string type, JsonArray inputs)
    {
        foreach (var input in inputs)
        {
            if (store.Find(type, (string?)input!["id"] ?? "") is { } row)
                store.Archive(row);
        }
        return new SimulatedAnswer(204);
    }

    private SimulatedAnswer Search(string type, JsonObject? body)
    {
        var groups = body?["filterGroups"] as JsonArray ?? [];
        if (groups.Count > 5 || groups.Any(g => (g!["filters"] as JsonArray)?.Count is not (> 0 and <= 6)) || (int?)body?["limit"] is > 200)
            return Problem(new(400, "VALIDATION_ERROR", "too many filters"));
        foreach (var filter in groups.SelectMany(g => g!["filters"]!.AsArray()))
        {
            if (!Properties[type].ContainsKey((string)filter!["propertyName"]!))
                return Problem(new(400, "VALIDATION_ERROR", "There was a problem with the request.", "PROPERTY_DOESNT_EXIST", (string)filter["propertyName"]!));
        }
        var rows = store.Rows.Where(r => r.Type == type && !r.Archived && r.SearchableFrom <= requests && groups.Any(g => g!["filters"]!.AsArray().All(f => Matches(r, f!)))).ToList();
        return SimulatedAnswer.Json(200, new JsonObject
        {
            ["total"] = rows.Count,
            ["results"] = new JsonArray([.. rows.Take((int?)body?["limit"] ?? 10).Select(r => (JsonNode)Shown(r, (body?["properties"] as JsonArray ?? []).Select(p => (string)p!)))]),
        });
    }

    private static bool Matches(HubSpotRow row, JsonNode filter)
    {
        var (value, wanted) = (row.Properties.GetValueOrDefault((string)filter["propertyName"]!) ?? "", (string?)filter["value"] ?? "");
        return (string)filter["operator"]! switch
        {
            "EQ" => string.Equals(value, wanted, StringComparison.OrdinalIgnoreCase),
            "CONTAINS_TOKEN" => value.Split([' ', ',', '.', '-', '&'], StringSplitOptions.RemoveEmptyEntries).Contains(wanted, StringComparer.OrdinalIgnoreCase),
            _ => false,
        };
    }

    private Dictionary<string, string> RateHeaders(IReadOnlyDictionary<string, string> headers) => new(headers)
    {
        ["X-HubSpot-RateLimit-Daily"] = "650000",
        ["X-HubSpot-RateLimit-Daily-Remaining"] = (650_000 - requests).ToString(CultureInfo.InvariantCulture),
        ["X-HubSpot-RateLimit-Interval-Milliseconds"] = "10000",
        ["X-HubSpot-RateLimit-Max"] = "190",
        ["X-HubSpot-RateLimit-Remaining"] = Math.Max(0, 190 - requests).ToString(CultureInfo.InvariantCulture),
    };
}
