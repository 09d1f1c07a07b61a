using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Mcp.Tools;
using static LeadPipeline.Mcp.Tests.Tools.ToolCase;

namespace LeadPipeline.Mcp.Tests.Tools;

/// <summary>The tools that set fields of the lead: score, intent, company facts and where they came from.</summary>
[TestFixture]
public sealed class FieldToolTests
{
    private static readonly ToolRegistry Tools = ToolRegistry.Default();

    private static readonly TestCaseData[] Cases =
    [
        new("set_lead_score", "\"score\":85", "score", "85", "40"),
        new("set_intent_level", "\"intent\":\"High Fit\"", "intent", "High Fit", "Low Fit"),
        new("sync_firmographics", "\"industry\":\"Fintech\"", "industry", "Fintech", "Banking"),
        new("sync_firmographics", "\"foundedYear\":2010", "foundedYear", "2010", "2009"),
    ];

    [TestCaseSource(nameof(Cases))]
    public void Should_update_a_field_that_differs_and_keep_what_it_held(string tool, string argument, string field, string wanted, string held)
    {
        var decision = Decide(Tools.Find(tool)!, View(Lead("L1", (field, held))), $$"""{"leadId":"L1",{{argument}}}""");

        var update = OnlyUpdate(decision);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(update.Fields, Is.EquivalentTo(new Dictionary<string, string?> { [field] = wanted }));
            Assert.That(update.ExpectedVersion, Is.EqualTo("v1"));
            Assert.That(((ToolDecision.Write)decision).Before, Is.EquivalentTo(new Dictionary<string, string?> { [field] = held }));
        }
    }

    [TestCaseSource(nameof(Cases))]
    public void Should_leave_a_field_that_holds_the_value(string tool, string argument, string field, string wanted, string held)
    {
        var view = new CrmView { Records = new Dictionary<string, CrmRecord> { ["L1"] = Lead("L1", (field, wanted)) } };

        Assert.That(As<ToolDecision.Unchanged>(Decide(Tools.Find(tool)!, view, $$"""{"leadId":"L1",{{argument}}}""")).RecordId, Is.EqualTo("L1"), held);
    }

    [TestCaseSource(nameof(Cases))]
    public void Should_update_a_lead_that_is_yet_to_be_created(string tool, string argument, string field, string wanted, string held)
    {
        var decision = Decide(Tools.Find(tool)!, View(), $$"""{"leadId":"@upsert_lead",{{argument}}}""");

        var update = OnlyUpdate(decision);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(update.Target, Is.EqualTo(RecordRef.CreatedBy("upsert_lead")), held);
            Assert.That(update.Fields[field], Is.EqualTo(wanted));
            Assert.That(update.ExpectedVersion, Is.Null);
            Assert.That(((ToolDecision.Write)decision).Before, Is.EquivalentTo(new Dictionary<string, string?> { [field] = null }));
        }
    }

    [TestCaseSource(nameof(Cases))]
    public void Should_refuse_a_lead_that_is_not_there(string tool, string argument, string field, string wanted, string held) =>
        Assert.That(As<ToolDecision.Refuse>(Decide(Tools.Find(tool)!, View(), $$"""{"leadId":"L1",{{argument}}}""")).Code, Is.EqualTo(CrmCodes.NotFound), field + wanted + held);

    [Test]
    public void Should_take_85_and_85_point_0_for_the_same_score() =>
        Assert.That(Decide(new SetLeadScore(), View(Lead("L1", ("score", "85.0"))), """{"leadId":"L1","score":85}"""), Is.TypeOf<ToolDecision.Unchanged>());

    [Test]
    public void Should_not_sync_when_no_fact_is_given() =>
        Assert.That(As<ToolDecision.Refuse>(Decide(new SyncFirmographics(), View(Lead("L1")), """{"leadId":"L1"}""")).Code, Is.EqualTo(CrmCodes.NoGroundedFields));

    [Test]
    public void Should_keep_provider_confidence_and_time_of_the_facts() =>
        Assert.That(OnlyUpdate(Decide(new SyncEnrichmentMetadata(), View(Lead("L1")),
            """{"leadId":"L1","provider":"directory","confidence":0.9,"enrichedAt":"2026-01-02T03:04:05.678+01:00"}""")).Fields,
            Is.EquivalentTo(new Dictionary<string, string?>
            {
                ["enrichmentProvider"] = "directory",
                ["enrichmentConfidence"] = "0.9",
                ["enrichedAt"] = "2026-01-02T02:04:05Z",
            }));

    [Test]
    public void Should_refuse_a_time_that_is_none() =>
        Assert.That(As<ToolDecision.Refuse>(Decide(new SyncEnrichmentMetadata(), View(Lead("L1")), """{"leadId":"L1","provider":"x","enrichedAt":"lately"}""")).Code,
            Is.EqualTo(CrmCodes.InvalidArguments));
}
