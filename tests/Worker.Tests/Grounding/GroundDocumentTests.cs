using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Cli;
using LeadPipeline.Worker.Grounding;

namespace LeadPipeline.Worker.Tests.Grounding;

public sealed class GroundDocumentTests
{
    private static readonly TimeProvider Clock = new FixedClock(new DateTimeOffset(2026, 3, 10, 12, 0, 0, TimeSpan.Zero));

    [TestCase("[]", "object")]
    [TestCase("{}", "\"analysis\"")]
    [TestCase("""{"analysis":{},"now":"soon"}""", "\"now\"")]
    [TestCase("""{"analysis":{},"enrichment":[]}""", "\"enrichment\"")]
    [TestCase("""{"analysis":{},"lead":"jane"}""", "\"lead\"")]
    [TestCase("""{"analysis":{},"fetchedAt":{"enrichment":5}}""", "fetchedAt.enrichment")]
    [TestCase("""{"analysis":{},"fetchedAt":{"enrichment.employes":"2026-01-01"}}""", "enrichment.employes")]
    public void A_document_that_is_none_is_refused_by_name(string json, string named)
    {
        using var document = JsonDocument.Parse(json);

        Assert.That(() => GroundDocument.Read(document.RootElement, Clock), Throws.TypeOf<FormatException>().With.Message.Contains(named));
    }

    [Test]
    public void A_broken_analysis_is_an_answer()
    {
        using var document = JsonDocument.Parse("""{"analysis":null}""");

        var result = GroundDocument.Answer(document.RootElement, Clock);

        Assert.That(result.Status, Is.EqualTo(GroundingStatus.REJECTED));
    }

    [Test]
    public void A_name_that_cannot_be_read_names_nothing()
    {
        using var document = JsonDocument.Parse("""{"\ud800":1,"analysis":null,"lead":{"email":"a@acme.com"},"z\udc00":{}}""");

        var read = GroundDocument.Read(document.RootElement, Clock);

        Assert.That(read.Snapshot.Text("lead.email"), Is.EqualTo("a@acme.com"));
    }

