using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Mcp.Tools;
using static LeadPipeline.Mcp.Tests.Tools.ToolCase;

namespace LeadPipeline.Mcp.Tests.Tools;

[TestFixture]
public sealed class MatchAccountTests
{
    private const string Acme = """{"leadId":"@upsert_lead","domain":"acme.com","company":"Acme Robotics"}""";
    private const string AcmeOrCreate = """{"leadId":"@upsert_lead","domain":"acme.com","company":"Acme Robotics","createIfMissing":true,"industry":"Robots"}""";

    [TestCase("Acme Robotics", "ACME Robotics, Inc.", 1.0)]
    [TestCase("Robotics Acme GmbH", "Acme Robotics Ltd", 1.0)]
    [TestCase("Muster GmbH & Co. KG", "Muster", 1.0)]
    [TestCase("Total S.A.", "Total", 1.0)]
    [TestCase("Kowalski Sp. z o.o.", "Kowalski", 1.0)]
    [TestCase("Пример ООО", "Другое ООО", 0.5)]
    [TestCase("GmbH", "!!!", 0.0)]
    public void Should_compare_names_without_legal_forms(string name, string other, double atMost)
    {
        var likeness = CompanyNames.Likeness(name, other);

        Assert.That(likeness, atMost == 1.0 ? Is.EqualTo(1m) : Is.LessThanOrEqualTo((decimal)atMost));
    }

    [Test]
    public void Should_create_an_account_when_all_equally_good_names_belong_to_other_domains()
    {
        var view = new CrmView { Accounts = [Account("A1", "Acme Robotics", "acme.de"), Account("A2", "Acme Robotics Inc", "acme.fr")] };

        var write = As<ToolDecision.Write>(Decide(new MatchAccount(), view, AcmeOrCreate));

        Assert.That(write.Writes[0], Is.TypeOf<CreateRecord>());
    }

    [Test]
    public void Should_key_an_account_without_a_domain_by_its_name()
    {
        var one = As<ToolDecision.Write>(Decide(new MatchAccount(), new CrmView(), """{"leadId":"@upsert_lead","company":"Muster GmbH","createIfMissing":true}"""));
        var other = As<ToolDecision.Write>(Decide(new MatchAccount(), new CrmView(), """{"leadId":"@upsert_lead","company":"MUSTER","createIfMissing":true}"""));

        Assert.That(((CreateRecord)one.Writes[0]).RecordKey, Is.Not.Null.And.EqualTo(((CreateRecord)other.Writes[0]).RecordKey));
    }

