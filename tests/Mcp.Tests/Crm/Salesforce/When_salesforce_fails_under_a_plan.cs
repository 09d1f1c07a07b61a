using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Mcp.Tests.Execution;
using LeadPipeline.TestKit;
using LeadPipeline.TestKit.Simulators;

namespace LeadPipeline.Mcp.Tests.Crm.Salesforce;

public sealed class When_salesforce_fails_under_a_plan
{
    private static readonly (string Name, Func<SimulatorFault> Make)[] Faults =
    [
        ("503", () => new SimulatorFault.Refuse(503)),
        ("500", () => new SimulatorFault.Refuse(500)),
        ("429", () => new SimulatorFault.Refuse(429, "TOO_MANY")),
        ("502 page", () => new SimulatorFault.Refuse(502, "page")),
        ("503 page", () => new SimulatorFault.Refuse(503, "page")),
        ("concurrent", () => new SimulatorFault.Refuse(403, "concurrent")),
        ("daily", () => new SimulatorFault.Refuse(403, "daily")),
        ("reset before", () => new SimulatorFault.ResetBefore()),
        ("accept and drop", () => new SimulatorFault.AcceptAndDrop()),
        ("token rotated", () => new SimulatorFault.RotateToken()),
        ("lock on part 3", () => new SimulatorFault.FailPart(3, 400, "UNABLE_TO_LOCK_ROW")),
    ];

    public static IEnumerable<TestCaseData> Cases() =>
        from fault in Faults
        from operation in (string[])["read", "write", "describe", "token"]
        from known in (bool[])[false, true]
        // Only a composite has parts, and only a call with a token can have a worn one.
        where (operation == "write" || !fault.Name.Contains("part", StringComparison.Ordinal)) && (operation != "token" || fault.Name != "token rotated")
        select new TestCaseData(fault.Make, operation, known).SetName($"Should_do_each_step_once_after_{fault.Name.Replace(' ', '_')}_at_{operation}_{(known ? "known" : "new")}_lead");

