using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Intake.Webhooks.Payloads;

namespace LeadPipeline.Worker.Intake.Webhooks.Lookups;

/// <summary>Reads contacts, a hundred at a time.</summary>
internal sealed class HubSpotLookup(VendorReader reader) : ILeadLookup
{
    public const string DefaultAddress = "https://api.hubapi.com";

    private const int Batch = 100;

    private static readonly string[] Properties = ["email", "firstname", "lastname", "company", "jobtitle", "phone", "mobilephone", "website", "country", "message", "hs_analytics_source", "createdate"];

    public async Task<LookupResult> FindAsync(IReadOnlyList<string> ids, CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var some in ids.Chunk(Batch))
        {
            var question = new JsonObject
            {
                ["inputs"] = new JsonArray([.. some.Select(id => (JsonNode)new JsonObject { ["id"] = id })]),
                ["properties"] = new JsonArray([.. Properties.Select(p => (JsonNode)p)]),
                // Not wanted, and required all the same.
                ["propertiesWithHistory"] = new JsonArray(),
            };
            var (answer, trouble) = await reader.AskAsync("crm/objects/2026-03/contacts/batch/read", question, cancellationToken);
            if (trouble is not null)
                return trouble;
            // A mixed answer (207) lists whom it found; the others are contacts that are gone.
            foreach (var contact in JsonSerializer.SerializeToElement(answer).At("results").Items())
            {
                if (contact.Text("id") is { } id)
                    found[id] = Lead(id, contact);
            }
        }
        return new LookupResult.Found(found);
    }

    private static JsonElement Lead(string id, JsonElement contact)
    {
        string? Property(string name) => contact.Text("properties", name);

        return new LeadDraft()
            .Set("externalId", id)
            .Set("email", Property("email"))
            .Set("firstName", Property("firstname"))
            .Set("lastName", Property("lastname"))
            .Set("company", Property("company"))
            .Set("title", Property("jobtitle"))
            .Set("phone", Property("phone") ?? Property("mobilephone"))
            .Set("website", Property("website"))
            .Set("country", Property("country"))
            .Set("message", Property("message"))
            .Custom("hs_analytics_source", Property("hs_analytics_source"))
            .ReceivedAt(Property("createdate"))
            .ToElement();
    }
}
