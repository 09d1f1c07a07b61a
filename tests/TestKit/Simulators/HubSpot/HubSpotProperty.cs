using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LeadPipeline.TestKit.Simulators.HubSpot;

/// <summary>A property as an account defines it.</summary>
/// <param name="Name">Internal name.</param>
/// <param name="Type"><c>string</c>, <c>number</c>, <c>datetime</c> or <c>enumeration</c>.</param>
public sealed partial record HubSpotProperty(string Name, string Type = "string")
{
    /// <summary>Whether no two records may have the same value.</summary>
    public bool Unique { get; init; }
    /// <summary>Whether HubSpot alone sets it.</summary>
    public bool ReadOnly { get; init; }
    /// <summary>Values of an enumeration.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];
    /// <summary>Whether an enumeration takes several values.</summary>
    public bool Several { get; init; }

    /// <summary>The value as HubSpot keeps it, or the code of the refusal.</summary>
    public (string? Value, string? Refusal) Take(string value, string? before)
    {
        if (ReadOnly)
            return (null, "READ_ONLY_VALUE");
        if (value.Length == 0)
            return ("", null);
        switch (Type)
        {
            case "number":
                return decimal.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
                    ? (number.ToString("0.##########", CultureInfo.InvariantCulture), null)
                    : (null, "INVALID_INTEGER");
            case "datetime":
                if (long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds))
                    return (DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture), null);
                return Iso().IsMatch(value) && DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, out var time)
                    ? (time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture), null)
                    : (null, "INVALID_DATE");
            case "enumeration" when Several:
                var parts = value.Split(';', StringSplitOptions.RemoveEmptyEntries);
                if (!parts.All(Options.Contains))
                    return (null, "INVALID_OPTION");
                var all = value[0] == ';' ? (before ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries).Concat(parts) : parts;
                return (string.Join(';', all.Distinct()), null);
            case "enumeration":
                return Options.Contains(value) ? (value, null) : (null, "INVALID_OPTION");
            default:
                return Name == "email" && !Email().IsMatch(value) ? (null, "INVALID_EMAIL") : (Name == "email" ? value.ToLowerInvariant() : value, null);
        }
    }

    /// <summary>The definition as the properties endpoint shows it.</summary>
    public JsonObject ToJson() => new()
    {
        ["name"] = Name,
        ["label"] = Name,
        ["description"] = "",
        ["groupName"] = "information",
        ["type"] = Type,
        ["fieldType"] = Type switch { "enumeration" => Several ? "checkbox" : "select", "number" => "number", "datetime" => "date", _ => "text" },
        ["hasUniqueValue"] = Unique,
        ["options"] = new JsonArray([.. Options.Select((o, i) => (JsonNode)new JsonObject { ["value"] = o, ["label"] = o.Replace('-', ' '), ["hidden"] = false, ["displayOrder"] = i })]),
    };

    [GeneratedRegex(@"\A\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z\z", RegexOptions.CultureInvariant)]
    private static partial Regex Iso();

    [GeneratedRegex(@"\A[^@\s]+@[^@\s]+\.[^@\s]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex Email();
}

/// <summary>What an account that is set up for LeadPipeline has.</summary>
public static class HubSpotAccount
{
    /// <summary>The pipeline that every account begins with; the last two stages are closed.</summary>
    public static readonly string[] Stages =
        ["appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "decisionmakerboughtin", "contractsent", "closedwon", "closedlost"];

    /// <summary>Properties by type: HubSpot's own, as far as they are of interest, and those that an operator creates for us.</summary>
    public static Dictionary<string, Dictionary<string, HubSpotProperty>> Properties() => new()
    {
        ["contacts"] = Table(
            [
                new("email") { Unique = true }, new("hs_additional_emails") { ReadOnly = true }, new("associatedcompanyid", "number") { ReadOnly = true },
                new("hs_lead_status", "enumeration") { Options = ["NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT", "CONNECTED", "BAD_TIMING"] },
                new("leadpipeline_key") { Unique = true }, new("leadpipeline_effect") { Unique = true },
                new("leadpipeline_campaign", "enumeration") { Options = ["CMP-SPRING", "CMP-WEBINAR"], Several = true },
                new("leadpipeline_score", "number"), new("leadpipeline_founded_year", "number"), new("leadpipeline_enrichment_confidence", "number"), new("leadpipeline_enriched_at", "datetime"),
            ],
            "firstname", "lastname", "company", "jobtitle", "phone", "website", "country", "message", "hubspot_owner_id", "leadpipeline_source", "leadpipeline_intent",
            "leadpipeline_industry", "leadpipeline_employees", "leadpipeline_revenue", "leadpipeline_tech_stack", "leadpipeline_geo", "leadpipeline_tags", "leadpipeline_enrichment_provider"),
        ["companies"] = Table(
            [
                new("leadpipeline_key") { Unique = true }, new("leadpipeline_effect") { Unique = true },
                new("industry", "enumeration") { Options = ["COMPUTER_SOFTWARE", "BANKING"] }, new("numberofemployees", "number"),
            ],
            "name", "domain", "phone", "country", "website", "hubspot_owner_id", "leadpipeline_industry", "leadpipeline_employees"),
        ["deals"] = Table(
            [
                new("leadpipeline_effect") { Unique = true }, new("closedate", "datetime"), new("amount", "number"), new("hs_is_closed") { ReadOnly = true },
                new("pipeline", "enumeration") { Options = ["default"] }, new("dealstage", "enumeration") { Options = Stages },
                new("deal_currency_code", "enumeration") { Options = ["USD", "EUR"] },
            ],
            "dealname", "hubspot_owner_id"),
        ["tasks"] = Table(
            [
                new("leadpipeline_effect") { Unique = true }, new("hs_timestamp", "datetime"),
                new("hs_task_status", "enumeration") { Options = ["NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "DEFERRED"] },
                new("hs_task_priority", "enumeration") { Options = ["NONE", "LOW", "MEDIUM", "HIGH"] }, new("hs_task_type", "enumeration") { Options = ["TODO", "EMAIL", "CALL"] },
            ],
            "hs_task_subject", "hs_task_body", "hubspot_owner_id"),
        ["notes"] = Table([new("leadpipeline_effect") { Unique = true }, new("hs_timestamp", "datetime")], "hs_note_body", "hubspot_owner_id"),
    };

    /// <summary>HubSpot's own association types.</summary>
    public static readonly IReadOnlyDictionary<int, (string From, string To)> AssociationTypes = new Dictionary<int, (string, string)>
    {
        [279] = ("contacts", "companies"),
        [280] = ("companies", "contacts"),
        [3] = ("deals", "contacts"),
        [4] = ("contacts", "deals"),
        [341] = ("deals", "companies"),
        [342] = ("companies", "deals"),
        [204] = ("tasks", "contacts"),
        [192] = ("tasks", "companies"),
        [216] = ("tasks", "deals"),
        [202] = ("notes", "contacts"),
        [190] = ("notes", "companies"),
        [214] = ("notes", "deals"),
    };

    private static Dictionary<string, HubSpotProperty> Table(HubSpotProperty[] special, params ReadOnlySpan<string> texts)
    {
        var table = special.ToDictionary(p => p.Name);
        foreach (var text in texts)
            table[text] = new HubSpotProperty(text);
        foreach (var own in (string[])["hs_object_id", "createdate", "lastmodifieddate"])
            table[own] = new HubSpotProperty(own) { ReadOnly = true };
        return table;
    }
}
