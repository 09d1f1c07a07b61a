using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tests.Execution;

[TestFixture]
public sealed class When_an_answer_does_not_come
{
    [Test]
    public async Task Should_give_up_when_the_tools_time_is_over_and_not_know_the_outcome()
    {
        var route = new RouteCase();
        var executor = new PlanExecutor(ToolRegistry.Default(), new Silent(route.Crm), route.Time, new InPlaceRetry(), RouteCase.Key);
        var prepared = await executor.PrepareAsync(route.Run, CancellationToken.None);

        var writing = executor.WriteAsync(route.Run with { Effects = prepared.Effects }, CancellationToken.None);
        await route.Time.UntilTimersAreArmedAsync();
        route.Time.Advance(TimeSpan.FromSeconds(29.9));
        var early = writing.IsCompleted;
        route.Time.Advance(TimeSpan.FromSeconds(0.1));
        var outcome = await writing;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(early, Is.False);
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Again>().With.Property("Why").EqualTo("unknown-outcome"));
            Assert.That(outcome.Effects.Select(e => e.State), Is.All.EqualTo(EffectState.Unknown));
        }
    }

    [Test]
    public async Task Should_not_wait_for_another_try_longer_than_the_tools_time()
    {
        var route = new RouteCase();
        for (var i = 0; i < 100; i++)
            route.Crm.FailNext("upsert_lead", Fault.Transient);
        var patient = new InPlaceRetry { Attempts = 100, BaseDelay = TimeSpan.FromMinutes(5), MaxDelay = TimeSpan.FromMinutes(5) };
        var executor = new PlanExecutor(ToolRegistry.Default(), route.Crm, route.Time, patient, RouteCase.Key);
        var prepared = await executor.PrepareAsync(route.Run, CancellationToken.None);

        var writing = executor.WriteAsync(route.Run with { Effects = prepared.Effects }, CancellationToken.None);
        await route.Time.UntilTimersAreArmedAsync(2);
        route.Time.Advance(TimeSpan.FromSeconds(30));

        Assert.That(await writing, Is.TypeOf<PlanOutcome.NotNow>().With.Property("CountsAsFailure").True);
    }

    [Test]
    public async Task Should_take_back_what_a_call_made_late_whatever_became_of_its_step([Values(EffectState.Failed, EffectState.Skipped, EffectState.Planned)] EffectState became)
    {
        var route = new RouteCase();
        var prepared = await route.Executor.PrepareAsync(route.Run, CancellationToken.None);
        var writes = prepared.Effects.Where(e => e.Step.Id is "upsert_lead" or "log_activity").SelectMany(e => e.Writes).ToList();
        // Nobody had heard of the call when the plan was turned back by another step.
        var late = await route.Crm.WriteAsync(new CrmBatch(RouteCase.LeadId, RouteCase.Email, writes, new HashSet<string>()), CancellationToken.None);
        route.Run = route.Run with
        {
            Effects = [.. prepared.Effects.Select(e => e.Step.Id switch
            {
                "upsert_lead" => e with { State = EffectState.Confirmed, RecordId = ((CrmOutcome.Done)late[0]).RecordId, RecordVersion = ((CrmOutcome.Done)late[0]).Version, Writes = [] },
                "log_activity" => e with { State = became, UnansweredAt = route.Time.GetUtcNow(), Writes = [] },
                "create_task" => e with { State = EffectState.Failed, Error = "permanent: no", Writes = [] },
                _ => e with { Writes = [] },
            })],
        };

        var outcome = await route.Executor.UndoAsync(route.Run, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(outcome.Effects.Single(e => e.Step.Id == "log_activity").State, Is.EqualTo(became == EffectState.Planned ? EffectState.Compensated : became));
            Assert.That(outcome.Effects.Where(e => e.State is EffectState.Failed or EffectState.Skipped), Is.All.Property("UnansweredAt").Null, "a later run must not take what was withdrawn for done");
            Assert.That(route.Crm.All(CrmObject.Activity).Select(a => a[CrmFields.Corrects] is not null), Is.EqualTo(new[] { false, true }), "it is corrected");
            Assert.That(route.Crm.All(CrmObject.Lead), Is.Empty);
        }
    }

    [Test]
    public async Task Should_restore_what_a_call_wrote_late_whatever_became_of_its_step([Values(EffectState.Failed, EffectState.Skipped, EffectState.Planned)] EffectState became, [Values] bool late)
    {
        var route = new RouteCase();
        var lead = route.KnownLead();
        var prepared = await route.Executor.PrepareAsync(route.Run, CancellationToken.None);
        route.Crm.Edit(lead, CrmFields.Score, late ? "90" : "55");
        route.Run = route.Run with
        {
            Effects = [.. prepared.Effects.Select(e => e.Step.Id switch
            {
                "set_lead_score" => e with { State = became, UnansweredAt = route.Time.GetUtcNow(), Writes = [] },
                "create_task" => e with { State = EffectState.Failed, Error = "permanent: no", Writes = [] },
                _ => e with { Writes = [] },
            })],
        };

        var outcome = await route.Executor.UndoAsync(route.Run, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(route.Crm.Only(CrmObject.Lead)[CrmFields.Score], Is.EqualTo(late ? "12" : "55"), "what somebody else has written stays");
        }
    }

    [Test]
    public async Task Should_not_forget_that_a_step_failed_whose_field_goes_with_its_record()
    {
        var route = new RouteCase().With(s => s.Tool == "set_lead_score" ? s with { Critical = true } : s);
        var prepared = await route.Executor.PrepareAsync(route.Run, CancellationToken.None);
        var made = await route.Crm.WriteAsync(
            new CrmBatch(RouteCase.LeadId, RouteCase.Email, prepared.Effects[0].Writes, new HashSet<string>()), CancellationToken.None);
        var lead = (CrmOutcome.Done)made[0];
        route.Run = route.Run with
        {
            Effects = [.. prepared.Effects.Select(e => e.Step.Id switch
            {
                "upsert_lead" => e with { State = EffectState.Confirmed, RecordId = lead.RecordId, RecordVersion = lead.Version, Writes = [] },
                "set_lead_score" => e with
                {
                    State = EffectState.Failed, Error = "permanent: no", RecordId = lead.RecordId, WroteTo = lead.RecordId, Writes = [],
                    Before = new Dictionary<string, string?> { [CrmFields.Score] = null }, Wrote = new Dictionary<string, string?> { [CrmFields.Score] = "90" }, UnansweredAt = route.Time.GetUtcNow(),
                },
                _ => e with { Writes = [] },
            })],
        };

        var outcome = await route.Executor.UndoAsync(route.Run, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(route.Crm.All(CrmObject.Lead), Is.Empty);
            Assert.That((route.Run with { Effects = outcome.Effects }).Failure?.Step.Id, Is.EqualTo("set_lead_score"), "by it the plan goes backward");
        }
    }

    [Test]
    public async Task Should_take_back_the_record_of_a_step_that_came_half_way_when_a_later_one_cannot_be_done_any_more()
    {
        var route = new RouteCase().With(s => s.Tool == "attach_campaign" ? s with { Critical = true } : s);
        for (var i = 0; i < 3; i++)
            route.Crm.FailNext("match_account", Fault.Transient, after: 1);
        var halfway = await route.DeliverAsync();
        var made = route.Crm.All(CrmObject.Account).Count;
        route.Crm.Remove(route.Campaign);

        var outcome = await route.DeliverAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(halfway, Is.TypeOf<PlanOutcome.NotNow>());
            Assert.That(made, Is.EqualTo(1));
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(route.Crm.All(CrmObject.Account), Is.Empty);
            Assert.That(route.Crm.All(CrmObject.Lead), Is.Empty);
        }
    }

    [Test]
    public void Should_let_the_caller_give_up()
    {
        var route = new RouteCase();
        using var caller = new CancellationTokenSource();
        var executor = new PlanExecutor(ToolRegistry.Default(), new Silent(route.Crm), route.Time, new InPlaceRetry(), RouteCase.Key);

        Assert.That(async () =>
        {
            var prepared = await executor.PrepareAsync(route.Run, CancellationToken.None);
            var writing = executor.WriteAsync(route.Run with { Effects = prepared.Effects }, caller.Token);
            await caller.CancelAsync();
            _ = await writing;
        }, Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task Should_know_its_own_record_by_whichever_question_it_was_found()
    {
        var route = new RouteCase();
        route.Crm.FailNext("upsert_lead", Fault.LostAfter);
        // The call is carried out after the question for its key was answered, and before the one for the address is.
        var executor = new PlanExecutor(ToolRegistry.Default(), new BlindToKeys(route.Crm), route.Time, new InPlaceRetry(), RouteCase.Key);
        var prepared = await executor.PrepareAsync(route.Run, CancellationToken.None);
        var written = await executor.WriteAsync(route.Run with { Effects = prepared.Effects }, CancellationToken.None);

        var again = await executor.PrepareAsync(route.Run with { Effects = written.Effects }, CancellationToken.None);

        Assert.That(again.Effects.Single(e => e.Step.Id == "upsert_lead"),
            Has.Property("State").EqualTo(EffectState.Confirmed).And.Property("Created").True.And.Property("RecordId").EqualTo(route.Crm.Only(CrmObject.Lead).Id));
    }

    [Test]
    public async Task Should_call_undone_what_is_gone_after_an_undo_without_an_answer()
    {
        var route = new RouteCase();
        route.Crm.FailNext("create_task", Fault.Refuse);
        var prepared = await route.Executor.PrepareAsync(route.Run, CancellationToken.None);
        var written = await route.Executor.WriteAsync(route.Run with { Effects = prepared.Effects }, CancellationToken.None);
        route.Crm.FailNext("upsert_lead", Fault.LostAfter, undo: true);

        var outcome = await route.Executor.UndoAsync(route.Run with { Effects = written.Effects }, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(outcome.Effects.Single(e => e.Step.Id == "upsert_lead").State, Is.EqualTo(EffectState.Compensated));
            Assert.That(route.Crm.All(CrmObject.Lead), Is.Empty);
        }
    }

    [Test]
    public async Task Should_say_that_a_step_is_absent_before_it_is_sent_again()
    {
        var route = new RouteCase();
        route.Crm.FailNext("create_task", Fault.LostBefore);
        var prepared = await route.Executor.PrepareAsync(route.Run, CancellationToken.None);
        var sent = route.Run with { Effects = [.. prepared.Effects.Select(e => e with { State = EffectState.Sent })] };
        var unknown = await route.Executor.WriteAsync(sent, CancellationToken.None);

        var again = await route.Executor.PrepareAsync(sent with { Effects = unknown.Effects }, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(again.Effects.Single(e => e.Step.Id == "create_task"), Has.Property("State").EqualTo(EffectState.Absent).And.Property("Writes").Count.EqualTo(1));
            Assert.That(again.Effects.Count(e => e.State == EffectState.Absent), Is.EqualTo(1), "the others were not tried, or are there");
        }
    }

    private sealed class BlindToKeys(ICrm inner) : ICrm
    {
        public string Provider => inner.Provider;

        public async Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken) =>
            await inner.ReadAsync(query, cancellationToken) with { Effects = new Dictionary<string, CrmRecord>() };

        public Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken) => inner.WriteAsync(batch, cancellationToken);
    }

    private sealed class Silent(FakeCrm inner) : ICrm
    {
        public string Provider => inner.Provider;

        public Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken) => inner.ReadAsync(query, cancellationToken);

        public async Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            return [];
        }
    }
}
