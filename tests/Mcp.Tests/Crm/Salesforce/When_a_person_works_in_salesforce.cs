using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Tests.Execution;
using static LeadPipeline.Mcp.Tests.Crm.Salesforce.SalesforceCase;

namespace LeadPipeline.Mcp.Tests.Crm.Salesforce;

public sealed class When_a_person_works_in_salesforce
{
    [Test]
    public async Task Should_write_nothing_of_the_batch_when_the_record_has_another_version()
    {
        await using var org = await StartAsync();
        var lead = org.KnownLead();
        _ = await org.WriteAsync(Change("set_score", lead, CrmFields.Score, "1"));
        var seen = (await org.ReadAsync(CrmObject.Lead, lead))!.Version;
        org.Org.Edit(lead, "Title", "Countess");

        var outcomes = await org.WriteAsync(NewTask("first", lead), Change("set_score", lead, CrmFields.Score, "90", seen), NewTask("second", lead));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes[1], Is.TypeOf<CrmOutcome.Refused>().With.Property("Code").EqualTo(CrmCodes.ChangedSince));
            Assert.That(outcomes[2], Is.TypeOf<CrmOutcome.NotTried>());
            Assert.That(org.Org.Live("Task"), Is.Empty);
            Assert.That(org.Org.Only("Lead")["LeadPipeline_Score__c"]!.ToString(), Is.EqualTo("1"));
        }
    }

    [Test]
    public async Task Should_let_its_own_writes_follow_each_other()
    {
        await using var org = await StartAsync();
        var lead = org.KnownLead();
        var seen = (await org.ReadAsync(CrmObject.Lead, lead))!.Version;

        // More than one composite takes.
        var outcomes = await org.WriteAsync([.. Enumerable.Range(0, 40).Select(i => (CrmWrite)Change($"s{i}", lead, CrmFields.Score, $"{i}", seen))]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes, Is.All.TypeOf<CrmOutcome.Done>());
            Assert.That(org.Org.Only("Lead")["LeadPipeline_Score__c"]!.ToString(), Is.EqualTo("39"));
        }
    }

    [Test]
    public async Task Should_remove_only_what_nobody_has_touched([Values] bool touched)
    {
        await using var org = await StartAsync();
        var made = (CrmOutcome.Done)(await org.WriteAsync(NewLead()))[0];
        if (touched)
            org.Org.Edit(made.RecordId, "Title", "Countess");

        var outcome = (await org.WriteAsync(new RemoveRecord("upsert_lead", "upsert_lead", CrmObject.Lead, made.RecordId, made.Version)))[0];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(org.Org.IsDeleted(made.RecordId), Is.EqualTo(!touched));
            Assert.That((outcome as CrmOutcome.Refused)?.Code, Is.EqualTo(touched ? CrmCodes.ChangedSince : null));
        }
    }

    [TestCase("Contact", "AccountId")]
    [TestCase("Opportunity", "AccountId")]
    [TestCase("Lead", "LeadPipeline_Account__c")]
    public async Task Should_keep_an_account_to_which_something_belongs(string type, string field)
    {
        await using var org = await StartAsync();
        var made = (CrmOutcome.Done)(await org.WriteAsync(new CreateRecord("match_account", "match_account", CrmObject.Account, "effect.1.a", "key", new Dictionary<string, string> { [CrmFields.Name] = "Acme" })))[0];
        var child = org.Org.Add(type, ("LastName", "L"), (field, made.RecordId));

        var outcome = (await org.WriteAsync(new RemoveRecord("match_account", "match_account", CrmObject.Account, made.RecordId, made.Version)))[0];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<CrmOutcome.Refused>().With.Property("Message").Contains("other records belong to the account"));
            Assert.That(org.Org.IsDeleted(made.RecordId) || org.Org.IsDeleted(child), Is.False);
        }
    }

    [Test]
    public async Task Should_refuse_to_change_what_was_deleted()
    {
        await using var org = await StartAsync();
        var lead = org.KnownLead();
        org.Org.Delete(lead);

        var outcome = (await org.WriteAsync(Change("set_score", lead, CrmFields.Score, "1")))[0];

        Assert.That(outcome, Is.TypeOf<CrmOutcome.Refused>().With.Property("Code").EqualTo(CrmCodes.NotFound));
    }
}
