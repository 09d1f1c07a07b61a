using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Tests.Crm;

namespace LeadPipeline.Mcp.Tests.Execution;

[TestFixture]
public sealed class When_steps_depend_on_each_other
{
    [Test]
    public async Task Should_skip_a_step_whose_condition_is_not_met()
    {
        var route = new RouteCase();
        var account = route.Crm.Add(CrmObject.Account, null, (CrmFields.Name, "Analytical Engines"), (CrmFields.Domain, "analytical.example"));
        _ = route.Crm.Add(CrmObject.Opportunity, null, (CrmFields.Account, account), (CrmFields.Stage, "Prospecting"));

        var outcome = await route.DeliverAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(route.Effect("create_opportunity"), Has.Property("State").EqualTo(EffectState.Skipped).And.Property("Warning").Contains("openOpportunities"));
            Assert.That(route.Effect("match_account"), Has.Property("RecordId").EqualTo(account).And.Property("Created").False);
        }
    }

    [Test]
    public async Task Should_skip_an_optional_step_whose_reference_is_empty()
    {
        var route = new RouteCase().With(s => s.Tool switch
        {
            "match_account" => s with { Arguments = new() { ["leadId"] = "$steps.upsert_lead.recordId" } },
            "create_opportunity" => s with { When = [] },
            _ => s,
        });

        var outcome = await route.DeliverAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(route.Effect("match_account").State, Is.EqualTo(EffectState.Unchanged));
            Assert.That(route.Effect("create_opportunity"), Has.Property("State").EqualTo(EffectState.Skipped).And.Property("Warning").Contains("$steps.match_account.recordId"));
        }
    }

    [Test]
    public async Task Should_fail_the_plan_when_the_reference_of_a_critical_step_is_empty()
    {
        var route = new RouteCase().With(s => s.Tool switch
        {
            "match_account" => s with { Arguments = new() { ["leadId"] = "$steps.upsert_lead.recordId" } },
            "create_opportunity" => s with { When = [], Critical = true },
            _ => s,
        });

        var outcome = await route.DeliverAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(route.Run.Failure, Has.Property("Error").StartsWith(CrmCodes.InvalidReference));
            Assert.That(route.Crm.Batches, Is.Zero);
        }
    }

    [Test]
    public async Task Should_fail_the_plan_when_a_critical_step_refers_to_a_record_that_was_refused()
    {
        var route = new RouteCase().With(s => s.Tool == "create_opportunity" ? s with { When = [], Critical = true } : s);
        route.Crm.FailNext("match_account", Fault.Refuse);

        var outcome = await route.DeliverAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(route.Crm.All(CrmObject.Lead), Is.Empty);
        }
    }

    [Test]
    public async Task Should_ask_a_person_when_two_leads_match()
    {
        var route = new RouteCase();
        var candidates = new[] { route.Crm.Add(CrmObject.Lead, null, (CrmFields.Email, RouteCase.Email)), route.Crm.Add(CrmObject.Lead, null, (CrmFields.Email, RouteCase.Email)) };

        var outcome = await route.DeliverAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.NeedsPerson>().With.Property("Reason").EqualTo(CrmCodes.Ambiguous).And.Property("Candidates").EqualTo(candidates));
            Assert.That(route.Crm.Batches, Is.Zero, "nothing is written for a lead that nobody can tell");
        }
    }

    [Test]
    public async Task Should_tell_the_person_what_was_found_of_the_steps_that_follow()
    {
        var route = new RouteCase();
        AddAccount();
        route.Crm.KillAt = (1, true);
        Assert.That(route.DeliverAsync, Throws.TypeOf<CrashException>());
        AddAccount();

        var outcome = await route.DeliverAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.NeedsPerson>().With.Property("Reason").EqualTo(CrmCodes.Ambiguous));
            Assert.That(route.Effect("match_account").State, Is.Not.EqualTo(EffectState.Confirmed));
            Assert.That(route.Effect("create_task"), Has.Property("State").EqualTo(EffectState.Confirmed).And.Property("RecordId").EqualTo(route.Crm.Only(CrmObject.Task).Id));
        }

        void AddAccount() => route.Crm.Add(CrmObject.Account, null, (CrmFields.Name, "Analytical Engines"), (CrmFields.Domain, "analytical.example"));
    }

    [Test]
    public async Task Should_not_write_what_stands_there_already()
    {
        var first = new RouteCase();
        _ = await first.DeliverAsync();
        var lead = first.Crm.Only(CrmObject.Lead);

        first.Run = PlanRun.New(RouteCase.LeadId, 2, RouteCase.Email, new() { Status = Contracts.PlanStatus.Planned, Policy = new("default", "hash"), PlanHash = "hash", Steps = [.. first.Run.Effects.Select(e => e.Step).Where(s => s.Tool is "upsert_lead" or "set_lead_score" or "match_account" or "sync_firmographics")] });
        var outcome = await first.DeliverAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(first.Run.Effects.Select(e => e.State), Is.All.EqualTo(EffectState.Unchanged));
            Assert.That(first.Crm.Only(CrmObject.Lead).Version, Is.EqualTo(lead.Version));
        }
    }

    [Test]
    public async Task Should_report_a_crm_that_cannot_be_read_as_not_now()
    {
        var route = new RouteCase();
        var executor = new PlanExecutor(Mcp.Registry.ToolRegistry.Default(), new Unreadable(), route.Time, new InPlaceRetry(), RouteCase.Key);

        var outcome = await executor.PrepareAsync(route.Run, CancellationToken.None);

        Assert.That(outcome, Is.EqualTo(new PlanOutcome.NotNow(route.Run.Effects, "crm-breaker-open", false, TimeSpan.FromSeconds(30))));
    }

    private sealed class Unreadable : ICrm
    {
        public string Provider => "unreadable";

        public Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken) =>
            throw new CrmUnavailableException(NotNowKind.BreakerOpen, "open", TimeSpan.FromSeconds(30));

        public Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken) => throw new InvalidOperationException("nothing was read");
    }
}
