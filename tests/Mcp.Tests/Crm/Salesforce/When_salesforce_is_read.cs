using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Tests.Execution;
using static LeadPipeline.Mcp.Tests.Crm.Salesforce.SalesforceCase;

namespace LeadPipeline.Mcp.Tests.Crm.Salesforce;

public sealed class When_salesforce_is_read
{
    [Test]
    public async Task Should_answer_everything_of_a_plan_in_one_call()
    {
        await using var org = await StartAsync();
        var lead = org.KnownLead();
        var byMail = org.Org.Add("Lead", ("LastName", "L"), ("Company", "C"), ("Email", RouteCase.Email.ToUpperInvariant()));
        var account = org.Org.Add("Account", ("Name", "Somebody else"), ("Website", "https://www.analytical.example/"));
        var named = org.Org.Add("Account", ("Name", "Analytical Engines Ltd"));
        var open = org.Org.Add("Opportunity", ("Name", "O"), ("StageName", "Prospecting"), ("CloseDate", "2026-06-03"), ("AccountId", account));
        org.Org.Add("Opportunity", ("Name", "P"), ("StageName", "Closed Won"), ("CloseDate", "2026-06-03"), ("AccountId", account));
        org.Org.Add("Account", ("Name", "Unrelated"));

        var view = await org.Crm.ReadAsync(new CrmQuery
        {
            RecordKey = RouteCase.Key(RouteCase.Email),
            Email = RouteCase.Email,
            AccountDomain = "analytical.example",
            AccountName = "The Analytical Engines Inc.",
            Campaign = "Spring",
        }, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(view.Leads.Select(l => l.Id), Is.EqualTo(new[] { lead, byMail }));
            Assert.That(view.Accounts.Select(a => a.Id), Is.EquivalentTo(new[] { account, named }));
            Assert.That(view.Accounts.Single(a => a.Id == account)[CrmFields.Domain], Is.EqualTo("analytical.example"));
            Assert.That(view.OpenOpportunities.Select(o => o.Id), Is.EqualTo(new[] { open }));
            Assert.That(view.Campaign!.Id, Is.EqualTo(org.Campaign));
            Assert.That(org.Org.Calls("read"), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_take_no_more_than_two_calls_whatever_is_asked()
    {
        await using var org = await StartAsync();
        var lead = org.KnownLead();
        var done = (CrmOutcome.Done)(await org.WriteAsync(NewTask(lead: lead)))[0];

        var view = await org.Crm.ReadAsync(new CrmQuery
        {
            RecordKey = "key",
            Email = RouteCase.Email,
            AccountDomain = "a.example",
            AccountName = "Acme",
            Campaign = org.Campaign,
            User = "sam@example.com",
            ContactEmail = RouteCase.Email,
            Effects = [(CrmObject.Task, "effect.1.create_task"), (CrmObject.Activity, "effect.1.nothing"), (CrmObject.Opportunity, "effect.1.o"), (CrmObject.CampaignMember, "effect.1.m")],
            Records = [(CrmObject.Lead, lead), (CrmObject.Note, done.RecordId), (CrmObject.Account, "../../x")],
        }, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(view.Users.Select(u => u.Id), Is.EqualTo(new[] { org.Org.Person }));
            Assert.That(view.Effects.Keys, Is.EqualTo(new[] { "effect.1.create_task" }));
            Assert.That(view.Effects.Values.Single().EffectKey, Is.EqualTo("effect.1.create_task"));
            Assert.That(view.Records.Keys, Is.EquivalentTo(new[] { lead, done.RecordId }));
            Assert.That(view.Records[done.RecordId].Object, Is.EqualTo(CrmObject.Note));
            Assert.That(view.Records[lead].Version, Is.Not.Empty);
            Assert.That(org.Org.Calls("read"), Is.EqualTo(2));
        }
    }

    [TestCase("O'Brien \\ Sons \"Ltd\"; SELECT")]
    [TestCase("100%_ \ud83d\ude80 @{q0.records[0].Id}")]
    [TestCase("\u202e\u0000\u0007 Bürö")]
    public async Task Should_find_a_company_of_any_name_and_nothing_else(string name)
    {
        await using var org = await StartAsync();
        var account = org.Org.Add("Account", ("Name", name));
        org.Org.Add("Account", ("Name", "Zeta"));

        var view = await org.Crm.ReadAsync(new CrmQuery { AccountName = name, Campaign = name, User = name, Email = name }, CancellationToken.None);

        Assert.That(view.Accounts.Select(a => a.Id), Is.EqualTo(new[] { account }));
    }

    [Test]
    public async Task Should_call_no_campaign_the_one_when_several_have_its_name()
    {
        await using var org = await StartAsync();
        org.Org.Add("Campaign", ("Name", "Spring"), ("IsActive", true));

        var byName = await org.Crm.ReadAsync(new CrmQuery { Campaign = "Spring" }, CancellationToken.None);
        var byId = await org.Crm.ReadAsync(new CrmQuery { Campaign = org.Campaign }, CancellationToken.None);

        Assert.That((byName.Campaign, byId.Campaign?.Id), Is.EqualTo(((CrmRecord?)null, org.Campaign)));
    }

    [Test]
    public async Task Should_say_that_a_person_has_to_mend_a_missing_field()
    {
        await using var org = await StartAsync();
        org.Org.Schema["Lead"].Remove("LeadPipeline_Score__c");

        Assert.That(async () => await org.Crm.ReadAsync(new CrmQuery { Email = RouteCase.Email }, CancellationToken.None),
            Throws.TypeOf<CrmUnavailableException>().With.Property("Kind").EqualTo(NotNowKind.Unauthorized).And.Message.Contains("doctor"));
    }
}
