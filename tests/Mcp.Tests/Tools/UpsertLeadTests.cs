using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Mcp.Tools;
using static LeadPipeline.Mcp.Tests.Tools.ToolCase;

namespace LeadPipeline.Mcp.Tests.Tools;

[TestFixture]
public sealed class UpsertLeadTests
{
    private const string Jane = """{"email":"jane@acme.com","firstName":"Jane","company":"Acme","source":"api","owner":"sdr"}""";

    [Test]
    public void Should_ask_for_the_address_in_lower_case() =>
        Assert.That(new UpsertLead().Ask(new CrmQuery(), new JsonObject { ["email"] = "Jane@Acme.com" }).Email, Is.EqualTo("jane@acme.com"));

    [Test]
    public void Should_create_a_new_lead_with_our_keys_and_status_New()
    {
        var create = OnlyCreate(Decide(new UpsertLead(), View(), Jane));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(create, Has.Property(nameof(create.EffectKey)).EqualTo(Effect).And.Property(nameof(create.RecordKey)).EqualTo("key:jane@acme.com"));
            Assert.That(create.Object, Is.EqualTo(CrmObject.Lead));
            Assert.That(create.Fields, Is.EquivalentTo(new Dictionary<string, string>
            {
                ["email"] = "jane@acme.com",
                ["firstName"] = "Jane",
                ["company"] = "Acme",
                ["source"] = "api",
                ["owner"] = "sdr",
                ["status"] = "New",
            }));
        }
    }

    [Test]
    public void Should_fill_in_only_what_is_empty_and_keep_the_before_image()
    {
        var lead = Lead("L1", ("email", "jane@acme.com"), ("company", "ACME Holding"), ("status", "Working"), ("owner", "bob"));

        var write = As<ToolDecision.Write>(Decide(new UpsertLead(), View(lead), Jane));

        var update = (UpdateRecord)write.Writes[0];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(update.Fields, Is.EquivalentTo(new Dictionary<string, string?> { ["firstName"] = "Jane", ["source"] = "api" }));
            Assert.That(update.Target, Is.EqualTo(new RecordRef("L1", null)));
            Assert.That(update.ExpectedVersion, Is.EqualTo("v1"));
            Assert.That(write.Before, Is.EquivalentTo(new Dictionary<string, string?> { ["firstName"] = null, ["source"] = null }));
        }
    }

    [TestCase("New", true)]
    [TestCase("Working", false)]
    [TestCase("Qualified", false)]
    [TestCase("Disqualified", false)]
    public void Should_change_the_status_of_an_untouched_lead_only(string current, bool changes)
    {
        var decision = Decide(new UpsertLead(), View(Lead("L1", ("email", "j@a.com"), ("status", current))), """{"email":"j@a.com","status":"Disqualified"}""");

        if (!changes)
        {
            Assert.That(As<ToolDecision.Unchanged>(decision).RecordId, Is.EqualTo("L1"));
            return;
        }
        Assert.That(OnlyUpdate(decision).Fields, Is.EquivalentTo(new Dictionary<string, string?> { ["status"] = "Disqualified" }));
        Assert.That(((ToolDecision.Write)decision).Before!["status"], Is.EqualTo("New"));
    }

    [Test]
    public void Should_leave_a_lead_as_it_is_when_nothing_differs() =>
        Assert.That(As<ToolDecision.Unchanged>(Decide(new UpsertLead(), View(Lead("L1", ("email", "J@A.com"))), """{"email":"j@a.com"}""")).RecordId, Is.EqualTo("L1"));

    [Test]
    public void Should_prefer_the_record_with_our_key_over_another_with_the_address()
    {
        var ours = Record(CrmObject.Lead, "L2", "key:j@a.com", ("email", "j@a.com"));

        var decision = Decide(new UpsertLead(), View(Lead("L1", ("email", "j@a.com")), ours), """{"email":"j@a.com"}""");

        Assert.That(As<ToolDecision.Unchanged>(decision).RecordId, Is.EqualTo("L2"));
    }

    [Test]
    public void Should_leave_two_matching_leads_to_a_person()
    {
        var refuse = As<ToolDecision.Refuse>(Decide(
            new UpsertLead(), View(Lead("L1", ("email", "j@a.com")), Lead("L2", ("email", "j@a.com"))), """{"email":"j@a.com"}"""));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(refuse.Code, Is.EqualTo(CrmCodes.Ambiguous));
            Assert.That(refuse.NeedsPerson, Is.True);
            Assert.That(refuse.Candidates, Is.EqualTo(new[] { "L1", "L2" }));
            Assert.That(refuse.Message, Does.Not.Contain("j@a.com"));
        }
    }

    [Test]
    public void Should_refuse_a_status_that_is_none()
    {
        var call = new ToolCall("step", new JsonObject { ["email"] = "j@a.com", ["status"] = "Sold" }, Effect, Now, t => t);

        Assert.That(As<ToolDecision.Refuse>(new UpsertLead().Decide(call, View())).Code, Is.EqualTo(CrmCodes.InvalidStatus));
    }

    [Test]
    public void Should_answer_the_first_record_when_the_step_ran_before()
    {
        var unchanged = As<ToolDecision.Unchanged>(Decide(new UpsertLead(), Replayed(CrmObject.Lead, "L9"), Jane));

        Assert.That((unchanged.RecordId, unchanged.Warning), Is.EqualTo(("L9", CrmCodes.Replayed)));
    }

    [Test]
    public void Should_carry_hostile_text_unharmed() =>
        Assert.That(OnlyCreate(Decide(new UpsertLead(), View(), """{"email":"j@a.com","company":"Prototype Labs; SELECT '\\"}""")).Fields["company"],
            Is.EqualTo("Prototype Labs; SELECT '\\"));
}