    [TestCaseSource(nameof(Cases))]
    public async Task Should_do_each_step_once(Func<SimulatorFault> fault, string operation, bool known)
    {
        await using var org = await SalesforceCase.StartAsync();
        if (known)
            _ = org.KnownLead();
        var route = org.Route();
        org.Org.Faults.FailNext(operation, fault());

        var outcome = await route.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>(), string.Join('\n', route.Run.Effects.Select(e => $"{e.Step.Id} {e.State} {e.Error}")));
            Assert.That(org.Org.Faults.Outstanding, Is.Zero);
            Assert.That(org.Org.Effects, Has.Count.EqualTo(known ? 5 : 6));
            Assert.That(org.Org.Effects.Values, Is.All.EqualTo(1));
            Assert.That(route.Run.Effects.Select(e => e.State), Is.All.EqualTo(EffectState.Confirmed).Or.EqualTo(EffectState.Unchanged));
        }
    }

    [Test]
    public async Task Should_do_each_step_once_when_the_answer_is_late()
    {
        var time = new FakeTimeProvider();
        await using var org = await SalesforceCase.StartAsync(time: time);
        var release = new TaskCompletionSource();
        org.Org.Faults.FailNext("write", new SimulatorFault.AnswerLate(release.Task));
        var route = org.Route();

        var running = route.RunToTheEndAsync();
        await Eventually.ShouldAsync(() => org.Org.Calls("write") == 1, "the write arrives", SalesforceCase.Patience);
        time.Advance(org.Options.WriteTimeout);
        var outcome = await running.WaitAsync(SalesforceCase.Patience);
        release.SetResult();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(org.Org.Effects.Values, Is.All.EqualTo(1));
            Assert.That(org.Org.Calls("write"), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_do_each_step_once_when_the_work_itself_is_late()
    {
        var time = new FakeTimeProvider();
        await using var org = await SalesforceCase.StartAsync(time: time);
        var release = new TaskCompletionSource();
        org.Org.Faults.FailNext("write", new SimulatorFault.WorkLate(release.Task));
        var route = org.Route();

        var running = route.RunToTheEndAsync();
        await Eventually.ShouldAsync(() => org.Org.Faults.Calls("write") == 1, "the write arrives", SalesforceCase.Patience);
        time.Advance(org.Options.WriteTimeout);
        var outcome = await running.WaitAsync(SalesforceCase.Patience);
        // The first call is worked on only now, when its writes have been sent again.
        release.SetResult();
        await Eventually.ShouldAsync(() => org.Org.Calls("write") == 2, "the write arrives", SalesforceCase.Patience);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(org.Org.Effects.Values, Is.All.EqualTo(1));
            Assert.That(org.Org.Live("Lead"), Has.Count.EqualTo(1));
            Assert.That(org.Org.Live("Task"), Has.Count.EqualTo(2));
        }
    }

    [TestCase("write")]
    [TestCase("read")]
    public async Task Should_undo_once_when_undoing_fails(string operation)
    {
        await using var org = await SalesforceCase.StartAsync();
        var priority = org.Org.Schema["Task"]["Priority"];
        org.Org.Schema["Task"]["Priority"] = priority with { Values = ["Low"] };
        // The first two writes are the plan's: all of it, and what precedes the refused task. The first read is, too.
        org.Org.Faults.FailCall(operation, operation == "write" ? 3 : 2, new SimulatorFault.AcceptAndDrop());

        var outcome = await org.Route().RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(org.Org.Faults.Outstanding, Is.Zero);
            Assert.That(org.Org.Live("Lead").Concat(org.Org.Live("Account")), Is.Empty);
            Assert.That(org.Org.Effects.Values, Is.All.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_dead_letter_what_no_login_helps()
    {
        await using var org = await SalesforceCase.StartAsync(o => o.ClientSecret = "wrong");

        var outcome = await org.Route().DeliverAsync();

        Assert.That(outcome, Is.TypeOf<PlanOutcome.NotNow>().With.Property("Reason").EqualTo(PlanOutcome.NotNow.Unauthorized));
    }

    [Test]
    public async Task Should_tell_the_daily_limit_from_the_concurrent_one()
    {
        await using var org = await SalesforceCase.StartAsync();
        org.Org.Faults.FailNext("write", new SimulatorFault.Refuse(403, "concurrent"));
        var concurrent = (CrmOutcome.NotNow)(await org.WriteAsync(SalesforceCase.NewLead()))[0];
        org.Org.DailyLimit = 0;
        var daily = (CrmOutcome.NotNow)(await org.WriteAsync(SalesforceCase.NewLead()))[0];

        using (Assert.EnterMultipleScope())
        {
            Assert.That((concurrent.Kind, daily.Kind), Is.EqualTo((NotNowKind.RateLimited, NotNowKind.RateLimited)));
            Assert.That(concurrent.RetryAfter, Is.LessThan(TimeSpan.FromMinutes(1)));
            Assert.That(daily.RetryAfter, Is.GreaterThan(TimeSpan.FromMinutes(5)));
            Assert.That(org.Crm.Quota.Left!.Used, Is.GreaterThanOrEqualTo(org.Crm.Quota.Left.Allowed), "nothing is left");
        }
    }

    [Test]
    public async Task Should_keep_the_allowance_that_the_org_tells()
    {
        await using var org = await SalesforceCase.StartAsync();
        org.Org.DailyLimit = 10;

        for (var i = 0; i < 3; i++)
            _ = await org.Crm.ReadAsync(new CrmQuery { Email = RouteCase.Email }, CancellationToken.None);

        Assert.That((org.Crm.Quota.Left?.Used, org.Crm.Quota.Left?.Allowed), Is.EqualTo((3L, 10L)));
    }
}
