using LeadPipeline.Contracts;
using static LeadPipeline.Contracts.LeadDecision;
using static LeadPipeline.Contracts.LeadIntent;

namespace LeadPipeline.Worker.Tests.Grounding;

public sealed class LoweringTests
{
    [Test]
    public void A_backed_high_fit_stands()
    {
        var result = GroundingCase.HighFit().Ground();

        Assert.That((result.Status, result.Intent, result.Decision, result.FitScore), Is.EqualTo((GroundingStatus.VALID, (LeadIntent?)HIGH_FIT, (LeadDecision?)ROUTE_TO_SDR, (int?)90)));
    }

    [TestCase("HIGH_FIT", "ROUTE_TO_SDR", 90, "F", MEDIUM_FIT, ROUTE_TO_SDR, 70, "intent:HIGH_FIT>MEDIUM_FIT:G12 fitScore:90>70:G12")]
    [TestCase("HIGH_FIT", "ROUTE_TO_SDR", 90, "B", MEDIUM_FIT, ROUTE_TO_SDR, 70, "intent:HIGH_FIT>MEDIUM_FIT:G12 fitScore:90>70:G12")]
    [TestCase("HIGH_FIT", "ROUTE_TO_SDR", 90, "S", LOW_FIT, NURTURE, 40, "intent:HIGH_FIT>MEDIUM_FIT:G12 fitScore:90>70:G12 intent:MEDIUM_FIT>LOW_FIT:G13 fitScore:70>40:G13 decision:ROUTE_TO_SDR>NURTURE:G14")]
    [TestCase("HIGH_FIT", "ROUTE_TO_SDR", 90, "FS", HIGH_FIT, ROUTE_TO_SDR, 90, "")]
    [TestCase("HIGH_FIT", "ROUTE_TO_SDR", 50, "F", MEDIUM_FIT, NURTURE, 50, "intent:HIGH_FIT>MEDIUM_FIT:G12 decision:ROUTE_TO_SDR>NURTURE:G14")]
    [TestCase("HIGH_FIT", "ROUTE_TO_SDR", 10, "FB", HIGH_FIT, ROUTE_TO_SDR, 10, "")]
    [TestCase("MEDIUM_FIT", "ROUTE_TO_SDR", 60, "B", MEDIUM_FIT, ROUTE_TO_SDR, 60, "")]
    [TestCase("MEDIUM_FIT", "ROUTE_TO_SDR", 59, "B", MEDIUM_FIT, NURTURE, 59, "decision:ROUTE_TO_SDR>NURTURE:G14")]
    [TestCase("MEDIUM_FIT", "NURTURE", 95, "F", MEDIUM_FIT, NURTURE, 95, "")]
    [TestCase("MEDIUM_FIT", "NURTURE", 55, "", LOW_FIT, NURTURE, 40, "intent:MEDIUM_FIT>LOW_FIT:G13 fitScore:55>40:G13")]
    [TestCase("LOW_FIT", "ROUTE_TO_SDR", 95, "FB", LOW_FIT, NURTURE, 95, "decision:ROUTE_TO_SDR>NURTURE:G14")]
    [TestCase("LOW_FIT", "IGNORE", 95, "", LOW_FIT, IGNORE, 95, "")]
    [TestCase("MANUAL_REVIEW", "ROUTE_TO_SDR", 95, "", MANUAL_REVIEW, ROUTE_TO_SDR, 95, "")]
    public void Intent_decision_and_score_follow_the_supported_claims(
        string intent, string decision, int score, string support, LeadIntent toIntent, LeadDecision toDecision, int toScore, string lowered)
    {
        var given = new GroundingCase().Verdict(intent, decision, score);
        if (support.Contains('F'))
            given.Claim("ENRICHMENT", "enrichment.foundedYear", "FIRMOGRAPHIC", "2009");
        if (support.Contains('B'))
            given.Claim("PRODUCT", "product.activeUsers", "BEHAVIOR", "7");
        if (support.Contains('S'))
            given.Claim("COMPUTED", "computed.icpScore", "SCORE", "88");

        var result = given.Ground();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((result.Intent, result.Decision, result.FitScore), Is.EqualTo(((LeadIntent?)toIntent, (LeadDecision?)toDecision, (int?)toScore)));
            Assert.That(string.Join(' ', result.Lowered.Select(l => $"{l.What}:{l.From}>{l.To}:{l.Rule}")), Is.EqualTo(lowered));
            Assert.That(result.Status, Is.EqualTo(lowered.Length == 0 ? GroundingStatus.VALID : GroundingStatus.DOWNGRADED));
        }
    }

    [Test]
    public void The_persons_own_word_supports_nothing_and_changes_no_status()
    {
        var result = GroundingCase.With("LEAD", "lead.company", "FIRMOGRAPHIC", "\"Acme\"").Verdict("MEDIUM_FIT", "NURTURE", 50).Ground();

        Assert.That((result.Status, result.Intent), Is.EqualTo((GroundingStatus.DOWNGRADED, (LeadIntent?)LOW_FIT)));
        Assert.That(result.Lowered.Select(l => l.What), Does.Not.Contain("status"));
    }

    [TestCase(true, false, GroundingStatus.DOWNGRADED)]
    [TestCase(null, false, GroundingStatus.DOWNGRADED)]
    [TestCase(false, false, GroundingStatus.DOWNGRADED)]
    [TestCase(false, true, GroundingStatus.VALID)]
    public void A_missing_fact_lowers_when_it_is_central(bool? central, bool another, GroundingStatus status)
    {
        var given = GroundingCase.With("PRODUCT", "product.keyFeatureUses", "BEHAVIOR", "3", central);
        if (another)
            given.Claim("PRODUCT", "product.activeUsers", "BEHAVIOR", "7", false);

        var result = given.Ground();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Status, Is.EqualTo(status));
            Assert.That(result.Lowered, status == GroundingStatus.VALID ? Is.Empty : Is.EqualTo([new Lowered("status", "VALID", "DOWNGRADED", "G11")]));
            Assert.That(result.Warnings, Has.Count.EqualTo(status == GroundingStatus.VALID ? 1 : 0));
        }
    }

    [Test]
    public void A_lone_pipeline_claim_may_be_dropped()
    {
        var result = GroundingCase.With("CRM", "crm.accountId", "PIPELINE", "\"001\"", central: false).Ground();

        Assert.That(result.Status, Is.EqualTo(GroundingStatus.VALID));
    }

    [Test]
    public void A_stale_central_claim_lowers_like_a_missing_one()
    {
        var result = GroundingCase.HighFit().Aged("marketing", "2026-01-01T00:00:00Z").Ground();

        Assert.That(result.Lowered.Select(l => l.Rule), Is.EqualTo(["G11", "G12", "G12"]));
    }

    [TestCase("LOW_FIT", GroundingStatus.VALID)]
    [TestCase("MANUAL_REVIEW", GroundingStatus.VALID)]
    [TestCase("MEDIUM_FIT", GroundingStatus.DOWNGRADED)]
    [TestCase("HIGH_FIT", GroundingStatus.DOWNGRADED)]
    public void Without_evidence_only_modest_verdicts_stand(string intent, GroundingStatus status)
    {
        var result = new GroundingCase().Verdict(intent, "NURTURE", 30).Ground();

        Assert.That(result.Status, Is.EqualTo(status));
    }
}
