using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Tests.Execution;
using LeadPipeline.TestKit.Simulators;
using static LeadPipeline.Mcp.Tests.Crm.Salesforce.SalesforceCase;

namespace LeadPipeline.Mcp.Tests.Crm.Salesforce;

public sealed class When_salesforce_refuses_a_write
{
    [TestCase("DUPLICATES_DETECTED", CrmCodes.DuplicateLead)]
    [TestCase("DUPLICATE_VALUE", CrmCodes.ChangedSince)]
    [TestCase("ENTITY_IS_DELETED", CrmCodes.NotFound)]
    [TestCase("INVALID_CROSS_REFERENCE_KEY", CrmCodes.InvalidReference)]
    [TestCase("INSUFFICIENT_ACCESS_OR_READONLY", CrmCodes.Unauthorized)]
    [TestCase("FIELD_CUSTOM_VALIDATION_EXCEPTION", CrmCodes.Permanent)]
    [TestCase("STRING_TOO_LONG", CrmCodes.Permanent)]
    public async Task Should_tell_refusals_apart(string theirs, string ours)
    {
        await using var org = await StartAsync();
        org.Org.Faults.FailNext("write", new SimulatorFault.FailPart(0, 400, theirs));

        var outcomes = await org.WriteAsync(NewLead());

        Assert.That(outcomes[0], Is.TypeOf<CrmOutcome.Refused>().With.Property("Code").EqualTo(ours));
    }

    [TestCase("UNABLE_TO_LOCK_ROW", 400, NotNowKind.Transient)]
    [TestCase("SERVER_UNAVAILABLE", 503, NotNowKind.Transient)]
    [TestCase("UNKNOWN_EXCEPTION", 500, NotNowKind.Transient)]
    [TestCase("REQUEST_LIMIT_EXCEEDED", 403, NotNowKind.RateLimited)]
    public async Task Should_write_nothing_of_a_batch_that_has_to_wait(string theirs, int status, NotNowKind kind)
    {
        await using var org = await StartAsync();
        org.Org.Faults.FailNext("write", new SimulatorFault.FailPart(1, status, theirs));

        var outcomes = await org.WriteAsync(NewLead(), NewTask(), NewTask("second"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes[0], Is.TypeOf<CrmOutcome.NotTried>());
            Assert.That(outcomes[1], Is.TypeOf<CrmOutcome.NotNow>().With.Property("Kind").EqualTo(kind));
            Assert.That(outcomes[2], Is.TypeOf<CrmOutcome.NotTried>());
            Assert.That(org.Org.Live("Lead"), Is.Empty);
        }
    }

