using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;
using static LeadPipeline.Mcp.Tests.Crm.ConformanceRun;

namespace LeadPipeline.Mcp.Tests.Crm;

public abstract partial class CrmConformance
{
    [Test]
    public async Task Should_create_a_lead_with_all_that_the_person_stated()
    {
        var run = await DoneAsync(Step("create_lead", $$"""
            {"email":"{{Email}}","firstName":"Ada","lastName":"Lovelace","company":"{{Company}}","title":"Countess","phone":"+44 20 7946 0000",
             "website":"https://{{Domain}}","country":"GB","message":"Twenty seats, please.","source":"webinar"}
            """));

        var lead = await GetAsync(CrmObject.Lead, run.Record("create_lead"));
        using (Assert.EnterMultipleScope())
        {
            Assert.That((lead[CrmFields.Email], lead[CrmFields.FirstName], lead[CrmFields.LastName], lead[CrmFields.Company]), Is.EqualTo((Email, "Ada", "Lovelace", Company)));
            Assert.That((lead[CrmFields.Title], lead[CrmFields.Phone], lead[CrmFields.Website], lead[CrmFields.Country]), Is.EqualTo(("Countess", "+44 20 7946 0000", $"https://{Domain}", "GB")));
            Assert.That((lead[CrmFields.Message], lead[CrmFields.Source], lead[CrmFields.Status]), Is.EqualTo(("Twenty seats, please.", "webinar", "New")));
            Assert.That(lead.RecordKey, Is.EqualTo(Key(Email)));
        }
    }

    [Test]
    public async Task Should_refuse_to_create_a_second_lead_of_a_person_and_name_the_first()
    {
        var known = await KnownLeadAsync();

        var refusal = await RefusedAsync(Step("create_lead", $$"""{"email":"{{Email}}","lastName":"Lovelace","company":"{{Company}}"}"""));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(refusal, Does.StartWith(CrmCodes.DuplicateLead + ":").And.Contain(known));
            Assert.That(await LeadsAsync(), Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_create_a_lead_by_upsert_and_leave_it_alone_the_second_time()
    {
        var first = await DoneAsync(Upsert());
        var version = (await GetAsync(CrmObject.Lead, first.Record("upsert_lead"))).Version;

        var second = await DoneAsync(Upsert());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first.Effect("upsert_lead").State, Is.EqualTo(EffectState.Confirmed));
            Assert.That(second.Effect("upsert_lead").State, Is.EqualTo(EffectState.Unchanged));
            Assert.That(second.Record("upsert_lead"), Is.EqualTo(first.Record("upsert_lead")));
            Assert.That((await LeadsAsync()).Single().Version, Is.EqualTo(version));
        }
    }

