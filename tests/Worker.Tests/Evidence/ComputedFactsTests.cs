using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Evidence;

namespace LeadPipeline.Worker.Tests.Evidence;

public sealed class ComputedFactsTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 10, 12, 0, 0, TimeSpan.Zero);

    [TestCase("gmail.com", true, false)]
    [TestCase("gmx.de", true, false)]
    [TestCase("proton.me", true, false)]
    [TestCase("mailinator.com", false, true)]
    [TestCase("x.mailinator.com", false, true)]
    [TestCase("acme.com", false, false)]
    [TestCase("microsoft.com", false, false)]
    public void Mail_domains_are_known(string domain, bool free, bool disposable)
    {
        Assert.That((EmailDomains.IsFree(domain), EmailDomains.IsDisposable(domain)), Is.EqualTo((free, disposable)));
    }

    [TestCase("jane@ACME.com", "acme.com")]
    [TestCase("\"a@b\"@acme.com", "acme.com")]
    [TestCase("acme.com", null)]
    [TestCase("jane@", null)]
    [TestCase(null, null)]
    public void The_domain_follows_the_last_at_sign(string? email, string? domain)
    {
        Assert.That(EmailDomains.Of(email), Is.EqualTo(domain));
    }

    [TestCase("7", "1-10")]
    [TestCase("\"51-200\"", "51-200")]
    [TestCase("\"5000-10000\"", "5001-10000")]
    [TestCase("\"10000+\"", "5001-10000")]
    [TestCase("\"10001+\"", "10001+")]
    [TestCase("\"~500\"", "201-500")]
    [TestCase("\"very many\"", null)]
    [TestCase("0", null)]
    public void The_band_is_where_the_middle_of_the_range_lies(string employees, string? band)
    {
        Assert.That(ComputedFacts.EmployeesBand(Known(("enrichment.employees", employees))), Is.EqualTo(band));
    }

    [TestCase("2026-03-09T00:00:00Z", 38)]
    [TestCase("2026-02-20T00:00:00Z", 30)]
    [TestCase("2026-01-01T00:00:00Z", 19)]
    [TestCase("2025-01-01T00:00:00Z", 10)]
    [TestCase(null, 27)]
    public void Engagement_fades(string? lastActivity, int score)
    {
        var leaves = new List<(string, string)> { ("marketing.pricingPageViews", "3"), ("marketing.webinarsAttended", "2") };
        if (lastActivity is not null)
            leaves.Add(("marketing.lastActivityAt", $"\"{lastActivity}\""));

        Assert.That(ComputedFacts.EngagementScore(Known([.. leaves]), Now), Is.EqualTo(score));
    }

    [Test]
    public void Scores_without_inputs_are_not_known()
    {
        var known = Known(("lead.title", "\"CEO\""));

        Assert.That((ComputedFacts.EngagementScore(known, Now), ComputedFacts.IcpScore(known)), Is.EqualTo(((int?)null, (int?)null)));
    }

    [Test]
    public void A_score_stays_within_a_hundred()
    {
        var known = Known(
            ("marketing.emailOpens", "99999999999999999999999"), ("marketing.emailClicks", "500"), ("marketing.pageViews", "500"), ("marketing.pricingPageViews", "500"),
            ("marketing.webinarsAttended", "-5"), ("product.activeUsers", "1e300"), ("product.keyFeatureUses", "500"), ("product.trialStartedAt", "\"2026-03-09\""), ("product.lastActiveAt", "\"2026-03-09\""));

        Assert.That(ComputedFacts.EngagementScore(known, Now), Is.EqualTo(94));
    }

    [Test]
    public void The_ideal_customer_scores_a_hundred()
    {
        var known = Known(
            ("enrichment.employees", "\"1001-5000\""), ("enrichment.industry", "\"Software as a Service\""), ("enrichment.geo", "\"Berlin, Deutschland\""),
            ("enrichment.techStack", """["sfdc","Snowflake","k8s"]"""), ("enrichment.revenue", "\"$2M-$5M\""));

        Assert.That(ComputedFacts.IcpScore(known), Is.EqualTo(100));
    }

    private static EvidenceSnapshot Known(params (string Path, string Json)[] leaves)
    {
        var known = new SortedDictionary<string, EvidenceLeaf>(StringComparer.Ordinal);
        foreach (var (path, json) in leaves)
            known[path] = new EvidenceLeaf(JsonDocument.Parse(json).RootElement.Clone(), "test", "-", Now);
        return new EvidenceSnapshot(known, Now);
    }
}