    [Test]
    public void Should_take_the_exact_domain_before_a_better_name_and_link_the_lead()
    {
        var view = new CrmView
        {
            Accounts = [Account("A1", "Acme Robotics"), Account("A2", "Something else", "ACME.com")],
            OpenOpportunities = [Record(CrmObject.Opportunity, "O1", null, ("accountId", "A2")), Record(CrmObject.Opportunity, "O2", null, ("accountId", "A1"))],
        };

        var write = As<ToolDecision.Write>(Decide(new MatchAccount(), view, Acme));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(write.Data, Is.EquivalentTo(new Dictionary<string, string> { ["recordId"] = "A2", ["confidence"] = "1", ["openOpportunities"] = "1" }));
            Assert.That(OnlyUpdate(write).Fields, Is.EquivalentTo(new Dictionary<string, string?> { ["accountId"] = "A2" }));
            Assert.That(OnlyUpdate(write).Target, Is.EqualTo(RecordRef.CreatedBy("upsert_lead")));
            Assert.That(write.Before, Is.EquivalentTo(new Dictionary<string, string?> { ["accountId"] = null }));
        }
    }

    [TestCase("Acme Robotic Inc", true)]
    [TestCase("Acme", false)]
    [TestCase("Apex Logistics", false)]
    public void Should_match_a_name_above_the_threshold_only(string accountName, bool matches)
    {
        var view = new CrmView { Accounts = [Account("A1", accountName, "other.example")] };

        var decision = Decide(new MatchAccount(), view, Acme);

        if (matches)
        {
            Assert.That(As<ToolDecision.Write>(decision).Data!["recordId"], Is.EqualTo("A1"));
            return;
        }
        var unchanged = As<ToolDecision.Unchanged>(decision);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(unchanged.RecordId, Is.Null);
            Assert.That(unchanged.Data!["candidates"], Is.EqualTo("A1"));
            Assert.That(unchanged.Warning, Does.Contain("A1"));
        }
    }

    [Test]
    public void Should_name_the_best_three_when_none_is_good_enough()
    {
        var view = new CrmView { Accounts = [Account("A1", "Zzz"), Account("A2", "Acme"), Account("A3", "Acme Logistics"), Account("A4", "Qqq")] };

        var unchanged = As<ToolDecision.Unchanged>(Decide(new MatchAccount(), view, Acme));

        Assert.That(unchanged.Data!["candidates"].Split(','), Has.Length.EqualTo(3).And.Contain("A2").And.Contain("A3"));
    }

    [Test]
    public void Should_leave_two_accounts_of_one_domain_to_a_person()
    {
        var view = new CrmView { Accounts = [Account("A1", "Acme", "acme.com"), Account("A2", "Acme", "acme.com")] };

        var refuse = As<ToolDecision.Refuse>(Decide(new MatchAccount(), view, Acme));

        Assert.That((refuse.Code, refuse.NeedsPerson), Is.EqualTo((CrmCodes.Ambiguous, true)));
        Assert.That(refuse.Candidates, Is.EqualTo(new[] { "A1", "A2" }));
    }

    [Test]
    public void Should_leave_two_equally_good_names_to_a_person()
    {
        var view = new CrmView { Accounts = [Account("A1", "Acme Robotics AG"), Account("A2", "Acme Robotics Inc.")] };

        Assert.That(As<ToolDecision.Refuse>(Decide(new MatchAccount(), view, AcmeOrCreate)).NeedsPerson, Is.True);
    }

    [Test]
    public void Should_create_a_missing_account_and_link_the_lead_to_it()
    {
        var write = As<ToolDecision.Write>(Decide(new MatchAccount(), View(), AcmeOrCreate));

        var create = (CreateRecord)write.Writes[0];
        var link = (UpdateRecord)write.Writes[1];
        using (Assert.EnterMultipleScope())
        {
            Assert.That((create.Object, create.EffectKey, create.RecordKey), Is.EqualTo((CrmObject.Account, Effect, "key:acme.com")));
            Assert.That(create.Fields, Is.EquivalentTo(new Dictionary<string, string> { ["name"] = "Acme Robotics", ["domain"] = "acme.com", ["industry"] = "Robots" }));
            Assert.That(link.Fields["accountId"], Is.EqualTo("@step"));
            Assert.That(write.Data, Is.EquivalentTo(new Dictionary<string, string> { ["confidence"] = "1", ["openOpportunities"] = "0" }));
        }
    }

    [Test]
    public void Should_not_create_an_account_without_a_name()
    {
        var decision = Decide(new MatchAccount(), View(), """{"leadId":"@upsert_lead","domain":"acme.com","createIfMissing":true}""");

        Assert.That(As<ToolDecision.Unchanged>(decision).RecordId, Is.Null);
    }

    [Test]
    public void Should_not_look_for_an_account_without_a_criterion() =>
        Assert.That(As<ToolDecision.Unchanged>(Decide(new MatchAccount(), View(), """{"leadId":"@upsert_lead"}""")).Warning, Does.StartWith(CrmCodes.NoCriteria));

    [TestCase("A1", null)]
    [TestCase("A9", "A9")]
    public void Should_not_move_a_lead_that_is_linked(string linked, string? mentioned)
    {
        var view = new CrmView { Leads = [Lead("L1", ("accountId", linked))], Accounts = [Account("A1", "Acme", "acme.com")] };

        var unchanged = As<ToolDecision.Unchanged>(Decide(new MatchAccount(), view, """{"leadId":"L1","domain":"acme.com"}"""));

        Assert.That(unchanged.RecordId, Is.EqualTo("A1"));
        Assert.That(unchanged.Warning, mentioned is null ? Is.Null : Does.Contain(mentioned));
    }

    [Test]
    public void Should_only_make_up_for_the_link_when_the_account_was_created_before()
    {
        var view = Replayed(CrmObject.Account, "A7") with { Leads = [Lead("L1")] };

        var write = As<ToolDecision.Write>(Decide(new MatchAccount(), view, """{"leadId":"L1","domain":"acme.com"}"""));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(OnlyUpdate(write).Fields["accountId"], Is.EqualTo("A7"));
            Assert.That(write.Warning, Is.EqualTo(CrmCodes.Replayed));
        }
    }
}
