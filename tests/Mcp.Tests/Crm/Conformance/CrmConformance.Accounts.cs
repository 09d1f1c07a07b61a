using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;
using static LeadPipeline.Mcp.Tests.Crm.ConformanceRun;

namespace LeadPipeline.Mcp.Tests.Crm;

public abstract partial class CrmConformance
{
    [Test]
    public async Task Should_match_an_account_by_its_exact_domain()
    {
        var (account, lead) = (await AccountAsync("Something else entirely", Domain), await KnownLeadAsync());
        _ = await AccountAsync(Company);

        var run = await DoneAsync(Step("match_account", $$"""{"leadId":"{{lead}}","domain":"{{Domain.ToUpperInvariant()}}","company":"{{Company}}"}"""));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(run.Record("match_account"), Is.EqualTo(account));
            Assert.That(run.Effect("match_account").Data["confidence"], Is.EqualTo("1"));
            Assert.That((await GetAsync(CrmObject.Lead, lead))[CrmFields.Account], Is.EqualTo(account));
        }
    }

    [Test]
    public async Task Should_match_an_account_by_a_name_that_differs_in_legal_form_and_case()
    {
        var (account, lead) = (await AccountAsync($"{Word.ToUpperInvariant()} {Second.ToUpperInvariant()} Limited"), await KnownLeadAsync());

        var run = await DoneAsync(Step("match_account", $$"""{"leadId":"{{lead}}","domain":"{{Domain}}","company":"{{Company}}"}"""));

        Assert.That(run.Record("match_account"), Is.EqualTo(account));
    }

    [TestCase("{0} {1}s", true, TestName = "Should_match_a_name_above_the_threshold")]
    [TestCase("{0} {0} {1} {1}", false, TestName = "Should_not_match_a_name_below_the_threshold")]
    public async Task Should_keep_the_threshold(string name, bool matches)
    {
        var (account, lead) = (await AccountAsync(string.Format(System.Globalization.CultureInfo.InvariantCulture, name, Word, Second)), await KnownLeadAsync());

        var run = await DoneAsync(Step("match_account", $$"""{"leadId":"{{lead}}","company":"{{Company}}"}"""));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(run.Effect("match_account").RecordId, Is.EqualTo(matches ? account : null));
            Assert.That((await GetAsync(CrmObject.Lead, lead))[CrmFields.Account], Is.EqualTo(matches ? account : null));
            if (!matches)
                Assert.That(run.Effect("match_account").Data["candidates"], Does.Contain(account));
        }
    }

    [Test]
    public async Task Should_not_match_the_account_of_a_free_mail_provider()
    {
        // The planner gives no domain for a free-mail address; the provider's own account must not come in by the lead's address.
        var lead = await Under.CreateAsync(CrmObject.Lead, (CrmFields.Email, $"{Word}@gmail.com"), (CrmFields.LastName, "Lovelace"), (CrmFields.Company, Company));
        _ = await AccountAsync("Gmail", "gmail.com");

        var run = await DoneAsync(Step("match_account", $$"""{"leadId":"{{lead}}","company":"{{Company}}"}"""));

        Assert.That(run.Effect("match_account").RecordId, Is.Null);
    }

    [Test]
    public async Task Should_look_for_no_account_without_anything_to_go_by()
    {
        var run = await DoneAsync(Step("match_account", $$"""{"leadId":"{{await KnownLeadAsync()}}"}"""));

        Assert.That(run.Effect("match_account").Warning, Does.StartWith(CrmCodes.NoCriteria + ":"));
    }

    [Test]
    public async Task Should_create_an_account_once_for_two_leads_of_a_company()
    {
        var (one, two) = (await KnownLeadAsync(), await SomeLeadAsync());

        var first = await DoneAsync(Match(one));
        var second = await DoneAsync(Match(two));

        var account = (await AccountsAsync()).Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((account[CrmFields.Name], account[CrmFields.Domain], account.RecordKey), Is.EqualTo((Company, Domain, Key(Domain))));
            Assert.That((first.Record("match_account"), second.Record("match_account")), Is.EqualTo((account.Id, account.Id)));
            Assert.That((await GetAsync(CrmObject.Lead, two))[CrmFields.Account], Is.EqualTo(account.Id));
        }
    }

    [Test]
    public async Task Should_leave_two_accounts_of_one_domain_to_a_person()
    {
        var (one, two) = (await AccountAsync("One", Domain), await AccountAsync("Two", Domain));

        var outcome = await Plan(Match(await KnownLeadAsync())).ToTheEndAsync();

        Assert.That(outcome, Is.TypeOf<PlanOutcome.NeedsPerson>());
        Assert.That(((PlanOutcome.NeedsPerson)outcome).Candidates, Is.EquivalentTo([one, two]));
    }

    [Test]
    public async Task Should_leave_a_lead_with_the_account_that_a_person_chose()
    {
        var chosen = await AccountAsync("Chosen by hand");
        var lead = await KnownLeadAsync((CrmFields.Account, chosen));
        _ = await AccountAsync(Company, Domain);

        var run = await DoneAsync(Match(lead));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(run.Effect("match_account").Warning, Does.Contain(chosen));
            Assert.That((await GetAsync(CrmObject.Lead, lead))[CrmFields.Account], Is.EqualTo(chosen));
        }
    }

    [Test]
    public async Task Should_tell_how_many_opportunities_of_the_account_are_open()
    {
        var account = await AccountAsync(Company, Domain);
        foreach (var stage in (string[])["Prospecting", "Negotiation", "Closed Lost"])
            _ = await Under.CreateAsync(CrmObject.Opportunity, (CrmFields.Name, $"{Word} {stage}"), (CrmFields.Stage, stage), (CrmFields.CloseDate, "2026-06-03"), (CrmFields.Account, account));

        var run = await DoneAsync(Match(await KnownLeadAsync()));

        Assert.That(run.Effect("match_account").Data["openOpportunities"], Is.EqualTo("2"));
    }

    [Test]
    public async Task Should_create_a_contact_of_an_account()
    {
        var account = await AccountAsync();

        var run = await DoneAsync(Contact(account));

        var contact = await GetAsync(CrmObject.Contact, run.Record("create_contact"));
        Assert.That((contact[CrmFields.Account], contact[CrmFields.Email], contact[CrmFields.FirstName], contact[CrmFields.LastName], contact[CrmFields.Title]),
            Is.EqualTo((account, Email, "Ada", "Lovelace", "Countess")));
    }

    [Test]
    public async Task Should_make_nobody_a_contact_twice()
    {
        var account = await AccountAsync();
        var first = await DoneAsync(Contact(account));

        var second = await DoneAsync(Contact(account));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(second.Effect("create_contact").State, Is.EqualTo(EffectState.Unchanged));
            Assert.That(second.Record("create_contact"), Is.EqualTo(first.Record("create_contact")));
            Assert.That(await ContactsAsync(), Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_leave_two_contacts_of_one_address_to_a_person()
    {
        if (Under.Lacks.Contains(CrmCapability.ContactsBesideLeads))
            return;
        var account = await AccountAsync();
        for (var i = 0; i < 2; i++)
            _ = await Under.CreateAsync(CrmObject.Contact, (CrmFields.Email, Email), (CrmFields.LastName, "Lovelace"), (CrmFields.Account, account));

        Assert.That(await Plan(Contact(account)).ToTheEndAsync(), Is.TypeOf<PlanOutcome.NeedsPerson>());
    }

    [Test]
    public async Task Should_refuse_a_contact_without_an_account([Values("create_contact", "link_contact_to_account", "convert_lead")] string tool)
    {
        var gone = await AccountAsync();
        await Under.DeleteAsync(CrmObject.Account, gone);
        if (tool == "convert_lead" && Under.Lacks.Contains(CrmCapability.Conversion))
            return;

        var refusal = await RefusedAsync(tool switch
        {
            "create_contact" => Contact(gone),
            "link_contact_to_account" => Link(await AContactAsync(), gone),
            _ => Convert(await ConvertibleAsync(), gone),
        });

        Assert.That(refusal, Does.StartWith(CrmCodes.AccountRequired + ":"));
    }

    [Test]
    public async Task Should_link_a_contact_once()
    {
        var (contact, account) = (await AContactAsync(), await AccountAsync());

        _ = await DoneAsync(Link(contact, account));
        var again = await DoneAsync(Link(contact, account));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await GetAsync(CrmObject.Contact, contact))[CrmFields.Account], Is.EqualTo(account));
            Assert.That(again.Effect("link_contact_to_account").State, Is.EqualTo(EffectState.Unchanged));
        }
    }

    [Test]
    public async Task Should_leave_a_contact_with_the_account_that_a_person_chose()
    {
        var chosen = await AccountAsync("Chosen by hand");
        var contact = await Under.CreateAsync(CrmObject.Contact, (CrmFields.Email, Email), (CrmFields.LastName, "Lovelace"), (CrmFields.Account, chosen));

        var run = await DoneAsync(Link(contact, await AccountAsync()));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(run.Effect("link_contact_to_account").Warning, Does.Contain(chosen));
            Assert.That((await GetAsync(CrmObject.Contact, contact))[CrmFields.Account], Is.EqualTo(chosen));
        }
    }

    [Test]
    public async Task Should_link_a_contact_to_an_account_that_the_same_plan_creates()
    {
        var (lead, contact) = (await KnownLeadAsync(), await AContactAsync());

        var run = await DoneAsync(Match(lead), Link(contact, "$steps.match_account.recordId"));

        Assert.That((await GetAsync(CrmObject.Contact, contact))[CrmFields.Account], Is.EqualTo(run.Record("match_account")));
    }

    private Contracts.PlanStep Match(string lead) => Step("match_account", $$"""{"leadId":"{{lead}}","domain":"{{Domain}}","company":"{{Company}}","createIfMissing":true}""");

    private Contracts.PlanStep Contact(string account) => ContactOf(account, Email);

    private static Contracts.PlanStep ContactOf(string account, string email) =>
        Step("create_contact", $$"""{"accountId":"{{account}}","email":"{{email}}","firstName":"Ada","lastName":"Lovelace","title":"Countess"}""");

    private static Contracts.PlanStep Link(string contact, string account) => Step("link_contact_to_account", $$"""{"contactId":"{{contact}}","accountId":"{{account}}"}""");

    private Task<string> AContactAsync() => Under.CreateAsync(CrmObject.Contact, (CrmFields.Email, Email), (CrmFields.LastName, "Lovelace"));

    private async Task<List<CrmRecord>> ContactsAsync() => [.. (await Under.ListAsync(CrmObject.Contact)).Where(c => c[CrmFields.Email] == Email)];
}
