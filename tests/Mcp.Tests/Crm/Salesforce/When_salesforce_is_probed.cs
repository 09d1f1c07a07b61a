using LeadPipeline.Mcp.Crm;
using LeadPipeline.TestKit.Simulators.Salesforce;
using static LeadPipeline.Mcp.Tests.Crm.Salesforce.SalesforceCase;

namespace LeadPipeline.Mcp.Tests.Crm.Salesforce;

public sealed class When_salesforce_is_probed
{
    [Test]
    public async Task Should_find_a_complete_org_well()
    {
        await using var org = await StartAsync(o => o.Stages["Negotiation"] = "Negotiation/Review");

        var findings = await org.Crm.ProbeAsync(CancellationToken.None);

        Assert.That(findings.Where(f => !f.Well), Is.Empty);
        Assert.That(findings, Has.Count.EqualTo(8));
    }

    [Test]
    public async Task Should_name_each_thing_that_is_wrong()
    {
        await using var org = await StartAsync();
        org.Org.Schema["Lead"].Remove("LeadPipeline_Intent__c");
        org.Org.Schema["Task"]["LeadPipeline_Effect__c"] = new OrgField("LeadPipeline_Effect__c", FieldType.Text);
        org.Org.Schema["Account"]["LeadPipeline_Domain__c"] = org.Org.Schema["Account"]["LeadPipeline_Domain__c"] with { Updateable = false };
        org.Org.Schema.Remove("CampaignMember");
        org.Org.Schema["Opportunity"]["StageName"] = org.Org.Schema["Opportunity"]["StageName"] with { Values = ["Prospecting"] };

        var says = (await org.Crm.ProbeAsync(CancellationToken.None)).Where(f => !f.Well).ToDictionary(f => f.What, f => f.Says);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(says["Lead"], Does.Contain("LeadPipeline_Intent__c is missing"));
            Assert.That(says["Task"], Does.Contain("LeadPipeline_Effect__c must be an external id and unique"));
            Assert.That(says["Account"], Does.Contain("LeadPipeline_Domain__c may not be written"));
            Assert.That(says["CampaignMember"], Does.Contain("does not see CampaignMember"));
            Assert.That(says["Opportunity"], Does.Contain("no stage for Qualification"));
            Assert.That(says, Has.Count.EqualTo(5));
        }
    }

    [Test]
    public async Task Should_tell_a_wrong_secret_from_a_wrong_host()
    {
        await using var secret = await StartAsync(o => o.ClientSecret = "wrong");
        await using var version = await StartAsync(o => o.ApiVersion = "v99.0");
        await using var host = await StartAsync(o => o.BaseUrl = "https://127.0.0.1:1");

        var (a, b, c) = (await secret.Crm.ProbeAsync(CancellationToken.None), await version.Crm.ProbeAsync(CancellationToken.None), await host.Crm.ProbeAsync(CancellationToken.None));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(a.Single().Says, Does.Contain("invalid_client").And.Contain("ClientSecret").And.Not.Contain("wrong"));
            Assert.That(b[^1].Says, Does.Contain("v99.0 is not there; the newest is v67.0"));
            Assert.That(c.Single().Says, Does.Contain("cannot be reached"));
        }
    }
}
