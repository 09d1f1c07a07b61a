using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Tests.Grounding;

public sealed class ReasoningTests
{
    [TestCase("", true)]
    [TestCase("A good fit with fresh interest.", true)]
    [TestCase("Fintech company with 7,500 employees; HIGH_FIT, route to SDR with 90.", true)]
    [TestCase("Score 90/100.", true)]
    [TestCase("Has 7.5k staff and 3 visits.", true)]
    [TestCase("Has 12 opens.", false)]
    [TestCase("Has $7,500.", false)]
    [TestCase("Grew 3%.", false)]
    [TestCase("Active on 2026-03-09.", true)]
    [TestCase("Active on 9 March 2026.", true)]
    [TestCase("Active on 2026-03-09T08:30:00Z.", false)]
    [TestCase("Active on 8 March 2026.", false)]
    [TestCase("See https://acme.com/x", false)]
    [TestCase("See www.acme.com", false)]
    [TestCase("Write to jane@acme.com", false)]
    [TestCase("Runs Snowflake.", false)]
    [TestCase("Runs on AWS.", true)]
    [TestCase("Runs on Amazon Web Services.", true)]
    [TestCase("Based in Berlin.", false)]
    [TestCase("Based in Germany.", true)]
    [TestCase("Acme is a B2B firm.", true)]
    [TestCase("Acme Holding is known.", false)]
    [TestCase("A Snowflakes shop.", true)]
    [TestCase("Financial technology leader.", true)]
    [TestCase("Has ٧٥٠٠ employees.", true)]
    [TestCase("Has ٧٥٠١ employees.", false)]
    public void What_is_checkable_must_occur_in_a_supported_claim(string reasoning, bool holds)
    {
        var given = GroundingCase.HighFit()
            .Claim("ENRICHMENT", "enrichment.employees", "FIRMOGRAPHIC", "7500")
            .Claim("ENRICHMENT", "enrichment.techStack", "FIRMOGRAPHIC", "[\"AWS\"]")
            .Claim("ENRICHMENT", "enrichment.geo", "FIRMOGRAPHIC", "\"DE\"")
            .Claim("MARKETING", "marketing.lastActivityAt", "BEHAVIOR", "\"2026-03-09\"");

        var result = given.Saying(reasoning).Ground();

        Assert.That(result.Lowered, holds ? Is.Empty : Is.EqualTo([new Lowered("reasoning", "model", "rebuilt", "G15")]));
        Assert.That(result.Status, Is.EqualTo(holds ? GroundingStatus.VALID : GroundingStatus.DOWNGRADED));
        Assert.That(result.FitScore, Is.EqualTo(90));
    }
}
