using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.HubSpot;
using LeadPipeline.TestKit.Simulators;
using LeadPipeline.TestKit.Simulators.HubSpot;

namespace LeadPipeline.Mcp.Tests.Crm.HubSpot;

/// <summary>The port's contract, write by write.</summary>
public sealed class When_HubSpot_is_written_to
{
    private static CreateRecord Lead(string step = "lead", string effect = "e1", params (string Field, string Value)[] more) => new(step, "upsert_lead", CrmObject.Lead, effect, HubSpotCase.Key(HubSpotCase.Email),
        new Dictionary<string, string>([KeyValuePair.Create(CrmFields.Email, HubSpotCase.Email), .. more.Select(m => KeyValuePair.Create(m.Field, m.Value))]));

    private static CreateRecord Task(string step, string effect, string lead) =>
        new(step, "create_task", CrmObject.Task, effect, null, new Dictionary<string, string> { [CrmFields.Subject] = "Look", [CrmFields.DueDate] = "2026-03-04", [CrmFields.Priority] = "High", [CrmFields.Lead] = lead });

    private static UpdateRecord Update(string step, string id, string field, string? value, string? version = null) =>
        new(step, "set", CrmObject.Lead, RecordRef.Parse(id), new Dictionary<string, string?> { [field] = value }, version);

    [Test]
    public async Task Should_answer_a_repeated_create_with_the_first_record()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        var lead = hubspot.KnownContact();
        var first = (CrmOutcome.Done)(await hubspot.WriteAsync([Task("t", "e1", lead)]))[0];

        var again = (CrmOutcome.Done)(await hubspot.WriteAsync([Task("t", "e1", lead)]))[0];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(again, Is.EqualTo(first with { Replayed = true }));
            Assert.That(hubspot.Simulator.Effects["e1"], Is.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_say_changed_since_when_the_address_is_taken_by_another_contact()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        _ = hubspot.KnownContact();

        var outcomes = await hubspot.WriteAsync([Lead(), Task("t", "e2", "@lead")], "lead");

        Assert.That(outcomes[0], Is.TypeOf<CrmOutcome.Refused>().With.Property("Code").EqualTo(CrmCodes.ChangedSince));
        Assert.That(outcomes[1], Is.TypeOf<CrmOutcome.NotTried>());
    }

    [Test]
    public async Task Should_write_what_stands_before_a_record_that_was_changed_and_nothing_after()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        var lead = hubspot.KnownContact();
        var version = (await hubspot.Crm.ReadAsync(new CrmQuery { Records = [(CrmObject.Lead, lead)] }, CancellationToken.None)).Records[lead].Version;
        hubspot.Simulator.Edit("contacts", lead, "phone", "123");

