using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;
using static LeadPipeline.Mcp.Tests.Crm.ConformanceRun;

namespace LeadPipeline.Mcp.Tests.Crm;

public abstract partial class CrmConformance
{
    [Test]
    public async Task Should_open_an_opportunity_on_the_account_of_a_lead()
    {
        var (lead, account) = (await KnownLeadAsync(), await AccountAsync());

        var run = await DoneAsync(Opportunity(lead, account, amount: 1250.5m));

        var opportunity = await GetAsync(CrmObject.Opportunity, run.Record("create_opportunity"));
        using (Assert.EnterMultipleScope())
        {
            Assert.That((opportunity[CrmFields.Name], opportunity[CrmFields.Stage], opportunity[CrmFields.CloseDate]), Is.EqualTo(($"{Word} – Inbound", "Prospecting", "2026-06-03")));
            Assert.That((opportunity[CrmFields.Account], decimal.Parse(opportunity[CrmFields.Amount]!, System.Globalization.CultureInfo.InvariantCulture), opportunity[CrmFields.Currency]), Is.EqualTo((account, 1250.5m, "EUR")));
        }
    }

    [TestCase("Medium Fit", 90, "Prospecting", CrmCodes.IntentTooLow)]
    [TestCase("High Fit", 74, "Prospecting", CrmCodes.ScoreTooLow)]
    [TestCase("High Fit", 90, "Closed Won", CrmCodes.InvalidStage)]
    public async Task Should_refuse_an_opportunity_that_the_rules_do_not_allow(string intent, int score, string stage, string code)
    {
        var (lead, account) = (await KnownLeadAsync(), await AccountAsync());

        var refusal = await RefusedAsync(Step("create_opportunity", $$"""
            {"leadId":"{{lead}}","accountId":"{{account}}","name":"{{Word}}","stage":"{{stage}}","closeDate":"2026-06-03","intent":"{{intent}}","score":{{score}}}
            """));

        Assert.That(refusal, Does.StartWith(code + ":"));
    }

