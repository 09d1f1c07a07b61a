using LeadPipeline.Mcp.Execution;

namespace LeadPipeline.Mcp.Tests.Crm.HubSpot;

public sealed class When_a_lead_is_routed_into_HubSpot
{
    [Test]
    public async Task Should_take_no_more_than_six_calls_for_a_person_and_a_company_new_to_it()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        // The list of campaigns is read every five minutes, not with every lead.
        _ = await hubspot.Crm.ReadAsync(new() { Campaign = "CMP-SPRING" }, CancellationToken.None);
        var before = hubspot.Simulator.Calls();

        var outcome = await hubspot.DeliverAsync();

        var calls = hubspot.Simulator.Exchanges.Skip(before).Select(e => e.Operation).ToList();
        TestContext.Out.WriteLine($"{calls.Count} calls: {string.Join(", ", calls)}");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(calls, Has.Count.LessThanOrEqualTo(6));
            Assert.That(hubspot.Run.Effects.Select(e => e.State), Is.All.EqualTo(EffectState.Confirmed));
        }
    }

    [TestCase(false, true, false, 6, TestName = "Should_say_what_a_known_company_costs")]
    [TestCase(false, true, true, 6, TestName = "Should_say_what_a_known_company_with_an_open_deal_costs")]
    [TestCase(true, false, false, 9, TestName = "Should_say_what_a_known_person_costs")]
    [TestCase(true, true, false, 10, TestName = "Should_say_what_a_known_person_of_a_known_company_costs")]
    public async Task Should_say_what_it_costs(bool person, bool company, bool deal, int most)
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        if (person)
            _ = hubspot.KnownContact();
        var companyId = company ? hubspot.KnownCompany() : null;
        if (deal)
            hubspot.Simulator.Associate(hubspot.Simulator.Add("deals", ("dealname", "Old"), ("dealstage", "qualifiedtobuy"), ("pipeline", "default"), ("hs_is_closed", "false")), companyId!);
        _ = await hubspot.Crm.ReadAsync(new() { Campaign = "CMP-SPRING" }, CancellationToken.None);
        var before = hubspot.Simulator.Calls();

        var outcome = await hubspot.DeliverAsync();

        var calls = hubspot.Simulator.Exchanges.Skip(before).Select(e => e.Operation).ToList();
        TestContext.Out.WriteLine($"{calls.Count} calls: {string.Join(", ", calls)}");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(calls, Has.Count.LessThanOrEqualTo(most));
            Assert.That(hubspot.Effect("create_opportunity").State, Is.EqualTo(deal ? EffectState.Skipped : EffectState.Confirmed));
        }
    }

    [Test]
    public async Task Should_leave_every_record_as_the_plan_says_and_tied_to_the_others()
    {
        await using var hubspot = await HubSpotCase.StartAsync();

        _ = await hubspot.With([.. HubSpotCase.Steps, "add_note"]).DeliverAsync();

        var contact = hubspot.Simulator.All("contacts").Single();
        var company = hubspot.Simulator.All("companies").Single();
        var deal = hubspot.Simulator.All("deals").Single();
        var done = hubspot.Simulator.All("tasks").Single(t => t.Properties["hs_task_status"] == "COMPLETED");
        var task = hubspot.Simulator.All("tasks").Single(t => t.Properties["hs_task_status"] == "NOT_STARTED");
        var note = hubspot.Simulator.All("notes").Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(contact.Properties, Is.SupersetOf(new Dictionary<string, string>
            {
                ["email"] = HubSpotCase.Email,
                ["firstname"] = "Ada",
                ["jobtitle"] = "Countess",
                ["hs_lead_status"] = "NEW",
                ["leadpipeline_key"] = HubSpotCase.Key(HubSpotCase.Email),
                ["leadpipeline_score"] = "90",
                ["leadpipeline_intent"] = "High Fit",
                ["leadpipeline_industry"] = "Computing",
                ["leadpipeline_founded_year"] = "1843",
                ["leadpipeline_enriched_at"] = "2026-03-03T10:00:00Z",
                ["leadpipeline_campaign"] = "CMP-SPRING",
                ["associatedcompanyid"] = company.Id,
                ["message"] = "1 < 2 & \"so\" on",
            }));
            Assert.That(company.Properties, Is.SupersetOf(new Dictionary<string, string> { ["name"] = HubSpotCase.Company, ["domain"] = "analytical.example", ["leadpipeline_key"] = HubSpotCase.Key("analytical.example") }));
            Assert.That(deal.Properties, Is.SupersetOf(new Dictionary<string, string> { ["dealstage"] = "appointmentscheduled", ["pipeline"] = "default", ["closedate"] = "2026-06-03T12:00:00Z" }));
            Assert.That(task.Properties, Is.SupersetOf(new Dictionary<string, string> { ["hs_task_priority"] = "HIGH", ["hs_timestamp"] = "2026-03-04T12:00:00Z", ["hs_task_subject"] = "AI Qualified Lead Review" }));
            Assert.That(done.Properties["hs_task_body"], Is.EqualTo("Why: a &lt;b&gt;bold&lt;/b&gt; claim.<br>And another."), "a lead's words are no markup");
            Assert.That(note.Properties["hs_note_body"], Is.EqualTo("<strong>Why not:</strong><br>Because."));
            Assert.That(hubspot.Simulator.Associated(deal.Id, "companies"), Is.EqualTo(new[] { company.Id }));
            Assert.That(new[] { deal.Id, task.Id, done.Id, note.Id }.Select(id => hubspot.Simulator.Associated(id, "contacts").Single()), Is.All.EqualTo(contact.Id));
        }
    }

    [Test]
    public async Task Should_change_nothing_when_the_same_lead_comes_again()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        _ = await hubspot.With("upsert_lead", "set_lead_score", "match_account", "attach_campaign", "sync_firmographics", "sync_enrichment_metadata").DeliverAsync();
        var before = hubspot.Simulator.Dump();

        var outcome = await hubspot.With("upsert_lead", "set_lead_score", "match_account", "attach_campaign", "sync_firmographics", "sync_enrichment_metadata").DeliverAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(hubspot.Run.Effects.Select(e => e.State), Is.All.EqualTo(EffectState.Unchanged));
            Assert.That(hubspot.Simulator.Dump(), Is.EqualTo(before));
        }
    }

    [Test]
    public async Task Should_share_the_account_of_a_colleague_whom_search_does_not_know_yet()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        hubspot.Simulator.SearchLag = 1000;
        _ = await hubspot.DeliverAsync();

        var outcome = await hubspot.Again("charles@analytical.example", 1).DeliverAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(hubspot.Simulator.All("companies"), Has.Count.EqualTo(1));
            Assert.That(hubspot.Simulator.All("contacts").Select(c => c.Properties["associatedcompanyid"]), Is.All.EqualTo(hubspot.Simulator.All("companies").Single().Id));
            Assert.That(hubspot.Effect("create_opportunity").State, Is.EqualTo(EffectState.Skipped), "the colleague's deal is open");
        }
    }

    [Test]
    public async Task Should_find_a_person_who_has_changed_the_address_by_our_key()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        var known = hubspot.Simulator.Add("contacts", ("email", "ada@elsewhere.example"), ("lastname", "Lovelace"), ("leadpipeline_key", HubSpotCase.Key(HubSpotCase.Email)));

        var outcome = await hubspot.DeliverAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(hubspot.Simulator.All("contacts").Single().Id, Is.EqualTo(known));
        }
    }

    [Test]
    public async Task Should_find_a_person_by_a_further_address()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        var known = hubspot.Simulator.Add("contacts", ("email", "ada@elsewhere.example"), ("lastname", "Lovelace"), ("hs_additional_emails", "x@y.example;" + HubSpotCase.Email));

        var outcome = await hubspot.DeliverAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That(hubspot.Simulator.All("contacts").Single().Id, Is.EqualTo(known));
            Assert.That(hubspot.Simulator.All("contacts").Single().Properties["email"], Is.EqualTo("ada@elsewhere.example"));
        }
    }
}