        var outcomes = await hubspot.WriteAsync([Task("before", "e1", lead), Update("score", lead, CrmFields.Score, "5", version), Task("after", "e2", lead)]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes[0], Is.TypeOf<CrmOutcome.Done>());
            Assert.That(outcomes[1], Is.TypeOf<CrmOutcome.Refused>().With.Property("Code").EqualTo(CrmCodes.ChangedSince));
            Assert.That(outcomes[2], Is.TypeOf<CrmOutcome.NotTried>());
            Assert.That(hubspot.Simulator.All("contacts").Single().Properties["leadpipeline_score"], Is.EqualTo("12"));
            Assert.That(hubspot.Simulator.Effects.Keys, Is.EqualTo(new[] { "e1" }));
        }
    }

    [Test]
    public async Task Should_keep_its_version_when_HubSpot_moves_its_own_time_of_change()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        var lead = hubspot.KnownContact();
        var done = (CrmOutcome.Done)(await hubspot.WriteAsync([Update("score", lead, CrmFields.Score, "5")]))[0];

        hubspot.Simulator.Associate(lead, hubspot.Simulator.Add("deals", ("dealname", "Old"), ("dealstage", "closedwon"), ("pipeline", "default")));

        var read = (await hubspot.Crm.ReadAsync(new CrmQuery { Records = [(CrmObject.Lead, lead)] }, CancellationToken.None)).Records[lead];
        Assert.That(read.Version, Is.EqualTo(done.Version));
    }

    [Test]
    public async Task Should_clear_a_field_and_move_a_link()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        var (lead, old, next) = (hubspot.KnownContact(), hubspot.KnownCompany(), hubspot.Simulator.Add("companies", ("name", "Other")));
        hubspot.Simulator.Associate(lead, old);

        var outcomes = await hubspot.WriteAsync([Update("industry", lead, CrmFields.Industry, null), Update("link", lead, CrmFields.Account, next)]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes, Is.All.TypeOf<CrmOutcome.Done>());
            Assert.That(hubspot.Simulator.All("contacts").Single().Properties, Does.Not.ContainKey("leadpipeline_industry"));
            Assert.That(hubspot.Simulator.Associated(lead, "companies"), Is.EqualTo(new[] { next }));
        }
    }

    [Test]
    public async Task Should_stop_at_a_critical_refusal_and_refuse_what_refers_to_a_refused_record()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        _ = hubspot.Simulator.Properties["contacts"].Remove("jobtitle");
        CrmWrite[] writes = [Lead("lead", "e1", (CrmFields.Title, "Countess")), Task("task", "e2", "@lead"), new CreateRecord("firm", "match", CrmObject.Account, "e3", null, new Dictionary<string, string> { [CrmFields.Name] = "X" })];

        var loose = await hubspot.WriteAsync(writes);
        var strict = await hubspot.WriteAsync([.. writes.Select(w => w is CreateRecord c ? c with { EffectKey = c.EffectKey + "'" } : w)], "lead");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(loose.Select(o => (o as CrmOutcome.Refused)?.Code), Is.EqualTo(new[] { CrmCodes.InvalidArguments, CrmCodes.InvalidReference, null }));
            Assert.That(loose[2], Is.TypeOf<CrmOutcome.Done>());
            Assert.That(strict.Skip(1), Is.All.TypeOf<CrmOutcome.NotTried>());
            Assert.That(((CrmOutcome.Refused)loose[0]).Message, Is.EqualTo("HubSpot does not take the value of jobtitle (VALIDATION_ERROR, PROPERTY_DOESNT_EXIST)"));
        }
    }

    [Test]
    public async Task Should_not_let_a_task_go_past_a_critical_one()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        var lead = hubspot.KnownContact();
        hubspot.Simulator.Faults.FailNext("create_tasks", new SimulatorFault.FailPart(0, 400, "VALIDATION_ERROR"));

        var outcomes = await hubspot.WriteAsync([Task("critical", "e1", lead), Task("after", "e2", lead), Update("score", lead, CrmFields.Score, "1")], "critical");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes.Skip(1), Is.All.TypeOf<CrmOutcome.NotTried>());
            Assert.That(hubspot.Simulator.All("tasks"), Is.Empty);
            Assert.That(hubspot.Simulator.All("contacts").Single().Properties["leadpipeline_score"], Is.EqualTo("12"));
        }
    }

    [Test]
    public async Task Should_keep_an_account_that_others_belong_to()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        var (lead, company) = (hubspot.KnownContact(), hubspot.KnownCompany());
        hubspot.Simulator.Associate(lead, company);

        var kept = (await hubspot.WriteAsync([new RemoveRecord("undo", "match_account", CrmObject.Account, company, null)]))[0];
        var gone = await hubspot.WriteAsync([new RemoveRecord("undo", "upsert_lead", CrmObject.Lead, lead, null), new RemoveRecord("undo2", "match_account", CrmObject.Account, company, null)]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(kept, Is.TypeOf<CrmOutcome.Refused>().With.Property("Code").EqualTo(CrmCodes.Permanent));
            Assert.That(gone, Is.All.TypeOf<CrmOutcome.Done>());
            Assert.That(hubspot.Simulator.All("companies"), Is.Empty);
        }
    }

    [Test]
    public async Task Should_take_one_campaign_away_and_leave_the_other()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        var lead = hubspot.KnownContact();
        hubspot.Simulator.Edit("contacts", lead, "leadpipeline_campaign", "CMP-WEBINAR");
        CreateRecord member = new("c", "attach_campaign", CrmObject.CampaignMember, "e1", null, new Dictionary<string, string> { [CrmFields.Lead] = lead, [CrmFields.Campaign] = "CMP-SPRING" });
        var id = ((CrmOutcome.Done)(await hubspot.WriteAsync([member]))[0]).RecordId;
        var both = hubspot.Simulator.All("contacts").Single().Properties["leadpipeline_campaign"];

        _ = await hubspot.WriteAsync([new RemoveRecord("c", "attach_campaign", CrmObject.CampaignMember, id, null)]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(both, Is.EqualTo("CMP-WEBINAR;CMP-SPRING"));
            Assert.That(hubspot.Simulator.All("contacts").Single().Properties["leadpipeline_campaign"], Is.EqualTo("CMP-WEBINAR"));
        }
    }

    [TestCase("mei.tanaka@crm.example", "9002", null)]
    [TestCase("9001", "9001", null)]
    [TestCase("nobody@crm.example", null, CrmCodes.UnknownOwner)]
    public async Task Should_take_owners_by_address_or_id(string owner, string? id, string? code)
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        var lead = hubspot.KnownContact();

        var outcome = (await hubspot.WriteAsync([Update("owner", lead, CrmFields.Owner, owner)]))[0];

        Assert.That((outcome as CrmOutcome.Refused)?.Code, Is.EqualTo(code));
        Assert.That(hubspot.Simulator.All("contacts").Single().Properties.GetValueOrDefault("hubspot_owner_id"), Is.EqualTo(id));
    }

    [Test]
    public async Task Should_refuse_what_it_does_not_have_without_a_call()
    {
        await using var hubspot = await HubSpotCase.StartAsync();

        var outcomes = await hubspot.WriteAsync(
        [
            new ConvertLead("convert", "convert_lead", "e1", RecordRef.Parse("1"), RecordRef.Parse("2"), null, null),
            new CreateRecord("deal", "create_opportunity", CrmObject.Opportunity, "e2", null, new Dictionary<string, string> { [CrmFields.Name] = "X", [CrmFields.Stage] = "Somewhere" }),
            new CreateRecord("user", "x", CrmObject.User, "e3", null, new Dictionary<string, string>()),
        ]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes.Select(o => ((CrmOutcome.Refused)o).Code), Is.EqualTo(new[] { CrmCodes.NotSupported, CrmCodes.InvalidStage, CrmCodes.NotSupported }));
            Assert.That(hubspot.Simulator.Calls(), Is.Zero);
        }
    }

    [Test]
    public async Task Should_refuse_a_record_that_is_gone()
    {
        await using var hubspot = await HubSpotCase.StartAsync();

        var outcomes = await hubspot.WriteAsync([Update("score", "4711", CrmFields.Score, "1"), new RemoveRecord("undo", "x", CrmObject.Opportunity, "4712", null), Task("task", "e1", "4713")]);

        Assert.That(outcomes.Select(o => ((CrmOutcome.Refused)o).Code), Is.EqualTo(new[] { CrmCodes.NotFound, CrmCodes.NotFound, CrmCodes.NotFound }).Or.EqualTo(new[] { CrmCodes.NotFound, CrmCodes.NotFound, CrmCodes.InvalidReference }));
    }

    [Test]
    public async Task Should_refuse_what_the_token_may_not_do()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        var lead = hubspot.KnownContact();
        _ = hubspot.Simulator.MissingScopes.Add("crm.objects.contacts.write");

        var outcome = (await hubspot.WriteAsync([Task("t", "e1", lead)]))[0];

        Assert.That(outcome, Is.TypeOf<CrmOutcome.Refused>().With.Property("Code").EqualTo(CrmCodes.Unauthorized));
    }

    [TestCase(429, "SECONDLY", 1, NotNowKind.RateLimited)]
    [TestCase(429, "TEN_SECONDLY_ROLLING", 10, NotNowKind.RateLimited)]
    // It is 12:00 in UTC and 13:00 in Berlin: eleven hours to midnight there.
    [TestCase(429, "DAILY", 11 * 3600, NotNowKind.RateLimited)]
    [TestCase(423, null, 2, NotNowKind.Transient)]
    [TestCase(503, null, null, NotNowKind.Transient)]
    [TestCase(503, null, 40, NotNowKind.Transient, 40)]
    // A lead must not wait for years because of a header.
    [TestCase(503, null, 24 * 3600, NotNowKind.Transient, 99_999_999)]
    public async Task Should_wait_as_long_as_HubSpot_means(int status, string? policy, int? seconds, NotNowKind kind, int? retryAfter = null)
    {
        await using var hubspot = await HubSpotCase.StartAsync(new HubSpotOptions { TimeZone = "Europe/Berlin" });
        var lead = hubspot.KnownContact();
        hubspot.Simulator.Faults.FailNext("create_tasks", new SimulatorFault.Refuse(status, policy, retryAfter));

        var outcome = (CrmOutcome.NotNow)(await hubspot.WriteAsync([Task("t", "e1", lead)]))[0];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome.Kind, Is.EqualTo(kind));
            Assert.That(outcome.RetryAfter?.TotalSeconds, Is.EqualTo(seconds));
        }
    }

    [Test]
    public async Task Should_say_unauthorized_when_a_new_token_is_refused_too()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        var lead = hubspot.KnownContact();
        hubspot.Simulator.Faults.FailNext("create_tasks", new SimulatorFault.Refuse(401));
        hubspot.Simulator.Faults.FailNext("create_tasks", new SimulatorFault.Refuse(401));

        var outcomes = await hubspot.WriteAsync([Task("t", "e1", lead), Update("score", lead, CrmFields.Score, "1")]);

        Assert.That(outcomes[0], Is.TypeOf<CrmOutcome.NotNow>().With.Property("Kind").EqualTo(NotNowKind.Unauthorized));
        Assert.That(outcomes[1], Is.TypeOf<CrmOutcome.NotTried>());
    }

    [Test]
    public async Task Should_repeat_nothing_of_a_person_in_what_it_says()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        hubspot.Simulator.Properties["contacts"]["country"] = new HubSpotProperty("country", "enumeration") { Options = ["Elsewhere"] };

        var outcome = (CrmOutcome.Refused)(await hubspot.WriteAsync([Lead("lead", "e1", (CrmFields.Country, "secret@person.example"))]))[0];

        Assert.That(outcome.Message, Is.EqualTo("HubSpot does not take the value of country (VALIDATION_ERROR, INVALID_OPTION)"));
    }
}
