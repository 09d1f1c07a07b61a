using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.TestKit;
using LeadPipeline.TestKit.Simulators;

namespace LeadPipeline.Mcp.Tests.Crm.HubSpot;

/// <summary>Whatever happens to whichever call, the plan comes to its end and every effect is in HubSpot once, counted there.</summary>
[Parallelizable]
public sealed class When_HubSpot_fails_under_a_plan
{
    private static readonly string[] Creates = ["upsert_lead", "log_activity", "match_account", "create_task", "create_opportunity"];
    private static readonly string[] Calls = ["read_contacts", "search_companies", "create_contacts", "create_tasks", "create_companies", "create_deals"];
    private static readonly string[] KnownCalls = ["read_contacts", "search_companies", "read_associations", "update_contacts", "create_tasks", "link", "create_deals"];

    private static readonly (string Name, SimulatorFault Fault)[] Faults =
    [
        ("the connection ends before", new SimulatorFault.ResetBefore()),
        ("the connection ends after", new SimulatorFault.AcceptAndDrop()),
        ("503", new SimulatorFault.Refuse(503)),
        ("500", new SimulatorFault.Refuse(500)),
        ("502", new SimulatorFault.Refuse(502)),
        ("423", new SimulatorFault.Refuse(423)),
        ("429 a second", new SimulatorFault.Refuse(429, "SECONDLY")),
        ("429 a day", new SimulatorFault.Refuse(429, "DAILY")),
        ("a new token", new SimulatorFault.RotateToken()),
    ];

