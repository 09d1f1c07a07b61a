using LeadPipeline.Mcp.Crm;
using LeadPipeline.TestKit.Simulators;
using static LeadPipeline.Mcp.Tests.Crm.Salesforce.SalesforceCase;

namespace LeadPipeline.Mcp.Tests.Crm.Salesforce;

public sealed class When_salesforce_converts_a_lead
{
    [Test]
    public async Task Should_make_a_contact_of_the_account_that_carries_our_key()
    {
        await using var org = await StartAsync();
        var (lead, account) = (org.KnownLead(), org.Org.Add("Account", ("Name", "Analytical <Engines> & Sons")));

        var done = (CrmOutcome.Done)(await org.WriteAsync(Order(lead, account)))[0];

        var contact = org.Org.Only("Contact");
        var read = await org.ReadAsync(CrmObject.Lead, lead);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(done.Data![CrmFields.ConvertedContact], Is.EqualTo(contact["Id"]!.ToString()));
            Assert.That(contact["AccountId"]!.ToString(), Is.EqualTo(account));
            Assert.That(contact["LeadPipeline_Effect__c"]!.ToString(), Is.EqualTo("effect~1~convert"));
            Assert.That(read![CrmFields.Status], Is.EqualTo("Converted"));
            Assert.That(read[CrmFields.ConvertedContact], Is.EqualTo(contact["Id"]!.ToString()));
        }
    }

    [Test]
    public async Task Should_convert_once_and_find_it_by_the_lead_after_a_lost_answer()
    {
        await using var org = await StartAsync();
        var (lead, account) = (org.KnownLead(), org.Org.Add("Account", ("Name", "Analytical")));
        org.Org.Faults.FailNext("convert", new SimulatorFault.AcceptAndDrop());

        var first = (await org.WriteAsync(Order(lead, account)))[0];
        var read = await org.ReadAsync(CrmObject.Lead, lead);
        var second = (await org.WriteAsync(Order(lead, account)))[0];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first, Is.TypeOf<CrmOutcome.Unknown>());
            Assert.That(read![CrmFields.ConvertedContact], Is.Not.Null);
            Assert.That(second, Is.TypeOf<CrmOutcome.Refused>().With.Property("Code").EqualTo(CrmCodes.ChangedSince));
            Assert.That(org.Org.Live("Contact"), Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_refresh_a_worn_session_once()
    {
        await using var org = await StartAsync();
        var (lead, account) = (org.KnownLead(), org.Org.Add("Account", ("Name", "Analytical")));
        org.Org.Faults.FailNext("convert", new SimulatorFault.RotateToken());

        var outcome = (await org.WriteAsync(Order(lead, account)))[0];

        Assert.That((outcome is CrmOutcome.Done, org.Org.Calls("token"), org.Org.Calls("convert")), Is.EqualTo((true, 2, 2)));
    }

    [Test]
    public async Task Should_not_convert_what_has_changed()
    {
        await using var org = await StartAsync();
        var (lead, account) = (org.KnownLead(), org.Org.Add("Account", ("Name", "Analytical")));
        _ = await org.WriteAsync(Change("set_score", lead, CrmFields.Score, "1"));
        var seen = (await org.ReadAsync(CrmObject.Lead, lead))!.Version;
        org.Org.Edit(lead, "Title", "Countess");

        var outcome = (await org.WriteAsync(Order(lead, account) with { ExpectedVersion = seen }))[0];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<CrmOutcome.Refused>().With.Property("Code").EqualTo(CrmCodes.ChangedSince));
            Assert.That(org.Org.Calls("convert"), Is.Zero);
        }
    }

    [Test]
    public async Task Should_refuse_what_the_org_refuses()
    {
        await using var org = await StartAsync();
        var (lead, account) = (org.KnownLead(), org.Org.Add("Account", ("Name", "Analytical")));
        org.Org.Delete(account);

        var outcome = (await org.WriteAsync(Order(lead, account)))[0];

        Assert.That(outcome, Is.TypeOf<CrmOutcome.Refused>().With.Property("Code").EqualTo(CrmCodes.NotConvertible));
    }

    [Test]
    public async Task Should_convert_after_the_writes_that_make_its_records()
    {
        await using var org = await StartAsync();
        var account = new CreateRecord("match_account", "match_account", CrmObject.Account, "effect.1.a", "key", new Dictionary<string, string> { [CrmFields.Name] = "Acme" });

        var outcomes = await org.WriteAsync(NewLead(), account, Order("@upsert_lead", "@match_account"));

        Assert.That(outcomes, Is.All.TypeOf<CrmOutcome.Done>());
    }

    private static ConvertLead Order(string lead, string account) => new("convert", "convert_lead", "effect.1.convert", RecordRef.Parse(lead), RecordRef.Parse(account), null, null);
}
