using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;

namespace LeadPipeline.Mcp.Tests.Execution;

/// <summary>The one step that nothing undoes: at most once, alone, and only when all else is settled.</summary>
[TestFixture]
public sealed class When_a_plan_ends_with_a_conversion
{
    // Two reads and two writes when nothing goes wrong.
    private const int Calls = 4, Writes = 13;

    [Test]
    public async Task Should_convert_when_all_else_is_settled()
    {
        var route = new RouteCase().Converting();

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(route.Crm.Sent, Has.Count.EqualTo(2));
            Assert.That(route.Crm.Sent[0], Is.EqualTo(RouteCase.Steps));
            Assert.That(route.Crm.Sent[1], Is.EqualTo(new[] { "convert_lead" }));
            Assert.That(route.Crm.Calls, Is.EqualTo(Calls));
            Assert.That(route.Effect("convert_lead").Data[CrmFields.ConvertedContact], Is.EqualTo(route.Crm.Only(CrmObject.Contact).Id));
        }
    }

    [Test]
    public async Task Should_convert_once_when_the_process_is_killed_before_or_after_any_call([Range(0, Calls - 1)] int call, [Values] bool after, [Values] bool known)
    {
        var route = Case(known);
        route.Crm.KillAt = (call, after);

        var outcome = await route.RunToTheEndAsync();

        AssertConvertedOnce(route, outcome);
    }

    [Test]
    public async Task Should_convert_once_when_the_process_is_killed_between_any_two_writes([Range(0, Writes)] int writes, [Values] bool known)
    {
        var route = Case(known);
        route.Crm.WritesBeforeCrash = writes;

        var outcome = await route.RunToTheEndAsync();

        AssertConvertedOnce(route, outcome);
    }

    [Test]
    public async Task Should_convert_once_when_the_answer_is_lost([Values(Fault.LostBefore, Fault.LostAfter, Fault.Transient, Fault.RateLimited)] Fault fault)
    {
        var route = new RouteCase().Converting();
        route.Crm.FailNext("convert_lead", fault);

        var outcome = await route.RunToTheEndAsync();

        AssertConvertedOnce(route, outcome);
    }

    [Test]
    public async Task Should_leave_the_lead_unconverted_when_an_earlier_step_turns_the_plan_back()
    {
        var route = new RouteCase().Converting();
        route.Crm.FailNext("create_task", Fault.Refuse);

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(route.Effect("convert_lead").State, Is.EqualTo(EffectState.NotNeeded));
            Assert.That(route.Crm.Sent.SelectMany(s => s), Has.None.EqualTo("convert_lead"));
        }
    }

    [Test]
    public async Task Should_undo_everything_when_the_conversion_is_refused()
    {
        var route = new RouteCase().Converting();
        route.Crm.FailNext("convert_lead", Fault.Refuse);

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(route.Crm.All(CrmObject.Lead), Is.Empty);
            Assert.That(route.Crm.All(CrmObject.Contact), Is.Empty);
        }
    }

    [Test]
    public async Task Should_not_take_for_its_own_what_somebody_else_has_converted_meanwhile()
    {
        var route = new RouteCase().Converting();
        route.Crm.BeforeNextWrite = () => route.Crm.BeforeNextWrite = () => route.Crm.Edit(route.Crm.Only(CrmObject.Lead).Id, CrmFields.ConvertedContact, "theirs");

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.NotUndone>(), "what they made it from is not taken away");
            Assert.That(route.Effect("convert_lead"), Has.Property("State").EqualTo(EffectState.Failed).And.Property("Error").StartsWith(CrmCodes.NotConvertible));
            Assert.That(route.Crm.All(CrmObject.Contact), Is.Empty);
            Assert.That(route.Crm.All(CrmObject.Lead), Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_undo_nothing_under_a_conversion_that_took_effect([Values(EffectState.Confirmed, EffectState.Sent, EffectState.Unknown)] EffectState state)
    {
        var route = new RouteCase().Converting();
        _ = await route.RunToTheEndAsync();
        var before = route.Crm.Dump();
        var turned = route.Run with { Effects = [.. route.Run.Effects.Select(e => e.Step.Id == "convert_lead" ? e with { State = state } : e)] };

        var outcome = await route.Executor.UndoAsync(turned, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.NotUndone>());
            Assert.That(outcome.Effects.Select(e => e.State), Is.All.EqualTo(EffectState.CannotCompensate));
            Assert.That(route.Crm.Dump(), Is.EqualTo(before));
        }
    }

    [Test]
    public async Task Should_undo_the_rest_when_a_conversion_without_an_answer_never_happened()
    {
        var route = new RouteCase().Converting();
        route.Crm.FailNext("convert_lead", Fault.RateLimited);
        _ = await route.DeliverAsync();

        var outcome = await route.Executor.UndoAsync(route.Run, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(outcome.Effects.Single(e => e.Step.Id == "convert_lead").State, Is.EqualTo(EffectState.NotNeeded));
            Assert.That(route.Crm.All(CrmObject.Lead), Is.Empty);
        }
    }

    private static RouteCase Case(bool known)
    {
        var route = new RouteCase().Converting();
        if (known)
            _ = route.KnownLead();
        return route;
    }

    private static void AssertConvertedOnce(RouteCase route, PlanOutcome outcome)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(route.Run.Effects.Select(e => e.State), Is.All.EqualTo(EffectState.Confirmed));
            Assert.That(route.Crm.Created.Values, Is.All.EqualTo(1));
            Assert.That(route.Crm.All(CrmObject.Contact), Has.Count.EqualTo(1));
            Assert.That(route.Crm.Only(CrmObject.Lead)[CrmFields.ConvertedContact], Is.EqualTo(route.Crm.Only(CrmObject.Contact).Id));
            Assert.That(route.Crm.Sent.Where(s => s.Contains("convert_lead")), Is.All.EqualTo(new[] { "convert_lead" }));
        }
    }
}