    private static readonly Lazy<Task<string>> Undisturbed = new(async () =>
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        _ = await hubspot.DeliverAsync();
        return Without(hubspot);
    });

    private static IEnumerable<TestCaseData> EveryCallAndFault() =>
        from call in Calls
        from fault in Faults
        select new TestCaseData(call, fault.Fault).SetArgDisplayNames(call, fault.Name);

    private static IEnumerable<TestCaseData> EveryCallAndFaultOfKnownRecords() =>
        from call in KnownCalls
        from fault in Faults
        select new TestCaseData(call, fault.Fault).SetArgDisplayNames(call, fault.Name);

    [TestCaseSource(nameof(EveryCallAndFault))]
    public async Task Should_have_every_effect_once(string call, SimulatorFault fault)
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        hubspot.Simulator.Faults.FailNext(call, fault);

        var outcome = await hubspot.RunToTheEndAsync();

        await AssertRoutedAsync(hubspot, outcome);
    }

    [TestCaseSource(nameof(EveryCallAndFaultOfKnownRecords))]
    public async Task Should_write_known_records_once(string call, SimulatorFault fault)
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        var (contact, company) = (hubspot.KnownContact(), hubspot.KnownCompany());
        hubspot.Simulator.Faults.FailNext(call, fault);

        var outcome = await hubspot.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(hubspot.Simulator.Faults.Outstanding, Is.Zero);
            Assert.That(hubspot.Simulator.Effects.Values, Is.EqualTo(new[] { 1, 1, 1 }), "an entry, a task and a deal");
            Assert.That(hubspot.Simulator.All("contacts").Single().Properties, Is.SupersetOf(new Dictionary<string, string>
            {
                ["leadpipeline_score"] = "90",
                ["leadpipeline_industry"] = "Computing",
                ["leadpipeline_campaign"] = "CMP-SPRING",
                ["hs_lead_status"] = "IN_PROGRESS",
                ["associatedcompanyid"] = company,
            }));
            Assert.That(hubspot.Simulator.All("contacts").Single().Id, Is.EqualTo(contact));
        }
    }

    [Test]
    public async Task Should_have_every_effect_once_when_answers_come_too_late([ValueSource(nameof(Calls))] string call, [Values] bool workedBefore)
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        hubspot.Simulator.Faults.FailNext(call, workedBefore ? new SimulatorFault.AnswerLate(gate.Task) : new SimulatorFault.WorkLate(gate.Task));

        var plan = hubspot.RunToTheEndAsync();
        await Eventually.ShouldAsync(() => Task.FromResult(hubspot.Simulator.Faults.Calls(call) > 0 && (!workedBefore || hubspot.Simulator.Calls(call) > 0)), "have reached HubSpot");
        hubspot.Time.Advance(HubSpotCase.CallTimeout);
        if (!workedBefore)
        {
            // What nobody waits for any more is done all the same, while the plan is on its way again.
            gate.SetResult();
        }
        var outcome = await plan;

        await AssertRoutedAsync(hubspot, outcome);
        gate.TrySetResult();
    }

    [TestCase(0, "log_activity")]
    [TestCase(1, "create_task")]
    public async Task Should_tell_whose_input_was_refused(int part, string step)
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        hubspot.Simulator.Faults.FailNext("create_tasks", new SimulatorFault.FailPart(part, 400, "VALIDATION_ERROR"));

        var outcome = await hubspot.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(hubspot.Effect(step).Error, Does.StartWith(CrmCodes.InvalidArguments));
            // Only one of the two is critical.
            Assert.That(outcome, step == "create_task" ? Is.TypeOf<PlanOutcome.Undone>() : Is.TypeOf<PlanOutcome.Finished>());
        }
    }

    [Test]
    public async Task Should_ask_one_by_one_when_a_refusal_names_nobody()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        hubspot.Simulator.RefusesWholeBatches = true;
        // The score's property is missing: the contact cannot be made with it, and has to be made without.
        _ = hubspot.Simulator.Properties["contacts"].Remove("leadpipeline_score");

        var plan = hubspot.With("upsert_lead", "log_activity", "set_lead_score", "set_intent_level", "create_task");
        var outcome = await plan.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(hubspot.Effect("set_lead_score").Error, Is.EqualTo("invalid_arguments: HubSpot does not take the value of leadpipeline_score (VALIDATION_ERROR, PROPERTY_DOESNT_EXIST)"));
            Assert.That(hubspot.Effect("set_intent_level").State, Is.EqualTo(EffectState.Confirmed));
            Assert.That(hubspot.Simulator.Effects.Values, Is.EqualTo(new[] { 1, 1, 1 }));
        }
    }

    [Test]
    public async Task Should_undo_everything_when_the_task_is_refused()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        hubspot.Simulator.Faults.FailNext("create_tasks", new SimulatorFault.FailPart(1, 400, "VALIDATION_ERROR"));

        var outcome = await hubspot.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(hubspot.Simulator.All("contacts"), Is.Empty);
            Assert.That(hubspot.Simulator.All("companies"), Is.Empty);
            Assert.That(hubspot.Simulator.All("deals"), Is.Empty);
            Assert.That(hubspot.Effect("create_opportunity").State, Is.EqualTo(EffectState.NotNeeded), "it comes after the refused step");
            Assert.That(hubspot.Simulator.All("tasks").Select(t => t.Properties["hs_task_body"]), Has.One.Contains("Corrects entry"), "an entry is corrected, not removed");
        }
    }

    [Test]
    public async Task Should_not_undo_while_a_call_without_an_answer_may_still_be_carried_out()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        _ = hubspot.With("upsert_lead", "match_account", "create_task");
        var late = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        hubspot.Simulator.Faults.FailNext("create_companies", new SimulatorFault.WorkLate(late.Task));
        hubspot.Simulator.Faults.FailNext("create_tasks", new SimulatorFault.FailPart(0, 400, "VALIDATION_ERROR"));

        var plan = hubspot.DeliverAsync();
        await Eventually.ShouldAsync(() => Task.FromResult(hubspot.Simulator.Faults.Calls("create_companies") > 0), "have reached HubSpot");
        hubspot.Time.Advance(HubSpotCase.CallTimeout);
        var turned = await plan;
        // Given up, and repeated with success: HubSpot does it now, and the company that is there refuses it.
        late.SetResult();
        await Eventually.ShouldAsync(() => Task.FromResult(hubspot.Simulator.Calls("create_companies") == 2), "have been carried out late");
        hubspot.Time.Advance(HubSpotCase.SettleTime - TimeSpan.FromSeconds(1));
        var early = await hubspot.DeliverAsync();
        var companies = hubspot.Simulator.All("companies").Count;
        hubspot.Time.Advance(TimeSpan.FromSeconds(1));
        var outcome = await hubspot.DeliverAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(turned, Is.TypeOf<PlanOutcome.NotNow>().With.Property("Reason").EqualTo("crm-settling"));
            Assert.That(((PlanOutcome.NotNow)turned).RetryAfter, Is.EqualTo(HubSpotCase.SettleTime));
            Assert.That(((PlanOutcome.NotNow)turned).CountsAsFailure, Is.False);
            Assert.That(early, Is.TypeOf<PlanOutcome.NotNow>().With.Property("RetryAfter").EqualTo(TimeSpan.FromSeconds(1)));
            Assert.That(companies, Is.EqualTo(1));
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(hubspot.Simulator.All("companies"), Is.Empty);
            Assert.That(hubspot.Simulator.All("contacts"), Is.Empty);
        }
    }

    [Test]
    public async Task Should_undo_everything_on_known_records_and_nothing_of_what_was_there()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        _ = (hubspot.KnownContact(), hubspot.KnownCompany());
        var before = hubspot.Simulator.Dump();
        _ = hubspot.With("upsert_lead", "set_lead_score", "match_account", "create_opportunity", "attach_campaign", "sync_firmographics", "create_task");
        hubspot.Simulator.Faults.FailNext("create_tasks", new SimulatorFault.FailPart(0, 400, "VALIDATION_ERROR"));

        var outcome = await hubspot.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(hubspot.Simulator.Dump(), Is.EqualTo(before));
        }
    }

    private static IEnumerable<TestCaseData> EveryUndoCallAndFault() =>
        from call in (string[])["read_contacts", "read_deals", "archive_deals", "update_contacts", "unlink", "update_tasks"]
        from fault in Faults
        select new TestCaseData(call, fault.Fault).SetArgDisplayNames(call, fault.Name);

    [TestCaseSource(nameof(EveryUndoCallAndFault))]
    public async Task Should_undo_everything_whatever_fails_then(string call, SimulatorFault fault)
    {
        await using var undisturbed = await FailingAtTheEndAsync();
        _ = await undisturbed.RunToTheEndAsync();
        await using var hubspot = await FailingAtTheEndAsync();
        var before = Records(hubspot);
        var forward = undisturbed.Simulator.Exchanges.TakeWhile(e => e.Operation != "create_tasks").Count(e => e.Operation == call);
        hubspot.Simulator.Faults.FailCall(call, forward + 1, fault);

        var outcome = await hubspot.RunToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(hubspot.Simulator.Faults.Outstanding, Is.Zero, "the fault has struck");
            Assert.That(Records(hubspot), Is.EqualTo(before));
            Assert.That(hubspot.Simulator.All("tasks").Select(t => t.Properties["hs_task_status"]), Is.EqualTo(new[] { "DEFERRED" }));
            Assert.That(hubspot.Simulator.Effects.Values, Is.All.EqualTo(1));
        }
    }

    /// <summary>A plan for known records that does everything and then fails at its last, critical step.</summary>
    private static async Task<HubSpotCase> FailingAtTheEndAsync()
    {
        var hubspot = await HubSpotCase.StartAsync();
        _ = (hubspot.KnownContact(), hubspot.KnownCompany());
        _ = hubspot.With("upsert_lead", "set_lead_score", "match_account", "create_opportunity", "sync_firmographics", "create_follow_up", "create_task");
        hubspot.Simulator.Faults.FailNext("create_tasks", new SimulatorFault.FailPart(1, 400, "VALIDATION_ERROR"));
        return hubspot;
    }

    private static string Records(HubSpotCase hubspot) => string.Join('\n', ((string[])["contacts", "companies", "deals"]).SelectMany(hubspot.Simulator.All)
        .Select(r => $"{r.Type}: {string.Join(", ", r.Properties.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}={p.Value}"))}"));

    private static async Task AssertRoutedAsync(HubSpotCase hubspot, PlanOutcome outcome)
    {
        var undisturbed = await Undisturbed.Value;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(hubspot.Simulator.Faults.Outstanding, Is.Zero, "the fault has struck");
            Assert.That(hubspot.Simulator.Effects, Is.EquivalentTo(Creates.ToDictionary(step => PlanRun.KeyOf(HubSpotCase.LeadId, 1, step), _ => 1)));
            Assert.That(hubspot.Run.Effects.Select(e => e.State), Is.All.AnyOf(EffectState.Confirmed, EffectState.Unchanged));
            Assert.That(Without(hubspot), Is.EqualTo(undisturbed));
        }
    }

    // Ids are given out in the order of creation, which a fault may change; what counts is what is there.
    private static string Without(HubSpotCase hubspot) => string.Join('\n', ((string[])["contacts", "companies", "deals", "tasks"]).SelectMany(type => hubspot.Simulator.All(type)
        .Select(r => $"{type}: {string.Join(", ", r.Properties.Where(p => p.Key is not ("associatedcompanyid" or "hs_timestamp")).OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}={p.Value}"))} -> {hubspot.Simulator.Associated(r.Id, "contacts").Count} {hubspot.Simulator.Associated(r.Id, "companies").Count} {hubspot.Simulator.Associated(r.Id, "tasks").Count}")
        .Order(StringComparer.Ordinal)));
}