    [Test]
    public async Task Should_do_the_others_when_one_that_is_not_critical_is_refused()
    {
        await using var org = await StartAsync();
        var outcomes = await org.WriteAsync(NewLead(), Change("set_score", "@upsert_lead", CrmFields.Score, "90"), Change("set_intent", "@upsert_lead", CrmFields.Intent, new string('x', 41)), NewTask());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes.Select(o => o.GetType().Name), Is.EqualTo(new[] { "Done", "Done", "Refused", "Done" }));
            Assert.That(org.Org.Only("Lead")["LeadPipeline_Score__c"]!.ToString(), Is.EqualTo("90"));
            Assert.That(org.Org.Calls("write"), Is.EqualTo(2));
            Assert.That(org.Org.Effects.Values, Is.All.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_end_the_batch_at_a_critical_refusal_and_keep_what_came_before()
    {
        await using var org = await StartAsync();

        var outcomes = await org.WriteAsync(["set_intent"], NewLead(), Change("set_intent", "@upsert_lead", CrmFields.Intent, new string('x', 41)), NewTask());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes.Select(o => o.GetType().Name), Is.EqualTo(new[] { "Done", "Refused", "NotTried" }));
            Assert.That(org.Org.Live("Lead"), Has.Count.EqualTo(1));
            Assert.That(org.Org.Live("Task"), Is.Empty);
        }
    }

    [Test]
    public async Task Should_refuse_what_refers_to_a_refused_record()
    {
        await using var org = await StartAsync();

        var outcomes = await org.WriteAsync(NewLead(email: "not-an-address"), NewTask(), NewTask("free", org.KnownLead()));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes[0], Is.TypeOf<CrmOutcome.Refused>());
            Assert.That(outcomes[1], Is.TypeOf<CrmOutcome.Refused>().With.Property("Code").EqualTo(CrmCodes.InvalidReference));
            Assert.That(outcomes[2], Is.TypeOf<CrmOutcome.Done>());
        }
    }

    [Test]
    public async Task Should_take_a_step_of_two_writes_as_one()
    {
        await using var org = await StartAsync();
        var lead = org.KnownLead();
        var account = new CreateRecord("match_account", "match_account", CrmObject.Account, "effect.1.match_account", "key", new Dictionary<string, string> { [CrmFields.Name] = "Analytical" });
        var link = new UpdateRecord("match_account", "match_account", CrmObject.Lead, new(lead, null), new Dictionary<string, string?> { [CrmFields.Account] = "@match_account", [CrmFields.Intent] = new string('x', 41) }, null);

        var outcomes = await org.WriteAsync(account, link, NewTask(lead: lead));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes.Select(o => o.GetType().Name), Is.EqualTo(new[] { "NotTried", "Refused", "Done" }));
            Assert.That(org.Org.Live("Account"), Is.Empty);
        }
    }

    [Test]
    public async Task Should_answer_a_create_that_comes_twice_with_the_first_record()
    {
        await using var org = await StartAsync();
        var first = (CrmOutcome.Done)(await org.WriteAsync(NewLead()))[0];

        var second = (CrmOutcome.Done)(await org.WriteAsync(NewLead()))[0];

        using (Assert.EnterMultipleScope())
        {
            Assert.That((first.Replayed, second.Replayed), Is.EqualTo((false, true)));
            Assert.That(second.RecordId, Is.EqualTo(first.RecordId));
        }
    }

    [Test]
    public async Task Should_look_again_when_somebody_else_made_the_lead_first()
    {
        await using var org = await StartAsync();
        _ = org.KnownLead();

        var outcomes = await org.WriteAsync(NewLead(), NewTask());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes[0], Is.TypeOf<CrmOutcome.Refused>().With.Property("Code").EqualTo(CrmCodes.ChangedSince));
            Assert.That(outcomes[1], Is.TypeOf<CrmOutcome.NotTried>());
        }
    }

    [Test]
    public async Task Should_name_the_record_that_a_duplicate_rule_finds()
    {
        await using var org = await StartAsync();
        org.Org.DuplicateRule = true;
        var twin = org.Org.Add("Lead", ("LastName", "L"), ("Company", "C"), ("Email", RouteCase.Email));

        var refused = (CrmOutcome.Refused)(await org.WriteAsync(NewLead()))[0];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(refused.Code, Is.EqualTo(CrmCodes.DuplicateLead));
            Assert.That(refused.Message, Does.Contain(twin));
        }
    }

    [Test]
    public async Task Should_call_a_key_that_several_records_carry_ambiguous()
    {
        await using var org = await StartAsync();
        foreach (var _ in Enumerable.Range(0, 2))
            org.Org.Add("Task", ("Subject", "Call"), ("LeadPipeline_Effect__c", "effect~1~create_task"));

        var outcomes = await org.WriteAsync(NewTask(lead: org.KnownLead()));

        Assert.That(outcomes[0], Is.TypeOf<CrmOutcome.Refused>().With.Property("Code").EqualTo(CrmCodes.Ambiguous));
    }

    [TestCase("Prospecting", "Prospecting")]
    [TestCase("Negotiation", "Negotiation/Review")]
    [TestCase("Dreaming", null)]
    public async Task Should_use_the_stages_of_the_org(string ours, string? theirs)
    {
        await using var org = await StartAsync();
        var account = org.Org.Add("Account", ("Name", "Analytical"));

        var outcomes = await org.WriteAsync(new CreateRecord("o", "create_opportunity", CrmObject.Opportunity, "effect.1.o", null,
            new Dictionary<string, string> { [CrmFields.Name] = "Deal", [CrmFields.Account] = account, [CrmFields.Stage] = ours, [CrmFields.CloseDate] = "2026-06-03" }));

        if (theirs is null)
            Assert.That(outcomes[0], Is.TypeOf<CrmOutcome.Refused>().With.Property("Code").EqualTo(CrmCodes.InvalidStage));
        else
            Assert.That(org.Org.Only("Opportunity")["StageName"]!.ToString(), Is.EqualTo(theirs));
    }

    [TestCase(null, CrmCodes.NotSupported)]
    [TestCase("USD", CrmCodes.NotSupported)]
    [TestCase("EUR", null)]
    public async Task Should_never_write_an_amount_in_another_currency(string? orgs, string? refusal)
    {
        await using var org = await StartAsync(o => o.Currency = orgs);
        var account = org.Org.Add("Account", ("Name", "Analytical"));

        var outcomes = await org.WriteAsync(new CreateRecord("o", "create_opportunity", CrmObject.Opportunity, "effect.1.o", null, new Dictionary<string, string>
        {
            [CrmFields.Name] = "Deal", [CrmFields.Account] = account, [CrmFields.Stage] = "Prospecting", [CrmFields.CloseDate] = "2026-06-03", [CrmFields.Amount] = "1200.50", [CrmFields.Currency] = "EUR",
        }));

        Assert.That((outcomes[0] as CrmOutcome.Refused)?.Code, Is.EqualTo(refusal));
    }

    [TestCase("00Q000000000001")]
    [TestCase("00Q00000000000')x?")]
    [TestCase("001Sim000000001AAA")]
    [TestCase("../../limits")]
    public async Task Should_send_no_id_that_is_none(string id)
    {
        await using var org = await StartAsync();

        var outcomes = await org.WriteAsync(Change("set_score", id, CrmFields.Score, "1"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes[0], Is.TypeOf<CrmOutcome.Refused>().With.Property("Code").EqualTo(CrmCodes.NotFound));
            Assert.That(org.Org.Exchanges.SelectMany(e => e.Request.Body).Count(c => c == '\''), Is.Zero);
        }
    }

    [Test]
    public async Task Should_split_what_is_too_much_for_one_composite()
    {
        await using var org = await StartAsync();
        var lead = org.KnownLead();

        var outcomes = await org.WriteAsync([.. Enumerable.Range(0, 30).Select(i => (CrmWrite)NewTask($"task{i}", lead))]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes, Is.All.TypeOf<CrmOutcome.Done>());
            Assert.That(org.Org.Live("Task"), Has.Count.EqualTo(30));
            Assert.That(org.Org.Calls("write"), Is.EqualTo(3));
        }
    }

    [TestCase("Look: @{w0.id} and @{nowhere.x}")]
    [TestCase("Robert'); DROP TABLE Lead;-- \\' \" % _ \u202e \ud83d\ude00")]
    [TestCase("{!merge.field} {{x}} ${y} =cmd|' /C calc'!A0")]
    public async Task Should_write_what_the_person_said_and_nothing_else(string words)
    {
        await using var org = await StartAsync();

        var outcomes = await org.WriteAsync(["upsert_lead"], NewLead(more: (CrmFields.Message, words)), Change("set_score", "@upsert_lead", CrmFields.Score, "90"), NewTask());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes, Is.All.TypeOf<CrmOutcome.Done>());
            Assert.That(outcomes.Select(o => ((CrmOutcome.Done)o).Version), Is.All.Not.Null);
            Assert.That(org.Org.Only("Lead")["Description"]!.GetValue<string>(), Is.EqualTo(words));
            Assert.That(org.Org.Only("Task")["WhoId"]!.GetValue<string>(), Is.EqualTo(org.Org.Only("Lead")["Id"]!.GetValue<string>()));
        }
    }

    [Test]
    public async Task Should_keep_a_lead_with_its_owner()
    {
        await using var org = await StartAsync();
        org.Org.AssignmentRule = true;

        _ = await org.WriteAsync(NewLead(), Change("set_score", "@upsert_lead", CrmFields.Score, "90"));

        Assert.That(org.Org.Only("Lead")["OwnerId"]!.GetValue<string>(), Is.Not.EqualTo(org.Org.Person));
    }

    [Test]
    public async Task Should_stand_in_for_a_name_and_company_that_nobody_gave()
    {
        await using var org = await StartAsync();
        var create = NewLead() with { Fields = new Dictionary<string, string> { [CrmFields.Email] = RouteCase.Email } };

        var done = (CrmOutcome.Done)(await org.WriteAsync(create))[0];

        var read = await org.ReadAsync(CrmObject.Lead, done.RecordId);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(org.Org.Only("Lead")["LastName"]!.GetValue<string>(), Is.EqualTo("[not provided]"));
            // To us it is empty, so that the next lead of this person fills it in.
            Assert.That(read![CrmFields.LastName], Is.Null);
            Assert.That(read[CrmFields.Company], Is.Null);
        }
    }
}
