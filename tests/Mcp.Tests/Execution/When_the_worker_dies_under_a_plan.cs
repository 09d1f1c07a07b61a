using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Tests.Crm;

namespace LeadPipeline.Mcp.Tests.Execution;

/// <summary>The process ends after some write has reached the CRM and before the ledger knows of it.</summary>
[TestFixture]
public sealed class When_the_worker_dies_under_a_plan
{
    private const int Writes = 12;

    [Test]
    public async Task Should_do_each_effect_once([Range(0, Writes)] int writes, [Values] bool known)
    {
        var route = Case(known);
        route.Crm.WritesBeforeCrash = writes;

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(route.Run.Effects.Select(e => e.State), Is.All.EqualTo(EffectState.Confirmed));
            Assert.That(route.Crm.Created.Values, Is.All.EqualTo(1));
            Assert.That(route.Crm.All(CrmObject.Lead), Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_undo_what_is_there_when_the_plan_fails_afterwards([Range(0, 6)] int writes, [Values] bool known)
    {
        var route = Case(known);
        var before = route.Crm.Dump();
        route.Crm.WritesBeforeCrash = writes;
        Assert.That(async () => await route.DeliverAsync(), Throws.TypeOf<CrashException>());
        route.Crm.WritesBeforeCrash = null;
        route.Crm.FailNext("create_task", Fault.Refuse);

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(string.Join('\n', route.Crm.Dump().Split('\n').Where(l => !l.StartsWith("Activity", StringComparison.Ordinal))), Is.EqualTo(before));
        }
    }

    [Test]
    public async Task Should_go_on_undoing_where_it_was([Range(0, 7)] int writes, [Values] bool known)
    {
        var route = Case(known);
        var before = route.Crm.Dump();
        route.Crm.FailNext("create_task", Fault.Refuse);
        // Six steps are tried before the task is refused, in six or seven writes; then the undo begins.
        route.Crm.BeforeNextWrite = () => route.Crm.BeforeNextWrite = () => route.Crm.WritesBeforeCrash = writes;

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(string.Join('\n', route.Crm.Dump().Split('\n').Where(l => !l.StartsWith("Activity", StringComparison.Ordinal))), Is.EqualTo(before));
            Assert.That(route.Crm.All(CrmObject.Activity), Has.Count.EqualTo(2));
        }
    }

    [Test]
    public async Task Should_not_take_the_record_of_somebody_else_for_its_own()
    {
        var route = new RouteCase();
        route.Crm.WritesBeforeCrash = 0;
        Assert.That(async () => await route.DeliverAsync(), Throws.TypeOf<CrashException>());
        route.Crm.WritesBeforeCrash = null;
        var lead = route.Crm.Add(CrmObject.Lead, RouteCase.Key(RouteCase.Email),
            (CrmFields.Email, RouteCase.Email), (CrmFields.FirstName, "Ada"), (CrmFields.LastName, "Lovelace"), (CrmFields.Company, "Analytical Engines Ltd"), (CrmFields.Status, "New"));
        var before = route.Crm.Dump();
        route.Crm.FailNext("create_task", Fault.Refuse);

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(route.Crm.Only(CrmObject.Lead).Id, Is.EqualTo(lead));
            Assert.That(string.Join('\n', route.Crm.Dump().Split('\n').Where(l => !l.StartsWith("Activity", StringComparison.Ordinal))), Is.EqualTo(before));
        }
    }

    private static RouteCase Case(bool known)
    {
        var route = new RouteCase();
        if (known)
            _ = route.KnownLead();
        return route;
    }
}