    [TestCase("""{"analysis":{"evidence":DEEP}}""", 0)]
    [TestCase("""{"analysis":null,"lead":{"message":DEEP},"other":DEEP}""", 0)]
    [TestCase("""{"analysis":null,"enrichment":DEEP}""", 2)]
    public async Task Nesting_without_end_is_no_broken_document(string json, int exitCode)
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, json.Replace("DEEP", new string('[', 20_000) + new string(']', 20_000), StringComparison.Ordinal));

            Assert.That(await LeadPipelineCli.RunAsync(["ground", file, "--json"]), Is.EqualTo(exitCode));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Test]
    public void A_missing_computed_block_is_computed()
    {
        using var document = JsonDocument.Parse("""{"lead":{"email":"a@GMAIL.com"},"enrichment":{"employees":"51-200"},"analysis":{}}""");

        var read = GroundDocument.Read(document.RootElement, Clock);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(read.Snapshot.Text("computed.emailDomain"), Is.EqualTo("gmail.com"));
            Assert.That(read.Snapshot.Value("computed.freeEmailProvider")!.Value.GetBoolean(), Is.True);
            Assert.That(read.Snapshot.Text("computed.employeesBand"), Is.EqualTo("51-200"));
            Assert.That(read.Now, Is.EqualTo(Clock.GetUtcNow()));
        }
    }

    [Test]
    public void A_recorded_computed_block_stands_as_it_is()
    {
        using var document = JsonDocument.Parse("""{"lead":{"email":"a@gmail.com"},"computed":{"icpScore":12},"analysis":{}}""");

        var read = GroundDocument.Read(document.RootElement, Clock);

        Assert.That(read.Snapshot.Leaves.Keys.Where(k => k.StartsWith("computed.", StringComparison.Ordinal)), Is.EqualTo(["computed.icpScore"]));
    }

    [Test]
    public void Leaves_age_by_namespace_and_by_path()
    {
        using var document = JsonDocument.Parse("""
            {"enrichment":{"company":"Acme","foundedYear":2009},"fetchedAt":{"enrichment":"2026-01-01","enrichment.company":"2026-02-01T00:00:00Z"},"now":"2026-03-01T00:00:00Z","analysis":{}}
            """);

        var leaves = GroundDocument.Read(document.RootElement, Clock).Snapshot.Leaves;

        Assert.That(leaves["enrichment.foundedYear"].FetchedAt, Is.EqualTo(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero)));
        Assert.That(leaves["enrichment.company"].FetchedAt, Is.EqualTo(new DateTimeOffset(2026, 2, 1, 0, 0, 0, TimeSpan.Zero)));
    }

    [Test]
    public void Evidence_inside_the_lead_is_only_claimed_and_unknown_members_are_custom_fields()
    {
        using var document = JsonDocument.Parse("""
            {"lead":{"enrichment":{"employees":"10","made":"up"},"budget":5000,"customFields":{"note":"x","empty":""}},"analysis":{}}
            """);

        var leaves = GroundDocument.Read(document.RootElement, Clock).Snapshot.Leaves;

        Assert.That(leaves.Keys, Is.EqualTo(["lead.claimed.enrichment.employees", "lead.customFields.budget", "lead.customFields.note"]));
    }

    [Test]
    public void Text_that_is_no_unicode_is_not_known()
    {
        using var document = JsonDocument.Parse("""
            {"lead":{"company":"\ud800","\udc00":"x"},"enrichment":{"company":"\ud800","techStack":["\ud800"]},"analysis":{}}
            """);

        var read = GroundDocument.Read(document.RootElement, Clock);

        Assert.That(read.Snapshot.Leaves, Is.Empty);
    }

    [Test]
    public void The_threshold_is_the_operators()
    {
        using var document = JsonDocument.Parse(GroundingCase.With("PRODUCT", "product.activeUsers", "BEHAVIOR", "7").Verdict("MEDIUM_FIT", "ROUTE_TO_SDR", 75).Document.ToJsonString());

        var strict = GroundDocument.Answer(document.RootElement, Clock, new GroundingOptions { RouteThreshold = 80 }.ToRules());

        Assert.That(strict.Decision, Is.EqualTo(LeadDecision.NURTURE));
    }

    [Test]
    public void The_documented_example_is_true()
    {
        using var document = JsonDocument.Parse("""
            {
              "enrichment": { "industry": "Financial Technology", "employees": "5000-10000", "geo": "Berlin, Germany" },
              "marketing": { "pricingPageViews": 3 },
              "analysis": {
                "evidence": [
                  { "source": "ENRICHMENT", "fieldPath": "enrichment.industry", "claimType": "FIRMOGRAPHIC", "value": "Fintech", "central": true },
                  { "source": "ENRICHMENT", "fieldPath": "enrichment.employees", "claimType": "FIRMOGRAPHIC", "value": "5k-20k", "central": false },
                  { "source": "PRODUCT", "fieldPath": "product.activeUsers", "claimType": "BEHAVIOR", "value": 12, "central": false }
                ],
                "reasoning": "A fintech that looks ready.", "intent": "HIGH_FIT", "decision": "ROUTE_TO_SDR", "fitScore": 82
              }
            }
            """);

        var result = GroundDocument.Answer(document.RootElement, Clock);

        Assert.That((result.Status, result.Intent, result.Decision, result.FitScore),
            Is.EqualTo((GroundingStatus.DOWNGRADED, (LeadIntent?)LeadIntent.MEDIUM_FIT, (LeadDecision?)LeadDecision.ROUTE_TO_SDR, (int?)70)));
        Assert.That(result.Lowered.Select(l => l.Rule), Is.EqualTo(["G11", "G12", "G12"]));
    }

    private sealed class FixedClock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
