using System.Globalization;
using System.Text.Json;
using LeadPipeline.TestKit;

namespace LeadPipeline.Bench;

/// <summary>
/// Makes leads as a web form with a marketing system behind it would send them: people at known companies and at none, with much, some and
/// hardly any engagement, so that about a third each is routed, nurtured and ignored. The same seed gives the same leads.
/// </summary>
internal sealed class LeadGenerator(int seed)
{
    private static readonly string[] First = ["Anna", "Jonas", "Maria", "Lars", "Sofía", "Pierre", "Eva", "Tomasz", "Inês", "Noah", "Zoë", "Ali", "Greta", "Paul", "Chiara", "Søren"];
    private static readonly string[] Last = ["Muster", "Exemple", "Ejemplo", "Eksempel", "Przykład", "Esempio", "Voorbeeld", "Beispiel", "Exemplo", "Sample", "Příklad", "Példa"];
    private static readonly string[] Titles = ["Head of Revenue Operations", "VP Sales", "RevOps Lead", "Sales Enablement Manager", "CEO", "Student", "IT Manager", "Marketing Director"];
    private static readonly string[] Messages =
    [
        "We are looking for a solution for our sales team and would like to see a demo next week.",
        "Wir suchen eine Lösung für unser Team. Bitte um Rückruf.",
        "Pouvez-vous nous rappeler cette semaine ?",
        "How does your pricing work for larger teams? We need SSO and an EU data centre.",
        "I saw your talk and want to learn more about the integration with our CRM.",
    ];
    private static readonly string[] Campaigns = ["CMP-SPRING", "CMP-WEBINAR", "CMP-PARTNER"];

    private readonly (string Domain, string Name, string Country)[] companies = Companies();
#pragma warning disable CA5394 // Repeatable is what it has to be.
    private readonly Random random = new(seed);

    /// <summary>The n-th lead as a body, in UTF-8.</summary>
    public byte[] Next(int number)
    {
        var (first, last) = (Pick(First), Pick(Last));
        var kind = number % 3;
        var (domain, name, country) = kind == 2 ? ("gmail.com", "", "Germany") : Pick(companies);
        var lead = new Dictionary<string, object?>
        {
            ["externalId"] = string.Create(CultureInfo.InvariantCulture, $"B-{seed}-{number}"),
            ["email"] = string.Create(CultureInfo.InvariantCulture, $"lead{seed}.{number}@{domain}"),
            ["firstName"] = first,
            ["lastName"] = last,
            ["title"] = Pick(Titles),
            ["country"] = country,
            ["message"] = Pick(Messages),
            ["phone"] = string.Create(CultureInfo.InvariantCulture, $"+49 30 5550 {random.Next(1000, 9999)}"),
        };
        if (name.Length > 0)
            lead["company"] = name;
        if (random.Next(3) == 0)
            lead["campaignId"] = Pick(Campaigns);
        lead["marketing"] = kind switch
        {
            0 => Marketing(opens: random.Next(12, 20), clicks: random.Next(6, 12), views: random.Next(18, 40), prices: random.Next(3, 7), webinars: random.Next(1, 3)),
            1 => Marketing(opens: random.Next(6, 11), clicks: random.Next(2, 5), views: random.Next(9, 16), prices: random.Next(1, 3), webinars: 0),
            _ => Marketing(opens: random.Next(0, 3), clicks: 0, views: random.Next(1, 3), prices: 0, webinars: 0),
        };
        if (kind == 0)
            lead["product"] = new { trialStartedAt = "2025-10-02T08:00:00Z", activeUsers = random.Next(5, 30), keyFeatureUses = random.Next(10, 50) };
        return JsonSerializer.SerializeToUtf8Bytes(lead);
    }

    private T Pick<T>(T[] from) => from[random.Next(from.Length)];
#pragma warning restore CA5394

    private static object Marketing(int opens, int clicks, int views, int prices, int webinars) =>
        new { emailOpens = opens, emailClicks = clicks, pageViews = views, pricingPageViews = prices, webinarsAttended = webinars };

    private static (string, string, string)[] Companies() =>
        [.. File.ReadLines(CompaniesFile).Skip(1).Select(l => l.Split(',')).Where(f => f.Length >= 5 && !f[1].Contains('"', StringComparison.Ordinal)).Select(f => (f[0], f[1], f[4]))];

    /// <summary>The directory that the worker enriches leads from.</summary>
    public static string CompaniesFile => Repository.PathOf("samples/companies.csv");
}
