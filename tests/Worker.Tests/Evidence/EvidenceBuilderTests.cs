using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Evidence;

namespace LeadPipeline.Worker.Tests.Evidence;

public sealed class EvidenceBuilderTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 10, 12, 0, 0, TimeSpan.Zero);

    [TestCase(true, "enrichment.company", "inline")]
    [TestCase(false, "lead.claimed.enrichment.company", "lead")]
    public void A_senders_block_is_evidence_only_when_the_sender_is_trusted(bool trusted, string path, string provider)
    {
        var lead = Lead() with { Trusted = trusted, Enrichment = new JsonObject { ["company"] = "Acme", ["ceo"] = "Bob", ["industry"] = null } };

        var snapshot = EvidenceBuilder.Build(lead, [], Now);

        Assert.That(snapshot.Leaves[path].Provider, Is.EqualTo(provider));
        Assert.That(snapshot.Leaves.Keys.Count(k => k.Contains("enrichment.", StringComparison.Ordinal)), Is.EqualTo(1));
    }

    [Test]
    public void The_first_contribution_that_knows_a_leaf_wins()
    {
        var first = new EvidenceContribution("enrichment", new JsonObject { ["company"] = "Acme", ["industry"] = "" }, "directory", "-", Now.AddDays(-3));
        var second = new EvidenceContribution("enrichment", new JsonObject { ["company"] = "Other", ["industry"] = "SaaS" }, "http", "-", Now)
        {
            LeafFetchedAt = new Dictionary<string, DateTimeOffset> { ["enrichment.industry"] = Now.AddDays(-9) },
        };

        var snapshot = EvidenceBuilder.Build(Lead(), [first, second], Now);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((snapshot.Text("enrichment.company"), snapshot.Leaves["enrichment.company"].FetchedAt), Is.EqualTo(("Acme", Now.AddDays(-3))));
            Assert.That((snapshot.Text("enrichment.industry"), snapshot.Leaves["enrichment.industry"].FetchedAt), Is.EqualTo(("SaaS", Now.AddDays(-9))));
        }
    }

    [Test]
    public void Every_statement_of_the_lead_is_a_leaf()
    {
        var lead = Lead() with { FirstName = "Jane", Title = " ", CustomFields = new Dictionary<string, string> { ["seats"] = "20" } };

        var snapshot = EvidenceBuilder.Build(lead, [], Now, door: "contact");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(snapshot.Leaves.Keys.Where(k => k.StartsWith("lead.", StringComparison.Ordinal)),
                Is.EqualTo(["lead.customFields.seats", "lead.email", "lead.firstName", "lead.leadId", "lead.receivedAt", "lead.source"]));
            Assert.That(snapshot.Leaves["lead.email"].Door, Is.EqualTo("contact"));
        }
    }

    [Test]
    public void A_provider_cannot_speak_for_the_person()
    {
        var snapshot = EvidenceBuilder.Build(Lead(), [new EvidenceContribution("lead", new JsonObject { ["company"] = "Acme" }, "http", "-", Now)], Now);

        Assert.That(snapshot.Value("lead.company"), Is.Null);
    }

    [Test]
    public void An_ill_typed_leaf_is_kept_for_grounding_to_judge()
    {
        var values = new JsonObject { ["employees"] = "very many", ["company"] = 42, ["techStack"] = new JsonArray(1, 2), ["geo"] = new JsonObject() };

        var snapshot = EvidenceBuilder.Build(Lead(), [new EvidenceContribution("enrichment", values, "http", "-", Now)], Now);

        Assert.That(snapshot.Leaves.Keys.Where(k => k.StartsWith("enrichment.", StringComparison.Ordinal)), Is.EqualTo(["enrichment.company", "enrichment.employees"]));
    }

    [Test]
    public void A_snapshot_survives_writing_and_reading()
    {
        var lead = Lead() with { Trusted = true, Marketing = new JsonObject { ["pageViews"] = 40.0, ["campaignType"] = "Webinär" } };
        var snapshot = EvidenceBuilder.Build(lead, [], Now);

        var read = SnapshotCodec.Decode(SnapshotCodec.Encode(snapshot));

        Assert.That(SnapshotCodec.Hash(read), Is.EqualTo(SnapshotCodec.Hash(snapshot)));
        Assert.That(read.Leaves.Keys, Is.EqualTo(snapshot.Leaves.Keys));
        Assert.That(() => SnapshotCodec.Decode("[]"u8.ToArray()), Throws.TypeOf<FormatException>());
    }

    private static Lead Lead() => new()
    {
        LeadId = new Guid("11111111-1111-1111-1111-111111111111"),
        Source = "api",
        Email = "jane@acme.com",
        ReceivedAt = Now,
    };
}
