using System.Text.Json.Nodes;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Intake;

/// <summary>Says in which fields a copy differs from the lead that it is a copy of.</summary>
public static class LeadDiff
{
    /// <summary>
    /// Names of the differing fields, in the order of the contract, members as <c>customFields.budget</c>. The id, the
    /// sender's trust and the time of receipt are not content: a copy differs in them by nature.
    /// </summary>
    public static IReadOnlyList<string> Fields(Lead first, Lead copy)
    {
        var names = new List<string>();
        Text("externalId", first.ExternalId, copy.ExternalId);
        Text("source", first.Source, copy.Source);
        Text("email", first.Email, copy.Email);
        Text("firstName", first.FirstName, copy.FirstName);
        Text("lastName", first.LastName, copy.LastName);
        Text("company", first.Company, copy.Company);
        Text("title", first.Title, copy.Title);
        Text("phone", first.Phone, copy.Phone);
        Text("website", first.Website, copy.Website);
        Text("country", first.Country, copy.Country);
        Text("message", first.Message, copy.Message);
        Text("campaignId", first.CampaignId, copy.CampaignId);
        foreach (var key in first.CustomFields.Keys.Union(copy.CustomFields.Keys).Order(StringComparer.Ordinal))
            Text("customFields." + key, first.CustomFields.GetValueOrDefault(key), copy.CustomFields.GetValueOrDefault(key));
        Block("enrichment", first.Enrichment, copy.Enrichment);
        Block("marketing", first.Marketing, copy.Marketing);
        Block("product", first.Product, copy.Product);
        return names;

        void Text(string name, string? one, string? other)
        {
            if (!string.Equals(one, other, StringComparison.Ordinal))
                names.Add(name);
        }

        void Block(string name, JsonObject? one, JsonObject? other)
        {
            if (one is null && other is null)
                return;
            foreach (var key in (one ?? []).Select(m => m.Key).Union((other ?? []).Select(m => m.Key)).Order(StringComparer.Ordinal))
                if (!JsonNode.DeepEquals(one?[key], other?[key]))
                    names.Add($"{name}.{key}");
        }
    }
}
