using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm.Http;

namespace LeadPipeline.Mcp.Crm.HubSpot;

/// <summary>Looks at an account with reads only and says what is missing: token, scopes, properties, pipeline, association types.</summary>
internal sealed class HubSpotProbe(HubSpotClient client, HubSpotSchema schema, HubSpotOptions options)
{
    private static readonly string[] Types = [HubSpotSchema.Contacts, HubSpotSchema.Companies, HubSpotSchema.Deals, HubSpotSchema.Tasks, HubSpotSchema.Notes];

    public async Task<IReadOnlyList<CrmFinding>> ProbeAsync(CancellationToken cancellationToken)
    {
        var findings = new List<CrmFinding>();
        foreach (var type in Types)
        {
            var (body, trouble) = await GetAsync($"crm/properties/{options.ApiVersion}/{type}", $"crm.schemas.{Scope(type)}.read", cancellationToken);
            findings.Add(trouble is null ? Properties(type, body) : new($"properties of {type}", false, trouble));
            // Without an address or a token every further answer would be the same.
            if (trouble is not null && findings.Count == 1 && !trouble.Contains("scope", StringComparison.Ordinal))
                return [new("login", false, trouble)];
        }
        var (pipelines, noPipelines) = await GetAsync($"crm/pipelines/{options.ApiVersion}/{HubSpotSchema.Deals}", "crm.objects.deals.read", cancellationToken);
        findings.Add(noPipelines is null ? Pipeline(pipelines) : new("pipeline", false, noPipelines));
        var (_, noOwners) = await GetAsync($"crm/owners/{options.ApiVersion}?limit=1", "crm.objects.owners.read", cancellationToken);
        findings.Add(new("owners", noOwners is null, noOwners ?? "can be read"));
        findings.Add(await AssociationsAsync(cancellationToken));
        return findings;
    }

    /// <summary>Which properties are missing or not as we need them.</summary>
    private CrmFinding Properties(string type, JsonNode? body)
    {
        var there = Items(body?["results"]).Where(p => p["name"] is not null).DistinctBy(p => (string)p["name"]!).ToDictionary(p => (string)p["name"]!);
        var wanted = schema.Properties(type).Where(p => p.Length > 0).ToList();
        var missing = wanted.Where(p => !there.ContainsKey(p)).ToList();
        var common = wanted.Where(p => (p == options.EffectProperty || p == options.KeyProperty) && there.ContainsKey(p) && !((bool?)there[p]["hasUniqueValue"] ?? false)).ToList();
        var problems = new List<string>();
        if (missing.Count > 0)
            problems.Add($"there is no property {string.Join(", ", missing)}; create it, or name another one in the HubSpot section");
        if (common.Count > 0)
            problems.Add($"{string.Join(", ", common)} must be a unique property; create it anew with unique values");
        return new($"properties of {type}", problems.Count == 0, problems.Count == 0 ? $"all {wanted.Count} are there" : string.Join("; ", problems));
    }

    private CrmFinding Pipeline(JsonNode? body)
    {
        var pipelines = Items(body?["results"]).ToList();
        if (pipelines.Find(p => (string?)p["id"] == options.PipelineId) is not { } pipeline)
            return new("pipeline", false, $"there is no deal pipeline '{options.PipelineId}'; HubSpot:PipelineId may be one of {string.Join(", ", pipelines.Select(p => (string?)p["id"]))}");
        var stages = Items(pipeline["stages"]).Select(s => (string?)s["id"]).ToList();
        var unknown = schema.StageIds.Where(s => !stages.Contains(s)).ToList();
        return new("pipeline", unknown.Count == 0, unknown.Count == 0
            ? $"'{options.PipelineId}' has all stages"
            : $"the pipeline '{options.PipelineId}' has no stage {string.Join(", ", unknown)}; set HubSpot:Stages to some of {string.Join(", ", stages)}");
    }

    private async Task<CrmFinding> AssociationsAsync(CancellationToken cancellationToken)
    {
        foreach (var ((from, to), id) in HubSpotSchema.AssociationTypes)
        {
            var (body, trouble) = await GetAsync($"crm/associations/{options.ApiVersion}/{from}/{to}/labels", $"crm.objects.{Scope(from)}.read", cancellationToken);
            if (trouble is not null)
                return new("associations", false, trouble);
            if (!Items(body?["results"]).Any(t => (string?)t["category"] == "HUBSPOT_DEFINED" && t["typeId"]?.ToJsonString() == id.ToString(System.Globalization.CultureInfo.InvariantCulture)))
                return new("associations", false, $"the account knows no association type {id} from {from} to {to}; this version of LeadPipeline cannot tie them together");
        }
        return new("associations", true, "all types are as documented");
    }

    private async Task<(JsonNode? Body, string? Trouble)> GetAsync(string path, string scope, CancellationToken cancellationToken) =>
        await client.SendAsync("probe", HttpMethod.Get, path, null, cancellationToken) switch
        {
            VendorReply.Answer { Status: 200 } answer => (answer.Body, null),
            VendorReply.Answer { Status: 403 } => (null, $"the token has not the scope {scope}; add it to the service key or app"),
            VendorReply.Answer { Status: 404 } => (null, $"HubSpot does not know the path of version {options.ApiVersion}; check HubSpot:ApiVersion and HubSpot:BaseUrl"),
            VendorReply.NotTaken { Kind: NotNowKind.Unauthorized } => (null, "HubSpot refuses the access token; check HUBSPOT_ACCESS_TOKEN"),
            var reply => (null, $"{client.Unavailable(reply).Message}; check HubSpot:BaseUrl and the network"),
        };

    private static string Scope(string type) => type is HubSpotSchema.Tasks or HubSpotSchema.Notes ? HubSpotSchema.Contacts : type;

    private static IEnumerable<JsonNode> Items(JsonNode? node) => (node as JsonArray ?? []).OfType<JsonNode>();
}
