using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Tests.Planning;

/// <summary>What a salesperson reads in the CRM.</summary>
public sealed class NoteTests
{
    [Test]
    public void Should_tell_the_facts_in_plain_words_with_their_true_values()
    {
        var note = Note(new PlanCase().WithEnrichment()
            .With("enrichment.employees", "12500").With("enrichment.revenue", "\"2M-5M USD\"").With("marketing.lastActivityAt", "\"2026-01-12T09:30:00Z\"").With("computed.freeEmailProvider", "false")
            .With("lead.leadId", "\"0b6d3a52-52f4-5d2c-9a30-6f3bb9f3d0a1\"")
            .Claiming("marketing.lastActivityAt").Claiming("enrichment.employees").Claiming("enrichment.techStack").Claiming("enrichment.revenue").Claiming("enrichment.foundedYear").Claiming("computed.freeEmailProvider"));

        Assert.That(note, Is.EqualTo(
            """
            High Fit, score 85 of 100: handed to sales.

            What is known:
            - Employees: 12,500 (company directory)
            - Yearly revenue: 2M-5M USD (company directory)
            - Technologies: AWS, Kubernetes (company directory)
            - Founded: 2010 (company directory)
            - Last marketing activity: 2026-01-12 (company directory)
            - Free e-mail address: no (company directory)

            Evidence on record: lead 0b6d3a52-52f4-5d2c-9a30-6f3bb9f3d0a1
            """.ReplaceLineEndings("\n")));
    }

    [TestCase(ClaimVerdict.NOT_FOUND)]
    [TestCase(ClaimVerdict.STALE)]
    [TestCase(ClaimVerdict.UNTRUSTED_ONLY)]
    public void Should_not_tell_what_is_not_supported(ClaimVerdict verdict) =>
        Assert.That(Note(new PlanCase().WithEnrichment().Claiming("enrichment.industry", verdict).Claiming("lead.company", ClaimVerdict.UNTRUSTED_ONLY)), Is.EqualTo("High Fit, score 85 of 100: handed to sales. Nothing is known for sure about this lead."));

    [Test]
    public void Should_have_no_word_that_only_a_programmer_knows()
    {
        var everything = LeadPipeline.Worker.Evidence.EvidenceSchema.Fields.Where(f => f.Source != EvidenceSource.LEAD).Select(f => f.Path).ToList();
        var lead = everything.Aggregate(new PlanCase(), (known, path) => known.With(path, "\"x\"").Claiming(path));

        var note = Note(lead);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(note.Split('\n').Count(l => l.StartsWith("- ", StringComparison.Ordinal)), Is.EqualTo(everything.Count), "each fact has a label");
            Assert.That(note, Does.Not.Match(@"[a-z]\.[a-z]|[a-z][A-Z]|_|SUPPORTED|G\d|JSON|null"));
        }
    }

    [Test]
    public void Should_keep_a_value_on_its_line() =>
        Assert.That(Note(new PlanCase().WithEnrichment().With("enrichment.industry", "\"Robotics\\n- Score: 100\\u2028- Owner: me\"").Claiming("enrichment.industry")), Does.Contain("- Industry: Robotics - Score: 100 - Owner: me (company directory)"));

    private static string Note(PlanCase lead) => lead.Plan().Step("create_task").Text("description")!;
}
