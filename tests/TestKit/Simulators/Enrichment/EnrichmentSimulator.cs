using System.Text.Json.Nodes;

namespace LeadPipeline.TestKit.Simulators.Enrichment;

/// <summary>
/// A service that knows companies by domain: <c>GET /v2/companies/find?domain=…</c> with a key in a header. It refuses everything else, as a stranger would be.
/// </summary>
public sealed class EnrichmentSimulator : VendorSimulator
{
    /// <summary>The key that lets in.</summary>
    public const string Key = "enrich-key-1";

    /// <summary>The header that carries it, as it is configured.</summary>
    public const string Header = $"X-Api-Key: {Key}";

    /// <summary>What it knows, by domain.</summary>
    public Dictionary<string, JsonObject> Companies { get; } = new(StringComparer.Ordinal);

    /// <summary>Seconds in <c>Retry-After</c> of a 429; null: none.</summary>
    public int? RetryAfter { get; set; }

    /// <summary>The template that finds companies here.</summary>
    public string UrlTemplate => $"{Address.ToString().TrimEnd('/')}/v2/companies/find?domain={{domain}}&fields=all";

    /// <summary>A service that listens.</summary>
    public static async Task<EnrichmentSimulator> StartAsync()
    {
        var simulator = new EnrichmentSimulator();
        await simulator.ListenAsync();
        return simulator;
    }

    /// <summary>A company as the service describes it.</summary>
    public static JsonObject Company(string name, int employees = 700) => new()
    {
        ["company"] = new JsonObject { ["legal/name"] = name, ["metrics"] = new JsonObject { ["employees"] = employees }, ["sector"] = "Software", ["tags"] = new JsonArray("AWS", "Snowflake") },
        ["sites"] = new JsonArray(new JsonObject { ["address"] = "Lyon, France" }),
    };

    /// <inheritdoc/>
    protected override string OperationOf(SimulatedRequest request) => "find";

    /// <inheritdoc/>
    protected override SimulatedAnswer Answer(string operation, SimulatedRequest request, SimulatorFault.FailPart? part)
    {
        if (request is not { Method: "GET", Path: "/v2/companies/find" } || !request.Query.Keys.Order().SequenceEqual(["domain", "fields"]) || request.Query["fields"] != "all" || request.Body.Length > 0)
            return SimulatedAnswer.Json(400, new JsonObject { ["error"] = "malformed" });
        if (request.Headers.GetValueOrDefault("X-Api-Key") != Key || request.Headers.GetValueOrDefault("Accept") != "application/json")
            return SimulatedAnswer.Json(401, new JsonObject { ["error"] = "unauthorized" });
        return Companies.TryGetValue(request.Query["domain"], out var company) ? SimulatedAnswer.Json(200, company) : SimulatedAnswer.Json(404, new JsonObject { ["error"] = "unknown company" });
    }

    /// <inheritdoc/>
    protected override SimulatedAnswer Refusal(string operation, SimulatorFault.Refuse fault) =>
        SimulatedAnswer.Json(fault.Status, new JsonObject { ["error"] = fault.Code ?? "refused" }) with
        {
            Headers = fault.Status == 429 && RetryAfter is { } seconds ? new Dictionary<string, string> { ["Retry-After"] = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture) }
                : fault.Status is 301 or 302 ? new Dictionary<string, string> { ["Location"] = "http://127.0.0.1:9/elsewhere" }
                : new Dictionary<string, string>(),
        };

    /// <inheritdoc/>
    protected override void RotateTokens() => throw new NotSupportedException("The key does not change.");
}
