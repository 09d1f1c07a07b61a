using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm.Http;

namespace LeadPipeline.Mcp.Crm.Salesforce;

/// <summary>Looks at an org as a doctor does: the login, the version, and every object and field that we need. Reads only.</summary>
internal sealed class SalesforceProbe(SalesforceOptions options, IVendorCredentials credentials, Func<string, CancellationToken, Task<VendorReply>> get)
{
    private readonly List<CrmFinding> findings = [];

    /// <summary>Looks, and stops where nothing further can be seen.</summary>
    public async Task<IReadOnlyList<CrmFinding>> RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            var access = await credentials.GetAsync(cancellationToken);
            findings.Add(new("login", true, $"logged in at {access.BaseAddress.Host}"));
        }
        catch (CrmUnavailableException unavailable)
        {
            findings.Add(new("login", false, unavailable.Message));
            return findings;
        }
        if (!await VersionAsync(cancellationToken))
            return findings;
        foreach (var (kind, custom) in Needed())
            await ObjectAsync(kind, custom, cancellationToken);
        return findings;
    }

    private IEnumerable<(CrmObject Kind, string[] Custom)> Needed()
    {
        var n = options.Fields;
        yield return (CrmObject.Lead, [n.Effect, n.Key, n.Score, n.Intent, n.Tags, n.Account, n.Employees, n.Revenue, n.TechStack, n.Geo, n.FoundedYear, n.EnrichmentProvider, n.EnrichmentConfidence, n.EnrichedAt]);
        yield return (CrmObject.Account, [n.Effect, n.Key, n.Domain, n.Employees]);
        yield return (CrmObject.Contact, [n.Effect]);
        yield return (CrmObject.Opportunity, [n.Effect, n.Lead]);
        yield return (CrmObject.Task, [n.Effect]);
        yield return (CrmObject.CampaignMember, [n.Effect]);
    }

    private async Task<bool> VersionAsync(CancellationToken cancellationToken)
    {
        var reply = await get("/services/data/", cancellationToken);
        if (reply is VendorReply.Answer { Status: 200, Body: JsonArray versions })
        {
            var there = versions.OfType<JsonObject>().Select(v => SalesforceFields.Text(v, "version")).OfType<string>().ToList();
            var well = there.Contains(options.ApiVersion.TrimStart('v'));
            findings.Add(new("version", well, well ? $"{options.ApiVersion} is there" : $"{options.ApiVersion} is not there; the newest is v{there.LastOrDefault()}, set Salesforce:ApiVersion"));
            return well;
        }
        findings.Add(new("version", false, reply is VendorReply.Answer { Status: 200 or 404 } ? "the host is none of Salesforce's; check Salesforce:LoginUrl" : Says(reply)));
        return false;
    }

    private async Task ObjectAsync(CrmObject kind, string[] custom, CancellationToken cancellationToken)
    {
        var name = SalesforceFields.Name(kind);
        var reply = await get($"/services/data/{options.ApiVersion}/sobjects/{name}/describe", cancellationToken);
        if (reply is not VendorReply.Answer { Status: 200, Body: JsonObject describe } || describe["fields"] is not JsonArray list)
        {
            findings.Add(new(name, false, reply is VendorReply.Answer { Status: 404 } ? $"our user does not see {name}; give it the permission to read and create" : Says(reply)));
            return;
        }
        var faults = new List<string>();
        if (!Flag(describe, "createable") || !Flag(describe, "updateable"))
            faults.Add("our user may not create and change it; give it the permission");
        var fields = list.OfType<JsonObject>().ToDictionary(f => SalesforceFields.Text(f, "name") ?? "", StringComparer.OrdinalIgnoreCase);
        foreach (var field in custom)
        {
            if (!fields.TryGetValue(field, out var there))
                faults.Add($"the field {field} is missing or hidden from our user");
            else if (!Flag(there, "createable") || !Flag(there, "updateable"))
                faults.Add($"the field {field} may not be written by our user");
            else if ((field == options.Fields.Effect || field == options.Fields.Key) && (!Flag(there, "externalId") || !Flag(there, "unique")))
                faults.Add($"the field {field} must be an external id and unique");
        }
        if (kind == CrmObject.Opportunity && SalesforceStages.Read(describe) is { } stages)
        {
            var missing = Tools.CrmValues.Stages.Where(s => SalesforceStages.Find(s, options.Stages, stages) is null).ToList();
            if (missing.Count > 0)
                faults.Add($"the sales process has no stage for {string.Join(", ", missing)}; set Salesforce:Stages");
        }
        findings.Add(faults.Count == 0
            ? new(name, true, string.Create(CultureInfo.InvariantCulture, $"{custom.Length} custom fields are there"))
            : new(name, false, string.Join("; ", faults)));
    }

    private static bool Flag(JsonObject node, string name) => node[name] is JsonValue value && value.TryGetValue<bool>(out var flag) && flag;

    private static string Says(VendorReply reply) => reply switch
    {
        VendorReply.NotTaken none => none.Message,
        VendorReply.Lost lost => lost.Message,
        VendorReply.Answer answer => SalesforceErrors.NotNow(SalesforceError.Read(answer.Status, answer.Body)).Message,
        _ => "no answer",
    };
}
