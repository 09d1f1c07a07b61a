using System.Globalization;
using System.Text.Json.Nodes;

namespace LeadPipeline.Integration.Tests;

/// <summary>Leads of every kind in turn: to be routed, to be nurtured, to be ignored, to be rejected, and a second one of the same person.</summary>
internal static class GeneratedLeads
{
    public static JsonObject Lead(int number) => (number % 5) switch
    {
        0 => Person(number, Company(number, 3000, "Munich, Bavaria, Germany"), new JsonObject { ["emailOpens"] = 14, ["emailClicks"] = 6, ["pageViews"] = 22, ["pricingPageViews"] = 4, ["webinarsAttended"] = 1 }),
        1 => Person(number, Company(number, 30, "Nairobi, Kenya"), new JsonObject { ["emailOpens"] = 6, ["pageViews"] = 12, ["pricingPageViews"] = 2, ["webinarsAttended"] = 1 }),
        2 => Person(number, null, null),
        3 => Person(number, Company(number, 900, "Lyon, France"), null, statedCompany: "Altogether Different Holdings"),
        // The person of the routed lead before, again: one CRM record for two leads.
        _ => Person(number, Company(number - 4, 3000, "Munich, Bavaria, Germany"), new JsonObject { ["pageViews"] = 30, ["pricingPageViews"] = 4 }, person: number - 4),
    };

    public static string Lines(int count) => string.Concat(Enumerable.Range(0, count).Select(i => Lead(i).ToJsonString() + "\n"));

    private static JsonObject Person(int number, JsonObject? enrichment, JsonObject? marketing, string? statedCompany = null, int? person = null)
    {
        var who = (person ?? number).ToString(CultureInfo.InvariantCulture);
        var lead = new JsonObject
        {
            ["externalId"] = $"G-{number}",
            ["source"] = "generated",
            ["email"] = $"person{who}@company{who}.example",
            ["firstName"] = "Person",
            ["lastName"] = $"Number{who}",
            ["company"] = statedCompany ?? $"Company {who}",
        };
        if (enrichment is not null)
            lead["enrichment"] = enrichment;
        if (marketing is not null)
            lead["marketing"] = marketing;
        return lead;
    }

    private static JsonObject Company(int number, int employees, string geo) => new()
    {
        ["company"] = $"Company {number}",
        ["domain"] = $"company{number}.example",
        ["industry"] = "Software",
        ["employees"] = employees,
        ["geo"] = geo,
        ["techStack"] = new JsonArray("AWS", "Kubernetes"),
    };
}
