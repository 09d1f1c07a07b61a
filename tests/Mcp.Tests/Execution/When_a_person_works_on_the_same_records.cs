using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;

namespace LeadPipeline.Mcp.Tests.Execution;

[TestFixture]
public sealed class When_a_person_works_on_the_same_records
{
    [Test]
    public async Task Should_decide_again_when_the_lead_changes_between_reading_and_writing()
    {
        var route = new RouteCase();
        var lead = route.KnownLead();
        route.Crm.BeforeNextWrite = () => route.Crm.Edit(lead, CrmFields.Company, "Difference Engines");

        var outcome = await route.DeliverAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(route.Crm.Batches, Is.EqualTo(2));
            Assert.That(route.Crm.Only(CrmObject.Lead)[CrmFields.Company], Is.EqualTo("Difference Engines"), "a person's work is not overwritten");
            Assert.That(route.Crm.Created.Values, Is.All.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_bring_back_what_the_person_wrote_and_not_what_stood_there_before()
    {
        var route = new RouteCase();
        var lead = route.KnownLead();
        route.Crm.BeforeNextWrite = () => route.Crm.Edit(lead, CrmFields.Score, "33");
        route.Crm.FailNext("create_task", Fault.Refuse);

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(route.Crm.Only(CrmObject.Lead)[CrmFields.Score], Is.EqualTo("33"));
        }
    }

    [Test]
    public async Task Should_not_restore_a_field_that_was_changed_since()
    {
        var route = new RouteCase();
        var lead = route.KnownLead();
        route.Crm.FailNext("create_task", Fault.Refuse);
        route.Crm.BeforeNextWrite = () => route.Crm.BeforeNextWrite = null;
        EditBeforeUndo(route, () => route.Crm.Edit(lead, CrmFields.Score, "55"));

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.NotUndone>());
            Assert.That(route.Effect("set_lead_score"), Has.Property("State").EqualTo(EffectState.CannotCompensate).And.Property("Warning").Contains("score"));
            Assert.That(route.Effect("set_intent_level").State, Is.EqualTo(EffectState.Compensated), "the other fields are restored");
            Assert.That(route.Crm.Only(CrmObject.Lead)[CrmFields.Score], Is.EqualTo("55"));
            Assert.That(route.Crm.Only(CrmObject.Lead)[CrmFields.Intent], Is.Null);
        }
    }

    [Test]
    public async Task Should_not_withdraw_a_record_that_another_lead_works_with()
    {
        var route = new RouteCase();
        route.Crm.FailNext("create_task", Fault.Refuse);
        var turned = await TurnedAsync(route);
        var account = route.Crm.Only(CrmObject.Account).Id;
        IReadOnlyList<string> asked = [];

        var outcome = await route.Executor.UndoAsync(turned, records =>
        {
            asked = records;
            return Task.FromResult<IReadOnlySet<string>>(new HashSet<string> { account });
        }, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(asked, Does.Contain(account));
            Assert.That(outcome, Is.TypeOf<PlanOutcome.NotUndone>());
            Assert.That(outcome.Effects.Single(e => e.Step.Id == "match_account"),
                Has.Property("State").EqualTo(EffectState.CannotCompensate).And.Property("Warning").Contains("another lead's"));
            Assert.That(route.Crm.All(CrmObject.Account), Has.Count.EqualTo(1));
            Assert.That(route.Crm.All(CrmObject.Lead), Is.Empty, "nobody else works with the lead");
        }
    }

    private static async Task<PlanRun> TurnedAsync(RouteCase route)
    {
        var prepared = await route.Executor.PrepareAsync(route.Run, CancellationToken.None);
        var written = await route.Executor.WriteAsync(route.Run with { Effects = prepared.Effects }, CancellationToken.None);
        Assert.That(written, Is.TypeOf<PlanOutcome.Failed>());
        return route.Run with { Effects = written.Effects };
    }

    [Test]
    public async Task Should_not_withdraw_a_record_that_was_changed_since()
    {
        var route = new RouteCase();
        route.Crm.FailNext("create_task", Fault.Refuse);
        EditBeforeUndo(route, () => route.Crm.Edit(route.Crm.Only(CrmObject.Lead).Id, CrmFields.Phone, "123"));

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.NotUndone>());
            Assert.That(route.Effect("upsert_lead").State, Is.EqualTo(EffectState.CannotCompensate));
            Assert.That(route.Crm.Only(CrmObject.Lead)[CrmFields.Phone], Is.EqualTo("123"));
            Assert.That(route.Crm.Only(CrmObject.Lead)[CrmFields.Score], Is.Null, "what we wrote into it is taken back");
            Assert.That(route.Crm.All(CrmObject.Account), Is.Empty);
        }
    }

    [Test]
    public async Task Should_not_withdraw_a_record_that_was_changed_while_the_plan_was_put_off()
    {
        var route = new RouteCase();
        route.Crm.FailNext("set_lead_score", Fault.RateLimited);
        _ = await route.DeliverAsync();
        route.Crm.Edit(route.Crm.Only(CrmObject.Lead).Id, CrmFields.Phone, "123");
        route.Crm.FailNext("create_task", Fault.Refuse);

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.NotUndone>());
            Assert.That(route.Crm.Only(CrmObject.Lead)[CrmFields.Phone], Is.EqualTo("123"));
        }
    }

    [Test]
    public async Task Should_leave_an_account_to_those_who_have_come_to_use_it()
    {
        var route = new RouteCase();
        route.Crm.FailNext("create_task", Fault.Refuse);
        EditBeforeUndo(route, () => route.Crm.Add(CrmObject.Lead, "key:other", (CrmFields.Email, "other@analytical.example"), (CrmFields.Account, route.Crm.Only(CrmObject.Account).Id)));

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.NotUndone>());
            Assert.That(route.Crm.All(CrmObject.Account), Has.Count.EqualTo(1));
            Assert.That(route.Crm.All(CrmObject.Lead).Select(l => l[CrmFields.Email]), Is.EqualTo(new[] { "other@analytical.example" }));
        }
    }

    [Test]
    public async Task Should_cancel_the_task_when_a_later_critical_step_is_refused()
    {
        var route = new RouteCase().With(s => s.Tool == "sync_firmographics" ? s with { Critical = true } : s);
        route.Crm.FailNext("sync_firmographics", Fault.Refuse);

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(route.Crm.Only(CrmObject.Task)[CrmFields.Status], Is.EqualTo("Cancelled"));
            Assert.That(route.Crm.All(CrmObject.Activity).Count(a => a[CrmFields.Corrects] is not null), Is.EqualTo(1));
            Assert.That(route.Crm.All(CrmObject.Opportunity), Is.Empty);
            Assert.That(route.Crm.All(CrmObject.CampaignMember), Is.Empty);
            Assert.That(route.Crm.All(CrmObject.Lead), Is.Empty);
        }
    }

    [Test]
    public async Task Should_undo_two_steps_that_wrote_one_field()
    {
        var route = new RouteCase().With(s => s.Tool == "set_intent_level" ? s with { Tool = "set_lead_score", Arguments = Score(50) } : s);
        var lead = route.KnownLead();
        route.Crm.FailNext("create_task", Fault.Refuse);

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(route.Crm.Only(CrmObject.Lead)[CrmFields.Score], Is.EqualTo("12"));
            Assert.That(route.Crm.Only(CrmObject.Lead).Id, Is.EqualTo(lead));
        }
    }

    private static System.Text.Json.Nodes.JsonObject Score(int score) => new() { ["leadId"] = "$steps.upsert_lead.recordId", ["score"] = score };

    /// <summary>The second batch is the undo's; its read has been made by then, so the edit comes as it is decided anew.</summary>
    private static void EditBeforeUndo(RouteCase route, Action edit) =>
        route.Crm.BeforeNextWrite = () => route.Crm.BeforeNextWrite = () => edit();
}
