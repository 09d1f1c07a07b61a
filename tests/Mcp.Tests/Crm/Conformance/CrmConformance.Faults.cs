using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;

namespace LeadPipeline.Mcp.Tests.Crm;

public abstract partial class CrmConformance
{
    private static readonly PlannedFault[] Passing =
    [
        PlannedFault.RefusedConnection, PlannedFault.ServerError, PlannedFault.AcceptedThenDropped, PlannedFault.NoAnswer, PlannedFault.RateLimited, PlannedFault.Unauthorized,
        PlannedFault.TokenExpired, PlannedFault.LateBeforeRetry, PlannedFault.LateAfterRetry,
    ];

    private static readonly (string Tool, CrmObject Kind)[] Routed =
    [
        ("upsert_lead", CrmObject.Lead), ("log_activity", CrmObject.Activity), ("set_lead_score", CrmObject.Lead), ("match_account", CrmObject.Account),
        ("create_contact", CrmObject.Contact), ("create_task", CrmObject.Task), ("create_opportunity", CrmObject.Opportunity), ("add_note", CrmObject.Note),
    ];

    [Test]
    public async Task Should_do_every_effect_once_whatever_passing_fault_a_call_meets(
        [ValueSource(nameof(Routed))] (string Tool, CrmObject Kind) at, [ValueSource(nameof(Passing))] PlannedFault fault)
    {
        if (at.Tool == "create_contact" && Under.Lacks.Contains(CrmCapability.ContactsBesideLeads))
            return;
        Under.FailNext(fault, at.Tool, at.Kind);

        var run = await DoneAsync(Route());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(run.Effects.Select(e => (e.Step.Id, e.State)), Is.All.Matches<(string, EffectState State)>(e => e.State == EffectState.Confirmed));
            await AssertOnceAsync(run);
        }
    }

    [Test]
    public async Task Should_do_every_effect_once_for_a_lead_that_is_known_already([ValueSource(nameof(Passing))] PlannedFault fault)
    {
        _ = await KnownLeadAsync();
        Under.FailNext(fault, "upsert_lead", CrmObject.Lead);

        var run = await DoneAsync(Route());

        using (Assert.EnterMultipleScope())
            await AssertOnceAsync(run);
    }

    [Test]
    public async Task Should_do_the_rest_when_one_part_of_a_call_is_refused([Values("log_activity", "set_lead_score", "create_contact", "create_opportunity", "add_note")] string tool)
    {
        if (tool == "create_contact" && Under.Lacks.Contains(CrmCapability.ContactsBesideLeads))
            return;
        Under.FailNext(PlannedFault.PartRefused, tool, Routed.Single(r => r.Tool == tool).Kind);

        var run = await DoneAsync(Route());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(run.Effect(tool).State, Is.EqualTo(EffectState.Failed));
            Assert.That(run.Effects.Where(e => e.Step.Id != tool).Select(e => e.State), Is.All.EqualTo(EffectState.Confirmed));
        }
    }

    [Test]
    public async Task Should_leave_out_what_depends_on_a_part_that_is_refused()
    {
        Under.FailNext(PlannedFault.PartRefused, "match_account", CrmObject.Account);

        var run = await DoneAsync(Route());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(run.Effect("match_account").State, Is.EqualTo(EffectState.Failed));
            Assert.That(run.Effects.Where(e => e.Step.Tool is "create_contact" or "create_opportunity").Select(e => e.State), Is.All.EqualTo(EffectState.Skipped));
            Assert.That(run.Effect("create_task").State, Is.EqualTo(EffectState.Confirmed));
            Assert.That(await AccountsAsync(), Is.Empty);
        }
    }

    [Test]
    public async Task Should_leave_nothing_behind_when_the_task_is_refused()
    {
        Under.FailNext(PlannedFault.PartRefused, "create_task", CrmObject.Task);

        var outcome = await Plan(Route()).ToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(await LeadsAsync(), Is.Empty);
            Assert.That(await AccountsAsync(), Is.Empty);
            Assert.That(await ContactsAsync(), Is.Empty);
        }
    }

    [Test]
    public async Task Should_wait_for_a_person_to_mend_the_credentials()
    {
        Under.FailNext(PlannedFault.Unauthorized, "upsert_lead", CrmObject.Lead);

        var outcome = await Plan(Route()).DeliverAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.NotNow>().With.Property("Reason").EqualTo(PlanOutcome.NotNow.Unauthorized));
            Assert.That(await LeadsAsync(), Is.Empty);
        }
    }

    [Test]
    public async Task Should_wait_for_a_limit_and_use_up_no_try()
    {
        Under.FailNext(PlannedFault.RateLimited, "upsert_lead", CrmObject.Lead);

        var outcome = await Plan(Route()).DeliverAsync();

        Assert.That(outcome, Is.TypeOf<PlanOutcome.NotNow>().With.Property("Reason").EqualTo("crm-rate-limited").And.Property("CountsAsFailure").False);
    }

    /// <summary>What happens with a routed lead, in short.</summary>
    private PlanStep[] Route()
    {
        const string lead = "$steps.upsert_lead.recordId", account = "$steps.match_account.recordId";
        return
        [
            Upsert(), Activity(lead), ConformanceRun.Step("set_lead_score", $$"""{"leadId":"{{lead}}","score":90}"""), Match(lead),
            .. Under.Lacks.Contains(CrmCapability.ContactsBesideLeads) ? [] : (PlanStep[])[Contact(account)],
            ATask(lead, critical: true), Opportunity(lead, account), Note(lead),
        ];
    }

    private async Task AssertOnceAsync(ConformanceRun run)
    {
        await Under.SettleAsync();
        var lead = run.Record("upsert_lead");
        Assert.That(await LeadsAsync(), Has.Count.EqualTo(1));
        Assert.That(await AccountsAsync(), Has.Count.EqualTo(1));
        Assert.That(await ContactsAsync(), Has.Count.EqualTo(1), "one contact, or one record that is lead and contact");
        foreach (var kind in (CrmObject[])[CrmObject.Activity, CrmObject.Task, CrmObject.Note])
            Assert.That(await OfLeadAsync(kind, lead), Has.Count.EqualTo(1), kind.ToString());
        Assert.That((await Under.ListAsync(CrmObject.Opportunity)).Count(o => o[CrmFields.Account] == run.Record("match_account")), Is.EqualTo(1));
        var counted = await Under.CountEffectsAsync();
        foreach (var effect in run.Effects.Where(e => e.Created))
        {
            Assert.That(counted.GetValueOrDefault(effect.EffectKey), Is.EqualTo(1), effect.Step.Id);
            Assert.That((await Under.ListAsync(effect.Object!.Value)).Count(r => r.EffectKey == effect.EffectKey), Is.EqualTo(1), effect.Step.Id);
        }
        Assert.That((await GetAsync(CrmObject.Lead, lead))[CrmFields.Score], Is.EqualTo("90"));
    }
}
