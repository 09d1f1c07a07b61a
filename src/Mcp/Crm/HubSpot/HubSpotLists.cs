using LeadPipeline.Mcp.Crm.Http;

namespace LeadPipeline.Mcp.Crm.HubSpot;

/// <summary>What hardly ever changes and is asked for with many leads: owners, and campaigns. Kept for five minutes.</summary>
internal sealed class HubSpotLists(HubSpotClient client, HubSpotOptions options, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Keep = TimeSpan.FromMinutes(5);
    private readonly SemaphoreSlim gate = new(1, 1);
    private (DateTimeOffset At, IReadOnlyList<CrmRecord> Records)? campaigns, owners;

    /// <summary>The campaigns: the options of a property of contacts. HubSpot's own campaigns are assets of Marketing Hub and hold no contacts.</summary>
    /// <exception cref="CrmUnavailableException">HubSpot did not answer, or not now.</exception>
    public async Task<IReadOnlyList<CrmRecord>> CampaignsAsync(CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken);
        try
        {
            if (campaigns is { } known && time.GetUtcNow() - known.At < Keep)
                return known.Records;
            var property = await client.GetAsync("list_campaigns", $"crm/properties/{options.ApiVersion}/contacts/{options.CampaignProperty}", cancellationToken);
            var records = Items(property?["options"])
                .Where(o => !((bool?)o["hidden"] ?? false))
                .Select(o => Record(CrmObject.Campaign, (string)o["value"]!, (CrmFields.Name, (string?)o["label"])))
                .ToList();
            campaigns = (time.GetUtcNow(), records);
            return records;
        }
        finally
        {
            _ = gate.Release();
        }
    }

    /// <summary>The people who can own records.</summary>
    /// <exception cref="CrmUnavailableException">HubSpot did not answer, or not now.</exception>
    public async Task<IReadOnlyList<CrmRecord>> OwnersAsync(CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken);
        try
        {
            if (owners is { } known && time.GetUtcNow() - known.At < Keep)
                return known.Records;
            var records = new List<CrmRecord>();
            for (string? after = ""; after is not null;)
            {
                var next = after.Length == 0 ? "" : "&after=" + Uri.EscapeDataString(after);
                var page = await client.GetAsync("list_owners", $"crm/owners/{options.ApiVersion}?limit=500{next}", cancellationToken);
                records.AddRange(Items(page?["results"]).Where(o => !((bool?)o["archived"] ?? false)).Select(o => Record(CrmObject.User, (string)o["id"]!,
                    (CrmFields.Email, (string?)o["email"]), (CrmFields.Name, $"{(string?)o["firstName"]} {(string?)o["lastName"]}".Trim()))));
                after = (string?)page?["paging"]?["next"]?["after"];
            }
            owners = (time.GetUtcNow(), records);
            return records;
        }
        finally
        {
            _ = gate.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => gate.Dispose();

    private static IEnumerable<System.Text.Json.Nodes.JsonNode> Items(System.Text.Json.Nodes.JsonNode? node) =>
        (node as System.Text.Json.Nodes.JsonArray ?? []).OfType<System.Text.Json.Nodes.JsonNode>();

    private static CrmRecord Record(CrmObject kind, string id, params ReadOnlySpan<(string Field, string? Value)> fields)
    {
        var given = new Dictionary<string, string>();
        foreach (var (field, value) in fields)
        {
            if (!string.IsNullOrEmpty(value))
                given[field] = value;
        }
        return new CrmRecord(kind, id, given, "1");
    }
}
