using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;

namespace LeadPipeline.Mcp.Tests.Execution;

/// <summary>Whatever fails at whatever step: every effect once, or nothing left of what we made.</summary>
[TestFixture]
public sealed class When_the_crm_fails_under_a_plan
{
    private static readonly bool[] KnownOrNew = [false, true];
    private static readonly string[] Optional = [.. RouteCase.Steps.Where(s => s is not ("upsert_lead" or "create_task"))];
    private static readonly Fault[] Passing = [Fault.Transient, Fault.LostBefore, Fault.LostAfter, Fault.RateLimited];
    private static readonly Fault[] Lost = [Fault.LostBefore, Fault.LostAfter];

    [Test]
    public async Task Should_finish_when_it_does_not_fail([ValueSource(nameof(KnownOrNew))] bool known)
    {
        var route = Case(known);

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(route.Run.Effects.Select(e => e.State), Is.All.EqualTo(EffectState.Confirmed));
            Assert.That(route.Crm.Batches, Is.EqualTo(1));
            Assert.That(route.Crm.Created.Values, Is.All.EqualTo(1));
            Assert.That(route.Crm.Only(CrmObject.Lead)[CrmFields.Account], Is.EqualTo(route.Crm.Only(CrmObject.Account).Id));
            Assert.That(route.Crm.Only(CrmObject.Opportunity)[CrmFields.Account], Is.EqualTo(route.Crm.Only(CrmObject.Account).Id));
        }
    }

    [Test]
    public async Task Should_finish_all_the_same_after_a_passing_fault(
        [ValueSource(typeof(RouteCase), nameof(RouteCase.Steps))] string tool, [ValueSource(nameof(Passing))] Fault fault, [ValueSource(nameof(KnownOrNew))] bool known)
    {
        var calm = Case(known);
        _ = await calm.RunToTheEndAsync();
        var route = Case(known);
        route.Crm.FailNext(tool, fault);

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(route.Run.Effects.Select(e => (e.Step.Id, e.State)), Is.All.Matches<(string Id, EffectState State)>(e => e.State == EffectState.Confirmed));
            Assert.That(route.Crm.Created.Values, Is.All.EqualTo(1));
            Assert.That(Kinds(route), Is.EqualTo(Kinds(calm)));
        }
    }

    [Test]
    public async Task Should_wait_for_a_person_to_mend_the_credentials([ValueSource(typeof(RouteCase), nameof(RouteCase.Steps))] string tool)
    {
        var route = new RouteCase();
        route.Crm.FailNext(tool, Fault.Unauthorized);

        var refused = await route.DeliverAsync();
        var mended = await route.DeliverAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(refused, Is.TypeOf<PlanOutcome.NotNow>().With.Property("Reason").EqualTo(PlanOutcome.NotNow.Unauthorized).And.Property("CountsAsFailure").False);
            Assert.That(mended, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(route.Crm.Created.Values, Is.All.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_wait_as_long_as_the_limit_says_and_use_up_no_try()
    {
        var route = new RouteCase();
        route.Crm.FailNext("create_task", Fault.RateLimited);

        var outcome = await route.DeliverAsync();

        Assert.That(outcome, Is.EqualTo(new PlanOutcome.NotNow(outcome.Effects, "crm-rate-limited", false, TimeSpan.FromSeconds(7))));
    }

    [Test]
    public async Task Should_put_the_lead_off_when_three_tries_in_place_do_not_help()
    {
        var route = new RouteCase();
        for (var i = 0; i < 3; i++)
            route.Crm.FailNext("create_task", Fault.Transient);

        var outcome = await route.DeliverAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.EqualTo(new PlanOutcome.NotNow(outcome.Effects, "crm-unavailable", true, null)));
            Assert.That(route.Crm.Batches, Is.EqualTo(3));
            Assert.That(await route.DeliverAsync(), Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(route.Crm.Created.Values, Is.All.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_leave_out_an_optional_step_that_is_refused_and_what_depends_on_it([ValueSource(nameof(Optional))] string tool, [ValueSource(nameof(KnownOrNew))] bool known)
    {
        var route = Case(known);
        route.Crm.FailNext(tool, Fault.Refuse);

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(route.Effect(tool), Has.Property("State").EqualTo(EffectState.Failed).And.Property("Warning").Not.Null);
            Assert.That(route.Effect("create_task").State, Is.EqualTo(EffectState.Confirmed));
            if (tool == "match_account")
                Assert.That(route.Effect("create_opportunity"), Has.Property("State").EqualTo(EffectState.Skipped).And.Property("Warning").Contains("match_account"));
        }
    }

    [Test]
    public async Task Should_not_send_a_step_whose_record_was_refused_in_an_earlier_try()
    {
        var route = new RouteCase();
        route.Crm.FailNext("match_account", Fault.Refuse);
        route.Crm.FailNext("create_task", Fault.Transient);

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(route.Effect("create_opportunity").State, Is.EqualTo(EffectState.Skipped));
        }
    }

    [Test]
    public async Task Should_leave_nothing_behind_when_a_critical_step_is_refused(
        [Values("upsert_lead", "create_task")] string tool, [ValueSource(nameof(KnownOrNew))] bool known)
    {
        var route = Case(known);
        var before = route.Crm.Dump();
        route.Crm.FailNext(tool, Fault.Refuse);

        var outcome = await route.RunToTheEndAsync();

        AssertNothingIsLeft(route, outcome, before);
    }

    [Test]
    public async Task Should_leave_nothing_behind_either_when_an_answer_was_lost_before(
        [ValueSource(typeof(RouteCase), nameof(RouteCase.Steps))] string tool, [ValueSource(nameof(Lost))] Fault fault, [ValueSource(nameof(KnownOrNew))] bool known)
    {
        // The task last, so that everything is there to be undone.
        var route = Case(known).With(s => s.Tool == "create_task" ? null : s);
        var task = new RouteCase().Run.Effects.Single(e => e.Step.Tool == "create_task").Step;
        route.Run = PlanRun.New(RouteCase.LeadId, 1, RouteCase.Email, new() { Status = Contracts.PlanStatus.Planned, Policy = new("default", "hash"), PlanHash = "hash", Steps = [.. route.Run.Effects.Select(e => e.Step), task with { Index = 9 }] });
        var before = route.Crm.Dump();
        if (tool != "create_task")
            route.Crm.FailNext(tool, fault);
        route.Crm.FailNext("create_task", Fault.Refuse);

        var outcome = await route.RunToTheEndAsync();

        AssertNothingIsLeft(route, outcome, before);
    }

    [Test]
    public async Task Should_undo_all_the_same_when_an_undo_fails_for_now(
        [ValueSource(typeof(RouteCase), nameof(RouteCase.Steps))] string tool, [ValueSource(nameof(Passing))] Fault fault, [ValueSource(nameof(KnownOrNew))] bool known)
    {
        var route = Case(known);
        var before = route.Crm.Dump();
        route.Crm.FailNext("create_task", Fault.Refuse);
        route.Crm.FailNext(tool, fault, undo: true);

        var outcome = await route.RunToTheEndAsync();

        AssertNothingIsLeft(route, outcome, before);
    }

    [Test]
    public async Task Should_say_why_an_undo_has_to_wait()
    {
        var route = new RouteCase();
        route.Crm.FailNext("create_task", Fault.Refuse);
        route.Crm.FailNext("match_account", Fault.RateLimited, undo: true);

        var outcome = await route.DeliverAsync();

        Assert.That(outcome, Is.EqualTo(new PlanOutcome.NotNow(outcome.Effects, "crm-rate-limited", false, TimeSpan.FromSeconds(7))));
    }

    [Test]
    public async Task Should_hand_over_to_a_person_when_an_undo_is_refused()
    {
        var route = new RouteCase();
        route.Crm.FailNext("create_task", Fault.Refuse);
        route.Crm.FailNext("upsert_lead", Fault.Refuse, undo: true);

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.NotUndone>());
            Assert.That(route.Effect("upsert_lead").State, Is.EqualTo(EffectState.CannotCompensate));
            Assert.That(route.Effect("match_account").State, Is.EqualTo(EffectState.CannotCompensate), "the lead still belongs to it");
            Assert.That(route.Crm.Only(CrmObject.Lead)[CrmFields.Score], Is.Null, "what can be undone is");
        }
    }

    [Test]
    public async Task Should_give_up_an_optional_step_that_has_held_the_plan_up_for_too_long()
    {
        var route = new RouteCase();
        route.Run = route.Run with { FirstFailedAt = route.Time.GetUtcNow() - TimeSpan.FromMinutes(10) };
        route.Crm.FailNext("log_activity", Fault.Transient);

        var outcome = await route.DeliverAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(route.Effect("log_activity"), Has.Property("State").EqualTo(EffectState.Failed).And.Property("Warning").Not.Null);
        }
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Should_take_back_what_a_step_had_made_before_it_was_refused(bool critical)
    {
        var route = new RouteCase().With(s => s.Tool == "match_account" ? s with { Critical = critical } : s);
        route.Crm.FailNext("match_account", Fault.Refuse, after: 1);
        if (!critical)
            route.Crm.FailNext("create_task", Fault.Refuse);

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(route.Crm.All(CrmObject.Account), Is.Empty, "the lead could not be tied to it, and nobody else wants it");
            Assert.That(route.Crm.Created.Values, Is.All.EqualTo(1));
            Assert.That(route.Effect("match_account").State, Is.EqualTo(EffectState.Failed));
            Assert.That(route.Run.Failure?.Step.Id, Is.EqualTo(critical ? "match_account" : "create_task"), "by this it goes backward");
        }
    }

    [Test]
    public async Task Should_hand_over_to_a_person_when_what_a_refused_step_had_made_cannot_be_taken_back()
    {
        var route = new RouteCase().With(s => s.Tool == "match_account" ? s with { Critical = true } : s);
        route.Crm.FailNext("match_account", Fault.Refuse, after: 1);
        route.Crm.FailNext("match_account", Fault.Refuse, undo: true);

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.NotUndone>());
            Assert.That(route.Effect("match_account"), Has.Property("State").EqualTo(EffectState.Failed).And.Property("Warning").Contains("could not be undone"));
            Assert.That(route.Effect("match_account").RecordId, Is.EqualTo(route.Crm.Only(CrmObject.Account).Id), "whoever looks has to find it");
        }
    }

    private static RouteCase Case(bool known)
    {
        var route = new RouteCase();
        if (known)
            _ = route.KnownLead();
        return route;
    }

    // Ids depend on the order of creation, and that on what had to be repeated.
    private static string Kinds(RouteCase route) => string.Join('\n', route.Crm.Dump().Split('\n').Select(l => l[..l.IndexOf('-', StringComparison.Ordinal)] + System.Text.RegularExpressions.Regex.Replace(l[l.IndexOf(':', StringComparison.Ordinal)..], "-\\d+", "")));

    private static void AssertNothingIsLeft(RouteCase route, PlanOutcome outcome, string before)
    {
        // What was appended stays, with a correction to it; everything else is as it was.
        var left = route.Crm.Dump().Split('\n').Where(l => !l.StartsWith(nameof(CrmObject.Activity), StringComparison.Ordinal));
        var activities = route.Crm.All(CrmObject.Activity);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(string.Join('\n', left), Is.EqualTo(before));
            Assert.That(activities, Has.Count.EqualTo(activities.Count == 0 ? 0 : 2));
            Assert.That(activities.Where(a => a[CrmFields.Corrects] is not null).Select(a => a[CrmFields.Corrects]), Is.EqualTo(activities.Where(a => a[CrmFields.Corrects] is null).Select(a => a.Id)));
            Assert.That(route.Crm.Created.Values, Is.All.EqualTo(1));
            Assert.That(route.Run.Effects.Where(e => e.Step.Tool != "create_task" && e.State != EffectState.Failed).Select(e => e.State), Is.All.AnyOf(EffectState.Compensated, EffectState.NotNeeded, EffectState.Skipped));
        }
    }
}
