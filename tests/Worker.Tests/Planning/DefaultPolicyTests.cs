using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Worker.Planning;

namespace LeadPipeline.Worker.Tests.Planning;

[TestFixture]
public sealed class DefaultPolicyTests
{
    private const string Routed = "upsert_lead! log_activity set_lead_score set_intent_level match_account create_task!";
    private const string Nurtured = "upsert_lead! log_activity set_lead_score set_intent_level create_follow_up";
    private const string Ignored = "upsert_lead! log_activity add_note";
    private const string Sync = " sync_firmographics sync_enrichment_metadata";

    [TestCase(LeadDecision.ROUTE_TO_SDR, LeadIntent.HIGH_FIT, 75, false, Routed + " create_opportunity")]
    [TestCase(LeadDecision.ROUTE_TO_SDR, LeadIntent.HIGH_FIT, 74, false, Routed)]
    [TestCase(LeadDecision.ROUTE_TO_SDR, LeadIntent.MEDIUM_FIT, 90, true, Routed + " attach_campaign" + Sync)]
    [TestCase(LeadDecision.ROUTE_TO_SDR, LeadIntent.HIGH_FIT, 90, true, Routed + " create_opportunity attach_campaign" + Sync)]
    [TestCase(LeadDecision.NURTURE, LeadIntent.MEDIUM_FIT, 50, false, Nurtured)]
    [TestCase(LeadDecision.NURTURE, LeadIntent.HIGH_FIT, 90, true, Nurtured + Sync)]
    [TestCase(LeadDecision.IGNORE, LeadIntent.LOW_FIT, 10, false, Ignored)]
    [TestCase(LeadDecision.IGNORE, LeadIntent.LOW_FIT, 10, true, Ignored + Sync)]
    public void Should_plan_in_this_order(LeadDecision decision, LeadIntent intent, int score, bool full, string steps)
    {
        var lead = new PlanCase { Decision = decision, Intent = intent, Score = score };

        var plan = (full ? lead.WithEnrichment().With("lead.campaignId", "\"spring\"") : lead).Plan();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((plan.Status, plan.Reason), Is.EqualTo((PlanStatus.Planned, (string?)null)));
            Assert.That(plan.Ids(), Is.EqualTo(steps));
            Assert.That(plan.Steps, Has.All.Matches<PlanStep>(s => s.Id == s.Tool));
        }
    }

    [Test]
    public void Should_write_every_argument_as_the_tool_takes_it()
    {
        foreach (var decision in Enum.GetValues<LeadDecision>())
        {
            var plan = new PlanCase { Decision = decision }.WithEnrichment().With("lead.campaignId", "\"spring\"").Plan();

            foreach (var step in plan.Steps)
                Assert.That(PlanCase.Tools.Find(step.Tool)!.Parameters.Validate(step.Arguments), Is.Empty, step.Id);
        }
    }

    [Test]
    public void Should_give_sales_a_task_for_the_next_business_day()
    {
        var task = new PlanCase().WithEnrichment().Claiming("enrichment.industry").Plan().Step("create_task");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(task.Text("subject"), Is.EqualTo("AI Qualified Lead Review"));
            Assert.That(task.Text("priority"), Is.EqualTo("High"));
            Assert.That(task.Text("dueDate"), Is.EqualTo("2026-01-16"));
            Assert.That(task.Text("leadId"), Is.EqualTo("$steps.upsert_lead.recordId"));
            Assert.That(task.Text("description"), Is.EqualTo(
                "High Fit, score 85 of 100: handed to sales.\n\nWhat is known:\n- Industry: Robotics (company directory)"));
        }
    }

    [Test]
    public void Should_open_an_opportunity_only_when_the_run_finds_an_account_without_one()
    {
        var opportunity = new PlanCase().WithEnrichment().Plan().Step("create_opportunity");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(opportunity.When, Is.EqualTo(new[] { "account exists", "steps.match_account.openOpportunities = 0" }));
            Assert.That(opportunity.Text("name"), Is.EqualTo("Acme Robotics – Inbound"));
            Assert.That(opportunity.Text("stage"), Is.EqualTo("Prospecting"));
            Assert.That(opportunity.Text("closeDate"), Is.EqualTo("2026-04-15"));
            Assert.That(opportunity.Text("accountId"), Is.EqualTo("$steps.match_account.recordId"));
            Assert.That(opportunity.Arguments.ContainsKey("amount"), Is.False);
        }
    }

    [TestCase("\"Acme\"", "\"spring\"", "Acme – spring")]
    [TestCase("\"Acme\"", null, "Acme – Inbound")]
    [TestCase(null, null, "acme.com – Inbound")]
    public void Should_name_the_opportunity_after_company_and_campaign(string? company, string? campaign, string name)
    {
        var lead = new PlanCase().Without("lead.company");
        lead = company is null ? lead : lead.With("lead.company", company);
        lead = campaign is null ? lead : lead.With("lead.campaignId", campaign);

        Assert.That(lead.Plan().Step("create_opportunity").Text("name"), Is.EqualTo(name));
    }

    [Test]
    public void Should_create_an_account_only_when_there_is_enrichment()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(new PlanCase().Plan().Step("match_account").Arguments["createIfMissing"]!.GetValue<bool>(), Is.False);
            Assert.That(new PlanCase().WithEnrichment().Plan().Step("match_account").Arguments["createIfMissing"]!.GetValue<bool>(), Is.True);
        }
    }

    [Test]
    public void Should_write_the_true_values_and_where_they_came_from()
    {
        var plan = new PlanCase().WithEnrichment().Plan();

        var (facts, source) = (plan.Step("sync_firmographics").Arguments, plan.Step("sync_enrichment_metadata").Arguments);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(facts.ToJsonString(), Is.EqualTo(
                """{"leadId":"$steps.upsert_lead.recordId","industry":"Robotics","employees":"500-1000","techStack":"AWS; Kubernetes","foundedYear":2010}"""));
            Assert.That(source["provider"]!.GetValue<string>(), Is.EqualTo("directory"));
            Assert.That(source["enrichedAt"]!.GetValue<string>(), Is.EqualTo("2026-01-15T12:00:00Z"));
        }
    }

    [Test]
    public void Should_say_why_an_ignored_lead_is_not_pursued_and_disqualify_it()
    {
        var plan = new PlanCase { Decision = LeadDecision.IGNORE, Intent = LeadIntent.LOW_FIT, Score = 5 }
            .With("computed.icpScore", "12").Claiming("computed.icpScore").Claiming("lead.company", ClaimVerdict.UNTRUSTED_ONLY).Plan();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(plan.Step("upsert_lead").Text("status"), Is.EqualTo("Disqualified"));
            Assert.That(plan.Step("add_note").Text("body"), Does.StartWith("Low Fit, score 5 of 100: not pursued.")
                .And.Contain("Customer profile score (0 to 100): 12").And.Not.Contain("acme"));
        }
    }

    [Test]
    public void Should_follow_up_in_two_weeks() =>
        Assert.That(new PlanCase { Decision = LeadDecision.NURTURE }.Plan().Step("create_follow_up").Text("dueDate"), Is.EqualTo("2026-01-29"));

    [Test]
    public void Should_know_how_each_step_is_undone()
    {
        var plan = new PlanCase().WithEnrichment().With("lead.campaignId", "\"spring\"").Plan();

        Assert.That(plan.Steps.Select(s => s.Compensation), Is.EqualTo(new[]
        {
            Compensation.Withdraw, Compensation.Correct, Compensation.Restore, Compensation.Restore, Compensation.Withdraw,
            Compensation.Cancel, Compensation.Withdraw, Compensation.Withdraw, Compensation.Restore, Compensation.Restore,
        }));
    }
}
