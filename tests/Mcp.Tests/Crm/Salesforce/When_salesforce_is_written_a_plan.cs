using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Tests.Execution;
using LeadPipeline.TestKit.Simulators;

namespace LeadPipeline.Mcp.Tests.Crm.Salesforce;

public sealed class When_salesforce_is_written_a_plan
{
    [TestCase(false)]
    [TestCase(true)]
    public async Task Should_route_a_lead_in_few_calls(bool known)
    {
        await using var org = await SalesforceCase.StartAsync();
        if (known)
            _ = org.KnownLead();
        var route = org.Route();

        var outcome = await route.DeliverAsync();

        var calls = org.Org.Calls("read", "write", "describe", "versions", "convert");
        TestContext.Out.WriteLine($"HTTP calls of one routed lead ({(known ? "known" : "new")}), token apart: {calls}, of which {org.Org.Calls("describe")} to describe the stages, once an hour");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>(), string.Join('\n', route.Run.Effects.Select(e => $"{e.Step.Id} {e.State} {e.Error}")));
            Assert.That(calls, Is.LessThanOrEqualTo(4));
            Assert.That(org.Org.Calls("token"), Is.EqualTo(1));
            Assert.That(route.Run.Effects.Select(e => e.State), Is.All.EqualTo(EffectState.Confirmed));
            Assert.That(route.Run.Effects.Select(e => e.RecordVersion), Is.All.Not.Null);
            Assert.That(org.Org.Effects.Values, Is.All.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_write_what_the_steps_decided()
    {
        await using var org = await SalesforceCase.StartAsync();

        _ = await org.Route().DeliverAsync();

        var (lead, account, opportunity) = (org.Org.Only("Lead"), org.Org.Only("Account"), org.Org.Only("Opportunity"));
        var tasks = org.Org.Live("Task");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Text(lead, "Email"), Is.EqualTo(RouteCase.Email));
            Assert.That(Text(lead, "Status"), Is.EqualTo("Open - Not Contacted"));
            Assert.That(Text(lead, "LeadPipeline_Score__c"), Is.EqualTo("90"));
            Assert.That(Text(lead, "LeadPipeline_Intent__c"), Is.EqualTo("High Fit"));
            Assert.That(Text(lead, "LeadPipeline_Account__c"), Is.EqualTo(Text(account, "Id")));
            Assert.That(Text(lead, "LeadPipeline_EnrichmentConfidence__c"), Is.EqualTo("0.9"));
            Assert.That(Text(account, "LeadPipeline_Domain__c"), Is.EqualTo("analytical.example"));
            Assert.That(Text(opportunity, "AccountId"), Is.EqualTo(Text(account, "Id")));
            Assert.That(Text(opportunity, "LeadPipeline_Lead__c"), Is.EqualTo(Text(lead, "Id")));
            Assert.That(tasks, Has.Count.EqualTo(2));
            Assert.That(tasks.Select(t => Text(t, "WhoId")), Is.All.EqualTo(Text(lead, "Id")));
            Assert.That(tasks.Select(t => Text(t, "Status")), Is.EquivalentTo(["Completed", "Not Started"]));
            Assert.That(Text(org.Org.Only("CampaignMember"), "CampaignId"), Is.EqualTo(org.Campaign));
        }
    }

    [Test]
    public async Task Should_find_everything_done_at_a_second_delivery()
    {
        await using var org = await SalesforceCase.StartAsync();
        var route = org.Route();
        _ = await route.DeliverAsync();
        var writes = org.Org.Calls("write");

        route.Run = route.Run with { Effects = [.. route.Run.Effects.Select(e => e with { State = EffectState.Sent })] };
        var outcome = await route.DeliverAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(org.Org.Calls("write"), Is.EqualTo(writes));
            Assert.That(org.Org.Effects.Values, Is.All.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_leave_nothing_when_a_critical_step_is_refused([Values] bool known)
    {
        await using var org = await SalesforceCase.StartAsync();
        var lead = known ? org.KnownLead(("LeadPipeline_Score__c", 12)) : null;
        // The task is refused for good; everything else would be taken.
        var priority = org.Org.Schema["Task"]["Priority"];
        org.Org.Schema["Task"]["Priority"] = priority with { Values = ["Low"] };
        var route = org.Route();

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>(), string.Join('\n', route.Run.Effects.Select(e => $"{e.Step.Id} {e.State} {e.Error} {e.Warning}")));
            Assert.That(org.Org.Live("Account"), Is.Empty);
            Assert.That(org.Org.Live("Opportunity"), Is.Empty);
            Assert.That(org.Org.Live("Lead").Select(l => Text(l, "Id")), Is.EqualTo(known ? new[] { lead } : []));
            Assert.That(org.Org.Effects.Values, Is.All.EqualTo(1));
            if (known)
            {
                Assert.That(Text(org.Org.Only("Lead"), "LeadPipeline_Score__c"), Is.EqualTo("12"));
                Assert.That(Text(org.Org.Only("Lead"), "LeadPipeline_Account__c"), Is.Null);
            }
        }
    }

    [Test]
    public async Task Should_ask_for_the_stages_once_for_all_plans_that_want_them_at_once()
    {
        await using var org = await SalesforceCase.StartAsync();
        var release = new TaskCompletionSource();
        org.Org.Faults.FailNext("describe", new SimulatorFault.AnswerLate(release.Task));

        var writes = Enumerable.Range(0, 5).Select(n => org.WriteAsync(new CreateRecord("create_opportunity", "create_opportunity", CrmObject.Opportunity, $"effect.{n}.create_opportunity", null,
            new Dictionary<string, string> { [CrmFields.Name] = $"Deal {n}", [CrmFields.Stage] = "Prospecting", [CrmFields.CloseDate] = "2026-06-03" }))).ToList();
        release.SetResult();
        var outcomes = await Task.WhenAll(writes);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes.Select(o => o.Single()), Is.All.TypeOf<CrmOutcome.Done>());
            Assert.That(org.Org.Calls("describe"), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_refresh_the_credentials_once_when_the_token_is_worn()
    {
        await using var org = await SalesforceCase.StartAsync();
        org.Org.Faults.FailNext("write", new SimulatorFault.RotateToken());

        var outcome = await org.Route().DeliverAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(org.Org.Calls("token"), Is.EqualTo(2));
            Assert.That(org.Org.Effects.Values, Is.All.EqualTo(1));
        }
    }

    internal static string? Text(IReadOnlyDictionary<string, System.Text.Json.Nodes.JsonNode?> record, string field) => record.GetValueOrDefault(field)?.ToString();
}