    [Test]
    public async Task Should_answer_the_record_that_was_made_when_a_step_is_sent_again()
    {
        var run = await DoneAsync(Upsert());
        var key = run.Effect("upsert_lead").EffectKey;
        var create = new CreateRecord("again", "upsert_lead", CrmObject.Lead, key, Key(Email), new Dictionary<string, string>
        {
            [CrmFields.Email] = Email,
            [CrmFields.LastName] = "Lovelace",
            [CrmFields.Company] = Company,
            [CrmFields.Status] = "New",
        });

        var outcomes = await Under.Crm.WriteAsync(new CrmBatch(leadId, Email, [create], new HashSet<string>()), CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes.Single(), Is.TypeOf<CrmOutcome.Done>().With.Property("Replayed").True.And.Property("RecordId").EqualTo(run.Record("upsert_lead")));
            Assert.That(await LeadsAsync(), Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_fill_in_by_upsert_only_what_is_empty()
    {
        var known = await KnownLeadAsync((CrmFields.FirstName, "Augusta"));

        var run = await DoneAsync(Upsert(""","title":"Countess","status":"Disqualified" """));

        var lead = await GetAsync(CrmObject.Lead, known);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(run.Record("upsert_lead"), Is.EqualTo(known));
            Assert.That((lead[CrmFields.FirstName], lead[CrmFields.Title]), Is.EqualTo(("Augusta", "Countess")));
            Assert.That(lead[CrmFields.Status], Is.EqualTo("Working"), "a person's status");
            Assert.That(run.Effect("upsert_lead").Wrote!.Keys, Is.EquivalentTo([CrmFields.Title]), "only what differs is sent");
        }
    }

    [TestCase("New", "Disqualified")]
    [TestCase("Qualified", "Qualified")]
    public async Task Should_change_by_upsert_the_status_of_an_untouched_lead_only(string current, string expected)
    {
        var known = await Under.CreateAsync(CrmObject.Lead, (CrmFields.Email, Email), (CrmFields.LastName, "Lovelace"), (CrmFields.Company, Company), (CrmFields.Status, current));

        _ = await DoneAsync(Upsert(""","status":"Disqualified" """));

        Assert.That((await GetAsync(CrmObject.Lead, known))[CrmFields.Status], Is.EqualTo(expected));
    }

    [Test]
    public async Task Should_find_a_lead_by_our_key_after_its_address_was_changed()
    {
        var lead = (await DoneAsync(Upsert())).Record("upsert_lead");
        await Under.EditAsync(CrmObject.Lead, lead, CrmFields.Email, $"countess@{Domain}");

        var run = await DoneAsync(Upsert());

        Assert.That(run.Record("upsert_lead"), Is.EqualTo(lead));
    }

    [Test]
    public async Task Should_find_a_lead_whose_address_a_person_wrote_in_capitals()
    {
        var known = await Under.CreateAsync(CrmObject.Lead, (CrmFields.Email, Email.ToUpperInvariant()), (CrmFields.LastName, "Lovelace"), (CrmFields.Company, Company));

        Assert.That((await DoneAsync(Upsert())).Record("upsert_lead"), Is.EqualTo(known));
    }

    [Test]
    public async Task Should_leave_two_leads_of_one_address_to_a_person()
    {
        if (Under.Lacks.Contains(CrmCapability.ContactsBesideLeads))
            return;
        var (one, two) = (await KnownLeadAsync(), await KnownLeadAsync());

        var outcome = await Plan(Upsert()).ToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.NeedsPerson>().With.Property("Reason").EqualTo(CrmCodes.Ambiguous));
            Assert.That(((PlanOutcome.NeedsPerson)outcome).Candidates, Is.EquivalentTo([one, two]));
        }
    }

    [TestCase("id")]
    [TestCase("email")]
    [TestCase("name")]
    public async Task Should_give_a_lead_to_a_user(string by)
    {
        var id = await UserAsync();
        var user = (await Under.ListAsync(CrmObject.User)).Single(u => u.Id == id);
        var lead = await KnownLeadAsync();

        _ = await DoneAsync(Step("assign_owner", $$"""{"leadId":"{{lead}}","owner":"{{(by == "id" ? user.Id : user[by])}}"}"""));

        Assert.That((await GetAsync(CrmObject.Lead, lead))[CrmFields.Owner], Is.EqualTo(id));
    }

    [Test]
    public async Task Should_refuse_an_owner_who_does_not_exist([Values("assign_owner", "create_lead")] string tool)
    {
        var lead = tool == "assign_owner" ? await KnownLeadAsync() : null;

        var refusal = await RefusedAsync(lead is not null
            ? Step(tool, $$"""{"leadId":"{{lead}}","owner":"nobody@{{Domain}}"}""")
            : Step(tool, $$"""{"email":"{{Email}}","lastName":"Lovelace","company":"{{Company}}","owner":"nobody@{{Domain}}"}"""));

        Assert.That(refusal, Does.StartWith(CrmCodes.UnknownOwner + ":"));
    }

    [Test]
    public async Task Should_create_a_lead_with_an_owner()
    {
        var user = await UserAsync();

        var run = await DoneAsync(Step("create_lead", $$"""{"email":"{{Email}}","lastName":"Lovelace","company":"{{Company}}","owner":"{{user}}"}"""));

        Assert.That((await GetAsync(CrmObject.Lead, run.Record("create_lead")))[CrmFields.Owner], Is.EqualTo(user));
    }

    [TestCase("New")]
    [TestCase("Nurturing")]
    [TestCase("Qualified")]
    [TestCase("Disqualified")]
    public async Task Should_set_a_status_of_the_list(string status)
    {
        var lead = await KnownLeadAsync();

        _ = await DoneAsync(Step("update_lead_status", $$"""{"leadId":"{{lead}}","status":"{{status}}"}"""));

        Assert.That((await GetAsync(CrmObject.Lead, lead))[CrmFields.Status], Is.EqualTo(status));
    }

    [TestCase("Sold")]
    [TestCase("Converted")]
    public async Task Should_refuse_a_status_that_nobody_may_set(string status)
    {
        var lead = await KnownLeadAsync();

        Assert.That(await RefusedAsync(Step("update_lead_status", $$"""{"leadId":"{{lead}}","status":"{{status}}"}""")), Does.StartWith(CrmCodes.InvalidStatus + ":"));
    }

    [Test]
    public async Task Should_not_write_to_a_lead_that_was_deleted()
    {
        var lead = await KnownLeadAsync();
        await Under.DeleteAsync(CrmObject.Lead, lead);

        Assert.That(await RefusedAsync(Step("set_lead_score", $$"""{"leadId":"{{lead}}","score":85}""")), Does.StartWith(CrmCodes.NotFound + ":"));
    }

    [Test]
    public async Task Should_set_score_and_intent_once()
    {
        var lead = await KnownLeadAsync();
        Contracts.PlanStep[] steps =
        [
            Step("set_lead_score", $$"""{"leadId":"{{lead}}","score":85}"""), Step("set_intent_level", $$"""{"leadId":"{{lead}}","intent":"High Fit"}"""),
        ];

        _ = await DoneAsync(steps);
        var again = await DoneAsync(steps);

        var record = await GetAsync(CrmObject.Lead, lead);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((record[CrmFields.Score], record[CrmFields.Intent]), Is.EqualTo(("85", "High Fit")));
            Assert.That(again.Effects.Select(e => e.State), Is.All.EqualTo(EffectState.Unchanged));
        }
    }

    [Test]
    public async Task Should_write_facts_over_what_stands_there_or_only_where_nothing_does([Values] bool onlyEmpty)
    {
        var lead = await KnownLeadAsync((CrmFields.Industry, "Weaving"));

        _ = await DoneAsync(Step("update_lead_fields", $$"""{"leadId":"{{lead}}","industry":"Computing","employees":"40","onlyEmpty":{{(onlyEmpty ? "true" : "false")}}}"""));

        var record = await GetAsync(CrmObject.Lead, lead);
        Assert.That((record[CrmFields.Industry], record[CrmFields.Employees]), Is.EqualTo((onlyEmpty ? "Weaving" : "Computing", "40")));
    }

    [Test]
    public async Task Should_refuse_to_write_facts_when_evidence_backs_none([Values("update_lead_fields", "sync_firmographics", "validate_existing_fields")] string tool)
    {
        var lead = await KnownLeadAsync();

        Assert.That(await RefusedAsync(Step(tool, $$"""{"leadId":"{{lead}}"}""")), Does.StartWith(CrmCodes.NoGroundedFields + ":"));
    }

    [Test]
    public async Task Should_write_what_is_known_of_the_company_and_where_from()
    {
        var lead = await KnownLeadAsync();

        _ = await DoneAsync(
            Step("sync_firmographics", $$"""{"leadId":"{{lead}}","industry":"Computing","employees":"10-40","revenue":"2M GBP","techStack":"Brass; Steam","geo":"London, GB","foundedYear":1837}"""),
            Step("sync_enrichment_metadata", $$"""{"leadId":"{{lead}}","provider":"directory","confidence":0.9,"enrichedAt":"2026-03-01T10:00:00Z"}"""));

        var record = await GetAsync(CrmObject.Lead, lead);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((record[CrmFields.Industry], record[CrmFields.Employees], record[CrmFields.Revenue]), Is.EqualTo(("Computing", "10-40", "2M GBP")));
            Assert.That((record[CrmFields.TechStack], record[CrmFields.Geo], record[CrmFields.FoundedYear]), Is.EqualTo(("Brass; Steam", "London, GB", "1837")));
            Assert.That((record[CrmFields.EnrichmentProvider], record[CrmFields.EnrichmentConfidence], record[CrmFields.EnrichedAt]), Is.EqualTo(("directory", "0.9", "2026-03-01T10:00:00Z")));
        }
    }

    [Test]
    public async Task Should_report_field_by_field_where_the_crm_and_the_evidence_disagree_and_change_nothing()
    {
        var lead = await KnownLeadAsync((CrmFields.Industry, "Weaving"), (CrmFields.Employees, "40"));
        var before = await GetAsync(CrmObject.Lead, lead);

        var run = await DoneAsync(Step("validate_existing_fields", $$"""{"leadId":"{{lead}}","industry":"Computing","employees":"40","geo":"London, GB"}"""));

        var effect = run.Effect("validate_existing_fields");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(effect.State, Is.EqualTo(EffectState.Unchanged));
            Assert.That((effect.Data["conflicts"], effect.Data["missing"]), Is.EqualTo(("1", "1")));
            Assert.That(effect.Data["report"], Does.Contain("""{"field":"industry","crm":"Weaving","evidence":"Computing","verdict":"conflicts"}"""));
            Assert.That(effect.Data["report"], Does.Contain("\"verdict\":\"agrees\"").And.Contain("\"verdict\":\"missing\""));
            Assert.That((await GetAsync(CrmObject.Lead, lead)).Version, Is.EqualTo(before.Version));
        }
    }

    [Test]
    public async Task Should_add_tags_to_those_that_are_there_as_a_sorted_set()
    {
        var lead = await KnownLeadAsync((CrmFields.Tags, "vip"));
        var tag = Step("tag_lead", $$"""{"leadId":"{{lead}}","tags":"nurture;ai-qualified"}""");

        _ = await DoneAsync(tag);
        var again = await DoneAsync(tag);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await GetAsync(CrmObject.Lead, lead))[CrmFields.Tags], Is.EqualTo("ai-qualified;nurture;vip"));
            Assert.That(again.Effect("tag_lead").State, Is.EqualTo(EffectState.Unchanged));
        }
    }

    [TestCase("hot", "")]
    [TestCase("ai-qualified;hot", "")]
    [TestCase("ai-qualified", "hot;cold")]
    public async Task Should_refuse_a_tag_that_the_policy_does_not_allow(string tags, string allowed)
    {
        var lead = await KnownLeadAsync();

        Assert.That(await RefusedAsync(Step("tag_lead", $$"""{"leadId":"{{lead}}","tags":"{{tags}}","allowed":"{{allowed}}"}""")), Does.StartWith(CrmCodes.TagNotAllowed + ":"));
    }

    [Test]
    public async Task Should_decide_again_when_a_person_changes_the_lead_between_reading_and_writing()
    {
        var lead = await KnownLeadAsync();
        var run = Plan(Upsert(""","title":"Countess" """));
        run.BeforeWrite = () => Under.EditAsync(CrmObject.Lead, lead, CrmFields.Title, "Mathematician");

        var outcome = await run.ToTheEndAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
            Assert.That((await GetAsync(CrmObject.Lead, lead))[CrmFields.Title], Is.EqualTo("Mathematician"));
        }
    }
}