    [TestCase("Prospecting", "Qualification")]
    [TestCase("Qualification", "Needs Analysis")]
    [TestCase("Needs Analysis", "Value Proposition")]
    [TestCase("Value Proposition", "Negotiation")]
    [TestCase("Negotiation", "Closed Won")]
    [TestCase("Prospecting", "Closed Lost")]
    [TestCase("Negotiation", "Closed Lost")]
    public async Task Should_move_an_opportunity_on(string from, string to)
    {
        var opportunity = await OpportunityAsync(from);

        var run = await DoneAsync(Stage(opportunity, to));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(run.Effect("update_opportunity_stage").State, Is.EqualTo(EffectState.Confirmed));
            Assert.That((await GetAsync(CrmObject.Opportunity, opportunity))[CrmFields.Stage], Is.EqualTo(to));
        }
    }

    [TestCase("Prospecting", "Negotiation")]
    [TestCase("Negotiation", "Prospecting")]
    [TestCase("Value Proposition", "Closed Won")]
    [TestCase("Closed Won", "Closed Lost")]
    [TestCase("Closed Lost", "Prospecting")]
    [TestCase("Prospecting", "Sold")]
    public async Task Should_refuse_a_move_that_the_sales_process_does_not_have(string from, string to)
    {
        var opportunity = await OpportunityAsync(from);

        var refusal = await RefusedAsync(Stage(opportunity, to));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(refusal, Does.StartWith(CrmCodes.InvalidStage + ":"));
            Assert.That((await GetAsync(CrmObject.Opportunity, opportunity))[CrmFields.Stage], Is.EqualTo(from));
        }
    }

    [Test]
    public async Task Should_leave_an_opportunity_in_the_stage_where_it_is()
    {
        var run = await DoneAsync(Stage(await OpportunityAsync("Negotiation"), "Negotiation"));

        Assert.That(run.Effects.Single().State, Is.EqualTo(EffectState.Unchanged));
    }

    [Test]
    public async Task Should_set_the_value_of_an_opportunity_once()
    {
        var opportunity = await OpportunityAsync("Qualification");
        var value = Step("set_opportunity_value", $$"""{"opportunityId":"{{opportunity}}","amount":42000,"currency":"EUR"}""");

        _ = await DoneAsync(value);
        var again = await DoneAsync(value);

        var record = await GetAsync(CrmObject.Opportunity, opportunity);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((decimal.Parse(record[CrmFields.Amount]!, System.Globalization.CultureInfo.InvariantCulture), record[CrmFields.Currency]), Is.EqualTo((42000m, "EUR")));
            Assert.That(again.Effects.Single().State, Is.EqualTo(EffectState.Unchanged));
        }
    }

    [TestCase("Qualification", "0", "EUR", CrmCodes.InvalidArguments)]
    [TestCase("Qualification", "-5", "EUR", CrmCodes.InvalidArguments)]
    [TestCase("Qualification", "5", "eur", CrmCodes.InvalidArguments)]
    [TestCase("Closed Won", "5", "EUR", CrmCodes.InvalidStage)]
    public async Task Should_refuse_a_value_that_makes_no_sense(string stage, string amount, string currency, string code)
    {
        var opportunity = await OpportunityAsync(stage);

        Assert.That(await RefusedAsync(Step("set_opportunity_value", $$"""{"opportunityId":"{{opportunity}}","amount":{{amount}},"currency":"{{currency}}"}""")), Does.StartWith(code + ":"));
    }

    [Test]
    public async Task Should_make_a_lead_a_member_of_a_campaign()
    {
        var (lead, campaign) = (await KnownLeadAsync(), await CampaignAsync());
        if (!await HasAsync(CrmCapability.Campaigns, () => Task.FromResult(Campaign(lead, campaign))))
            return;

        _ = await DoneAsync(Campaign(lead, campaign));

        Assert.That((await OfLeadAsync(CrmObject.CampaignMember, lead)).Single()[CrmFields.Campaign], Is.EqualTo(campaign));
    }

    [Test]
    public async Task Should_refuse_a_campaign_that_does_not_exist()
    {
        if (Under.Lacks.Contains(CrmCapability.Campaigns))
            return;

        Assert.That(await RefusedAsync(Campaign(await KnownLeadAsync(), $"no {Word}")), Does.StartWith(CrmCodes.UnknownCampaign + ":"));
    }

    [Test]
    public async Task Should_tie_a_task_to_the_lead_and_to_an_opportunity_of_the_same_plan()
    {
        var (lead, account) = (await KnownLeadAsync(), await AccountAsync());

        var run = await DoneAsync(
            Opportunity(lead, account),
            Step("create_task", $$"""{"leadId":"{{lead}}","opportunityId":"$steps.create_opportunity.recordId","subject":"AI Qualified Lead Review","priority":"High","dueDate":"2026-03-04","description":"Why."}"""));

        var task = (await Under.ListAsync(CrmObject.Task)).Single(t => t.Id == run.Record("create_task"));
        using (Assert.EnterMultipleScope())
        {
            Assert.That((task[CrmFields.Lead], task[CrmFields.Opportunity]), Is.EqualTo((lead, Under.Lacks.Contains(CrmCapability.TasksOfTwo) ? null : run.Record("create_opportunity"))));
            Assert.That((task[CrmFields.Subject], task[CrmFields.Priority], task[CrmFields.DueDate], task[CrmFields.Body]), Is.EqualTo(("AI Qualified Lead Review", "High", "2026-03-04", "Why.")));
        }
    }

    [Test]
    public async Task Should_move_a_day_that_has_passed_to_today()
    {
        var run = await DoneAsync(Step("create_follow_up", $$"""{"leadId":"{{await KnownLeadAsync()}}","subject":"Call","dueDate":"2026-01-01"}"""));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await GetAsync(CrmObject.Task, run.Record("create_follow_up")))[CrmFields.DueDate], Is.EqualTo("2026-03-03"));
            Assert.That(run.Effect("create_follow_up").Warning, Does.Contain("2026-01-01"));
        }
    }

    [TestCase("log_activity", "subject", CrmObject.Activity)]
    [TestCase("add_note", "title", CrmObject.Note)]
    public async Task Should_append_an_entry_with_every_run_and_change_none(string tool, string heading, CrmObject kind)
    {
        var lead = await KnownLeadAsync();
        var entry = Step(tool, $$"""{"leadId":"{{lead}}","{{heading}}":"Lead analysed","body":"Why."}""");

        var first = await DoneAsync(entry);
        var version = (await GetAsync(kind, first.Record(tool))).Version;
        _ = await DoneAsync(entry);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await OfLeadAsync(kind, lead), Has.Count.EqualTo(2));
            Assert.That((await GetAsync(kind, first.Record(tool))).Version, Is.EqualTo(version));
        }
    }

    [Test]
    public async Task Should_find_what_a_step_made_by_its_effect_key()
    {
        var (lead, account) = (await KnownLeadAsync(), await AccountAsync());
        var run = await DoneAsync(Opportunity(lead, account), ContactOf(account, $"guest@{Domain}"), ATask(lead), Activity(lead), Note(lead));

        var found = (await Under.Crm.ReadAsync(new CrmQuery
        {
            Effects = [.. run.Effects.Select(e => (e.Object!.Value, e.EffectKey)), (CrmObject.Task, "nobody's key")],
        }, CancellationToken.None)).Effects;

        Assert.That(found.ToDictionary(f => f.Key, f => f.Value.Id), Is.EquivalentTo(run.Effects.ToDictionary(e => e.EffectKey, e => e.RecordId!)));
    }

    private static readonly string[] Hostile =
    [
        "Prototype Labs; SELECT Id FROM Lead", "O'Brien \"Bob\" \\ Sons", "back\\slash \\' \\\" \\n", "Robert'); DROP TABLE crm_leads;--",
        "<script>alert(1)</script> & <b>bold</b>", "{{lead.email}} ${env} $steps.x.recordId @create", "ends with a backslash \\",
        "Zoë 🚀 Ünïcødé 株式会社", "\u05E9\u05DC\u05D5\u05DD and العربية", "100% _like_ [a-z]* ?", "line one\nline two\ttab",
    ];

    [TestCaseSource(nameof(Hostile))]
    public async Task Should_keep_a_hostile_note_as_it_is(string text)
    {
        var lead = await KnownLeadAsync();

        var run = await DoneAsync(Step("add_note", new System.Text.Json.Nodes.JsonObject { ["leadId"] = lead, ["title"] = "What they said", ["body"] = text }.ToJsonString()));

        Assert.That((await GetAsync(CrmObject.Note, run.Record("add_note")))[CrmFields.Body], Is.EqualTo(text));
    }

    [TestCaseSource(nameof(Hostile))]
    public async Task Should_find_a_company_with_a_hostile_name_again(string text)
    {
        var name = $"{Word} {text.ReplaceLineEndings(" ").Replace('\t', ' ')}";
        var lead = await KnownLeadAsync();
        var match = Step("match_account", new System.Text.Json.Nodes.JsonObject { ["leadId"] = lead, ["company"] = name, ["createIfMissing"] = true }.ToJsonString());

        var first = await DoneAsync(match);
        var again = await DoneAsync(match);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await AccountsAsync()).Single()[CrmFields.Name], Is.EqualTo(name));
            Assert.That(again.Record("match_account"), Is.EqualTo(first.Record("match_account")));
        }
    }

    private Contracts.PlanStep Opportunity(string lead, string account, decimal? amount = null) => Step("create_opportunity", $$"""
        {"leadId":"{{lead}}","accountId":"{{account}}","name":"{{Word}} – Inbound","stage":"Prospecting","closeDate":"2026-06-03","intent":"High Fit","score":90
         {{(amount is { } a ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $",\"amount\":{a},\"currency\":\"EUR\"") : "")}} }
        """);

    private static Contracts.PlanStep Stage(string opportunity, string stage) => Step("update_opportunity_stage", $$"""{"opportunityId":"{{opportunity}}","stage":"{{stage}}"}""");

    private static Contracts.PlanStep Campaign(string lead, string campaign) => Step("attach_campaign", $$"""{"leadId":"{{lead}}","campaignId":"{{campaign}}"}""");

    private static Contracts.PlanStep ATask(string lead, bool critical = false) => Step("create_task", $$"""{"leadId":"{{lead}}","subject":"Call","dueDate":"2026-03-04"}""", critical);

    private static Contracts.PlanStep Activity(string lead) => Step("log_activity", $$"""{"leadId":"{{lead}}","subject":"Lead analysed","body":"Why."}""");

    private static Contracts.PlanStep Note(string lead) => Step("add_note", $$"""{"leadId":"{{lead}}","title":"Why","body":"Because."}""");

    private Task<string> CampaignAsync() => Under.CreateAsync(CrmObject.Campaign, (CrmFields.Name, $"Spring {Word}"), (CrmFields.Status, "Active"));
}
