using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Grounding;

namespace LeadPipeline.Worker.Tests.Grounding;

public sealed class ExplanationTests
{
    [TestCase("enrichment.employees", ClaimVerdict.SUPPORTED, "G7", "7500", "\"5000-10000\"", "range", "Employees: 7,500 was claimed, and the evidence says 5000-10000. That fits.")]
    [TestCase("enrichment.company", ClaimVerdict.SUPPORTED, "G6", "\"Acme\"", "\"Acme\"", "text", "Company: Acme, as the evidence says.")]
    [TestCase("enrichment.company", ClaimVerdict.CONTRADICTED, "G6", "\"Acme\"", "\"Initech\"", "text", "Company: Acme was claimed, and the evidence says Initech. That is wrong.")]
    [TestCase("enrichment.employees", ClaimVerdict.CONTRADICTED, "G16", "5", "5", null, "Employees: two claims say different things about it, so that neither can be believed.")]
    [TestCase("lead.title", ClaimVerdict.CONTRADICTED, "G17", "\"CEO\"", "\"Intern\"", "text", "The person's own title: CEO was claimed, and the person wrote Intern.")]
    [TestCase("lead.title", ClaimVerdict.UNTRUSTED_ONLY, "G17", "\"CEO\"", "\"CEO\"", "text", "The person's own title: the person says so themselves; it is not held against them, and counts for nothing.")]
    [TestCase("enrichment.geo", ClaimVerdict.NOT_FOUND, "G9", "\"Munich, Germany\"", "\"Germany\"", "geo", "Location: Munich, Germany was claimed, and the evidence says Germany. That is not wrong, but it says more than is known.")]
    [TestCase("enrichment.revenue", ClaimVerdict.NOT_FOUND, "G3", "\"5M\"", null, null, "Yearly revenue: 5M was claimed, and nothing is known about it.")]
    [TestCase("enrichment.mood", ClaimVerdict.NOT_FOUND, "G3", "\"good\"", null, null, "enrichment.mood: there is no such fact; it was made up.")]
    [TestCase("marketing.pageViews", ClaimVerdict.STALE, "G18", "4", "4", "number", "Pages viewed: 4 was claimed, and the evidence says 4. That fits, but the evidence is too old to rest on.")]
    [TestCase("enrichment.company", ClaimVerdict.SOURCE_NOT_ALLOWED, "G5", "\"Acme\"", null, null, "Company: Acme was claimed, and nothing at all is known about the company.")]
    [TestCase("enrichment.company", ClaimVerdict.SOURCE_NOT_ALLOWED, "G4", "\"Acme\"", "\"Acme\"", null, "Company: Acme was claimed as a kind of fact that cannot be read there.")]
    [TestCase("enrichment.company", ClaimVerdict.SOURCE_NOT_ALLOWED, "G2", "\"Acme\"", "\"Acme\"", null, "Company: Acme was claimed from a source that there is not.")]
    [TestCase("marketing.pageViews", ClaimVerdict.MALFORMED, "MALFORMED", "\"many\"", "4", null, "Pages viewed: what was claimed is not a value that could stand there.")]
    public void Should_say_what_was_claimed_what_is_true_and_what_follows(string path, ClaimVerdict verdict, string rule, string claimed, string? truth, string? comparator, string words) =>
        Assert.That(Explanation.Of(Claim(path, verdict, rule, claimed, truth, comparator)), Is.EqualTo(words));

    [Test]
    public void Should_keep_the_persons_words_to_itself_when_asked_to() =>
        Assert.That(Explanation.Of(Claim("lead.title", ClaimVerdict.CONTRADICTED, "G17", "\"CEO\"", "\"Intern\"", "text"), withValues: false), Does.Not.Contain("CEO").And.Not.Contain("Intern"));

    [Test]
    public void Should_have_words_for_every_verdict()
    {
        foreach (var verdict in Enum.GetValues<ClaimVerdict>())
            Assert.That(Explanation.Of(Claim("enrichment.company", verdict, "G6", "\"Acme\"", "\"Initech\"", "text")), Does.StartWith("Company: ").And.EndWith(".").And.Not.Contain("G6").And.Not.Contain(verdict.ToString()));
    }

    [TestCase("status", "VALID", "DOWNGRADED", "G11", "A claim that mattered could not be found in the evidence, or not any more.")]
    [TestCase("intent", "HIGH_FIT", "MEDIUM_FIT", "G12", "The intent went from High Fit to Medium Fit: a High Fit needs a fact about the company and one about behaviour or a score.")]
    [TestCase("intent", "MEDIUM_FIT", "LOW_FIT", "G13", "The intent went from Medium Fit to Low Fit: no fact about the company or about behaviour holds.")]
    [TestCase("fitScore", "90", "70", "G12", "The score went from 90 to 70, the most that this intent may have.")]
    [TestCase("decision", "ROUTE_TO_SDR", "NURTURE", "G14", "It is not handed to sales: that needs a High Fit, or a Medium Fit with a good score.")]
    [TestCase("reasoning", "model", "rebuilt", "G15", "The analyzer's prose said more than its claims prove; it is not used.")]
    public void Should_say_why_something_was_lowered(string what, string from, string to, string rule, string words) =>
        Assert.That(Explanation.Of(new Lowered(what, from, to, rule)), Is.EqualTo(words));

    private static GroundedClaim Claim(string path, ClaimVerdict verdict, string rule, string claimed, string? truth, string? comparator) => new()
    {
        FieldPath = path,
        Verdict = verdict,
        Rule = rule,
        Claimed = JsonDocument.Parse(claimed).RootElement,
        Truth = truth is null ? null : JsonDocument.Parse(truth).RootElement,
        Comparator = comparator,
    };
}
