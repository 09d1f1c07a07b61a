using System.Text;
using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Analysis;

namespace LeadPipeline.Worker.Tests.Analysis;

public class RulesAnalyzerTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static EvidenceSnapshot Snapshot(params (string Path, object Value)[] leaves) =>
        new(leaves.ToDictionary(l => l.Path, l => new EvidenceLeaf(JsonSerializer.SerializeToElement(l.Value), "test", "-", Now), StringComparer.Ordinal), Now);

    private static JsonElement Analyze(params (string Path, object Value)[] leaves) =>
        JsonElement.Parse(new RulesAnalyzer().Analyze(Snapshot(leaves)).Json.Span);

    private static string Judgement(JsonElement answer) =>
        $"{answer.GetProperty("intent").GetString()} {answer.GetProperty("decision").GetString()} {answer.GetProperty("fitScore").GetInt32()}";

    private static (string, object)[] Known(int icp, int engagement) =>
        [("enrichment.company", "Acme"), ("computed.icpScore", icp), ("marketing.pageViews", 3), ("computed.engagementScore", engagement)];

    [TestCase(100, 100, "HIGH_FIT ROUTE_TO_SDR 100")]
    [TestCase(70, 70, "HIGH_FIT ROUTE_TO_SDR 70")]
    [TestCase(69, 69, "MEDIUM_FIT ROUTE_TO_SDR 69")]
    [TestCase(60, 60, "MEDIUM_FIT ROUTE_TO_SDR 60")]
    [TestCase(59, 59, "MEDIUM_FIT NURTURE 59")]
    [TestCase(40, 40, "MEDIUM_FIT NURTURE 40")]
    [TestCase(39, 39, "LOW_FIT IGNORE 39")]
    [TestCase(0, 0, "LOW_FIT IGNORE 0")]
    public void Should_judge_by_the_score(int icp, int engagement, string expected)
    {
        var answer = Analyze(Known(icp, engagement));

        Assert.That(Judgement(answer), Is.EqualTo(expected));
    }

    [TestCase("marketing.pricingPageViews", 3, 45)]
    [TestCase("marketing.pricingPageViews", 2, 40)]
    [TestCase("marketing.webinarsAttended", 1, 45)]
    [TestCase("product.trialStartedAt", "2026-02-01T00:00:00Z", 45)]
    [TestCase("product.activeUsers", 4, 40)]
    [TestCase("product.activeUsers", 5, 45)]
    [TestCase("product.activeUsers", 20, 50)]
    [TestCase("crm.openOpportunities", 1, 45)]
    [TestCase("crm.leadStatus", "Disqualified", 20)]
    [TestCase("crm.leadStatus", "Working", 40)]
    [TestCase("computed.freeEmailProvider", true, 30)]
    [TestCase("computed.disposableEmail", true, 0)]
    [TestCase("computed.disposableEmail", false, 40)]
    public void Should_add_up_as_documented(string path, object value, int expected)
    {
        var answer = Analyze([.. Known(40, 40), (path, value)]);

        Assert.That(answer.GetProperty("fitScore").GetInt32(), Is.EqualTo(expected));
    }

    [Test]
    public void Should_call_strong_behaviour_high_even_with_no_company_behind_it()
    {
        var answer = Analyze(("marketing.pageViews", 40), ("computed.engagementScore", 85));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Judgement(answer), Is.EqualTo("HIGH_FIT ROUTE_TO_SDR 85"));
            Assert.That(answer.GetProperty("evidence").EnumerateArray().Select(e => e.GetProperty("claimType").GetString()), Has.None.EqualTo("FIRMOGRAPHIC"));
        }
    }

    [Test]
    public void Should_say_low_when_nothing_is_known()
    {
        var answer = Analyze(("lead.company", "Acme"), ("computed.freeEmailProvider", false));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Judgement(answer), Is.EqualTo("LOW_FIT IGNORE 0"));
            Assert.That(answer.GetProperty("evidence").GetArrayLength(), Is.Zero);
        }
    }

    [Test]
    public void Should_cite_values_as_they_stand_and_in_the_order_of_the_contract()
    {
        var answer = new RulesAnalyzer().Analyze(Snapshot(("enrichment.company", "Société Générale"), ("enrichment.employees", "5000-10000"), ("enrichment.techStack", new[] { "AWS" }), ("computed.icpScore", 80)));

        Assert.That(Encoding.UTF8.GetString(answer.Json.Span), Is.EqualTo(
            """{"evidence":[{"source":"COMPUTED","fieldPath":"computed.icpScore","claimType":"SCORE","value":80,"central":true},"""
            + """{"source":"ENRICHMENT","fieldPath":"enrichment.company","claimType":"FIRMOGRAPHIC","value":"Société Générale","central":true},"""
            + """{"source":"ENRICHMENT","fieldPath":"enrichment.employees","claimType":"FIRMOGRAPHIC","value":"5000-10000","central":false},"""
            + """{"source":"ENRICHMENT","fieldPath":"enrichment.techStack","claimType":"FIRMOGRAPHIC","value":["AWS"],"central":false}],"""
            + """ "reasoning":"The person is at Société Générale. Its head count is 5000-10000. The profile score is 80. Together that makes 60.",""".TrimStart()
            + """ "intent":"MEDIUM_FIT","decision":"ROUTE_TO_SDR","fitScore":60}""".TrimStart()));
    }

    [TestCase("Acme", "Acme GmbH", "acme.com", false)]
    [TestCase("ACME Software, Inc.", "Acme GmbH", "acme.com", false)]
    [TestCase("IBM", "International Business Machines Corporation", "x.com", false)]
    [TestCase("Google", "Alphabet Inc.", "google.com", false)]
    [TestCase("メルカリ", "Mercari, Inc.", "mercari.com", false)]
    [TestCase("Loreal", "L'Oréal S.A.", "loreal.com", false)]
    [TestCase("Mercado Libre", "MercadoLibre, Inc.", "mercadolibre.com", false)]
    [TestCase("Freelancer", "Acme GmbH", "acme.com", false)]
    [TestCase("n/a", "Acme GmbH", "acme.com", false)]
    [TestCase("-", "Acme GmbH", "acme.com", false)]
    [TestCase("Contoso Industries", "Siemens AG", "siemens.com", true)]
    [TestCase("Fabrikam Bank AB", "Klarna Bank AB", "klarna.com", true)]
    [TestCase("Globex", "Acme GmbH", null, true)]
    public void Should_take_the_person_at_their_word_only_when_the_companies_clearly_differ(string stated, string known, string? domain, bool differ)
    {
        (string, object)[] leaves = [("lead.company", stated), ("enrichment.company", known), ("computed.icpScore", 90)];

        var answer = Analyze(domain is null ? leaves : [.. leaves, ("enrichment.domain", domain)]);

        var claim = answer.GetProperty("evidence").EnumerateArray().Single(e => e.GetProperty("fieldPath").GetString() == "enrichment.company");
        Assert.That(claim.GetProperty("value").GetString(), Is.EqualTo(differ ? stated : known));
    }
}
