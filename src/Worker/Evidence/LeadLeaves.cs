using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Evidence;

/// <summary>A lead's own statements as leaves under <c>lead.*</c>: kept as typed, never believed.</summary>
internal static class LeadLeaves
{
    private static readonly string[] Blocks = ["enrichment", "marketing", "product"];

    /// <summary>The leaves of a normalised lead. Blocks of an untrusted sender are kept under <c>lead.claimed.*</c>.</summary>
    public static IEnumerable<(string Path, JsonElement Value)> Of(Lead lead)
    {
        var stated = new (string Name, string? Text)[]
        {
            ("leadId", lead.LeadId.ToString()), ("externalId", lead.ExternalId), ("source", lead.Source), ("email", lead.Email),
            ("firstName", lead.FirstName), ("lastName", lead.LastName), ("company", lead.Company), ("title", lead.Title),
            ("phone", lead.Phone), ("website", lead.Website), ("country", lead.Country), ("message", lead.Message),
            ("campaignId", lead.CampaignId),
        };
        foreach (var (name, text) in stated)
        {
            if (!string.IsNullOrWhiteSpace(text))
                yield return ("lead." + name, LeafValue.Of(text));
        }
        yield return ("lead.receivedAt", LeafValue.Of(lead.ReceivedAt));

        foreach (var (name, text) in lead.CustomFields)
        {
            if (!string.IsNullOrWhiteSpace(text))
                yield return ("lead.customFields." + name, LeafValue.Of(text));
        }

        if (lead.Trusted)
            yield break;
        foreach (var (block, values) in new[] { ("enrichment", lead.Enrichment), ("marketing", lead.Marketing), ("product", lead.Product) })
        {
            foreach (var (name, node) in values ?? [])
            {
                if (LeafValue.TryTake(node, out var leaf))
                    yield return ($"lead.claimed.{block}.{name}", leaf);
            }
        }
    }

    /// <summary>The leaves of a lead as raw JSON, which need not be a valid lead. Members that are no lead field count as custom fields.</summary>
    public static IEnumerable<(string Path, JsonElement Value)> Of(JsonElement lead) => lead.EnumerateObject().SelectMany(Member);

    private static IEnumerable<(string Path, JsonElement Value)> Member(JsonProperty member)
    {
        if (!TryName(member, out var name))
            return [];
        var value = member.Value;
        return name switch
        {
            "customFields" when value.ValueKind == JsonValueKind.Object => CustomFields(value),
            "claimed" when value.ValueKind == JsonValueKind.Object => Nested(value).Where(b => Blocks.Contains(b.Name)).SelectMany(b => Claimed(b.Name, b.Value)),
            "trusted" => [],
            _ when Blocks.Contains(name) => Claimed(name, value),
            _ when EvidenceSchema.TryGet("lead." + name, out _) => LeafValue.TryTake(value, out var leaf) ? [("lead." + name, leaf)] : [],
            _ => Custom(name, value),
        };
    }

    private static IEnumerable<(string Path, JsonElement Value)> CustomFields(JsonElement fields) => Nested(fields).SelectMany(f => Custom(f.Name, f.Value));

    private static IEnumerable<(string Path, JsonElement Value)> Claimed(string block, JsonElement values)
    {
        foreach (var (name, value) in Nested(values))
        {
            if (LeafValue.TryTake(value, out var leaf))
                yield return ($"lead.claimed.{block}.{name}", leaf);
        }
    }

    private static IEnumerable<(string Path, JsonElement Value)> Custom(string name, JsonElement value)
    {
        // Custom fields are strings; what is not a string is kept as its JSON text.
        var text = value.ValueKind switch
        {
            JsonValueKind.String => LeafValue.TryGetText(value, out var read) ? read : null,
            JsonValueKind.Null or JsonValueKind.Undefined => null,
            _ => value.GetRawText(),
        };
        return string.IsNullOrWhiteSpace(text) || name.Length == 0 ? [] : [("lead.customFields." + name, LeafValue.Of(text))];
    }

    private static IEnumerable<(string Name, JsonElement Value)> Nested(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object)
            yield break;
        foreach (var member in element.EnumerateObject())
        {
            if (TryName(member, out var name))
                yield return (name, member.Value);
        }
    }

    private static bool TryName(JsonProperty member, out string name)
    {
        try
        {
            name = member.Name;
            return true;
        }
        catch (InvalidOperationException)
        {
            // A name with half a surrogate pair cannot be read, so nothing can refer to it.
            name = "";
            return false;
        }
    }
}
