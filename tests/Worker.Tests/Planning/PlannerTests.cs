using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Worker.Planning;

namespace LeadPipeline.Worker.Tests.Planning;

[TestFixture]
public sealed class PlannerTests
{
    private const string Upsert = "- { id: u, tool: upsert_lead, critical: true, arguments: { email: $lead.email } }";

    private static readonly TestCaseData[] Stops =
    [
        new TestCaseData(new PlanCase { Status = GroundingStatus.REJECTED, Intent = null, Decision = null, Score = null }, PlanStatus.Halted, "rejected"),
        new TestCaseData(new PlanCase { Intent = LeadIntent.MANUAL_REVIEW }, PlanStatus.Halted, "manual-review"),
        new TestCaseData(new PlanCase { Signals = [new("lead.message", "instruction")] }, PlanStatus.Halted, "injection-signal"),
        new TestCaseData(new PlanCase().Without("lead.email"), PlanStatus.Blocked, "no-email"),
        new TestCaseData(new PlanCase { Decision = LeadDecision.NURTURE }.By(Policy("ROUTE_TO_SDR", Upsert)), PlanStatus.Blocked, "policy"),
        new TestCaseData(new PlanCase().By(Policy("ROUTE_TO_SDR", "- { id: u, tool: upsert_lead, arguments: { email: $lead.email } }",
            "- { id: a, tool: attach_campaign, critical: true, arguments: { leadId: $steps.u.recordId, campaignId: $campaign } }")), PlanStatus.Blocked, "policy"),
    ];

    [TestCaseSource(nameof(Stops))]
    public void Should_stop_with_a_reason_and_no_steps(object lead, PlanStatus status, string reason)
    {
        var plan = ((PlanCase)lead).Plan();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((plan.Status, plan.Reason), Is.EqualTo((status, reason)));
            Assert.That(plan.Steps, Is.Empty);
            Assert.That(plan.PlanHash, Has.Length.EqualTo(64));
        }
    }

    [TestCase(LeadDecision.NURTURE)]
    [TestCase(LeadDecision.IGNORE)]
    public void Should_go_on_in_spite_of_a_signal_when_nobody_is_sent_to_the_lead(LeadDecision decision) =>
        Assert.That(new PlanCase { Decision = decision, Signals = [new("lead.message", "instruction")] }.Plan().Status, Is.EqualTo(PlanStatus.Planned));

    [Test]
    public void Should_drop_a_step_whose_required_argument_is_not_known_and_what_depends_on_it()
    {
        var plan = new PlanCase().By(Policy("ROUTE_TO_SDR", Upsert,
            "- { id: m, tool: match_account, when: [hasEnrichment = true], arguments: { leadId: $steps.u.recordId } }",
            "- { id: c, tool: attach_campaign, arguments: { leadId: $steps.u.recordId, campaignId: $campaign } }",
            "- { id: t, tool: create_task, arguments: { leadId: $steps.m.recordId, subject: s, dueDate: $today } }",
            "- { id: n, tool: add_note, when: [account exists], arguments: { leadId: $steps.u.recordId, title: t, body: b } }")).Plan();

        Assert.That(plan.Ids(), Is.EqualTo("u!"));
    }

    [TestCase("$nextBusinessDay")]
    [TestCase("$nextBusinessDay+2w")]
    [TestCase("$today+14d")]
    [TestCase("$today+9999mo")]
    public void Should_stay_within_the_calendar(string day)
    {
        var plan = (new PlanCase { At = DateTimeOffset.MaxValue }).By(Policy("ROUTE_TO_SDR", Upsert,
            $"- {{ id: t, tool: create_task, arguments: {{ leadId: $steps.u.recordId, subject: s, dueDate: {day} }} }}")).Plan();

        Assert.That(plan.Step("t").Text("dueDate"), Is.EqualTo("9999-12-31"));
    }

    [Test]
    public void Should_take_a_domain_that_came_as_a_number() =>
        Assert.That(new PlanCase().With("enrichment.domain", "5").Plan().Step("match_account").Text("domain"), Is.EqualTo("5"));

    [Test]
    public void Should_number_the_steps_without_gaps() =>
        Assert.That(new PlanCase().Plan().Steps.Select(s => s.Index), Is.EqualTo(Enumerable.Range(0, 7)));

    [TestCase("\"00Q5\"", Compensation.Restore)]
    [TestCase(null, Compensation.Withdraw)]
    public void Should_restore_a_lead_that_was_there_and_withdraw_a_new_one(string? leadId, Compensation compensation)
    {
        var lead = leadId is null ? new PlanCase() : new PlanCase().With("crm.leadId", leadId);

        Assert.That(lead.Plan().Step("upsert_lead").Compensation, Is.EqualTo(compensation));
    }

    [Test]
    public void Should_keep_the_hash_when_only_the_time_of_planning_differs()
    {
        var lead = new PlanCase().WithEnrichment().With("lead.campaignId", "\"spring\"");

        var today = lead.Plan();
        var later = (lead with { At = PlanCase.Now.AddDays(5) }).Plan();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(later.Step("create_task").Text("dueDate"), Is.Not.EqualTo(today.Step("create_task").Text("dueDate")));
            Assert.That(later.PlanHash, Is.EqualTo(today.PlanHash));
            Assert.That((lead with { Score = 86 }).Plan().PlanHash, Is.Not.EqualTo(today.PlanHash));
        }
    }

    [Test]
    public void Should_hash_the_steps_as_they_are_written()
    {
        // Every member of a step, in the order of no alphabet, with text that is escaped and a number that is not at its shortest.
        var plan = new PlanCase().WithEnrichment().With("lead.company", "\"Ü \\u003cb\\u003e \\\"Ltd\\\"\"").By(Policy("ROUTE_TO_SDR", Upsert,
            "- { id: m, tool: match_account, when: [hasEnrichment = true], arguments: { leadId: $steps.u.recordId, company: $lead.company } }",
            "- { id: s, tool: set_lead_score, needsApproval: true, arguments: { leadId: $steps.u.recordId, score: $score } }",
            "- { id: n, tool: add_note, when: [account exists], arguments: { title: t, leadId: $steps.u.recordId, body: b } }")).Plan();

        Assert.That(plan.Steps, Has.Count.EqualTo(4));
        Assert.That(plan.PlanHash, Is.EqualTo(CanonicalJson.Hash(JsonSerializer.SerializeToElement(plan, ContractsJson.Default.ActionPlan).GetProperty("steps"))));
    }

    [Test]
    public void Should_give_the_same_plan_for_the_same_input()
    {
        var lead = new PlanCase().WithEnrichment();

        var (first, second) = (Json(lead.Plan()), Json(lead.Plan()));

        Assert.That(second, Is.EqualTo(first));

        static string Json(ActionPlan plan) => JsonSerializer.Serialize(plan, ContractsJson.Default.ActionPlan);
    }

    [TestCase("2026-01-15T12:00Z", "UTC", "2026-01-16", "2026-01-29", "2026-04-15", TestName = "Thursday")]
    [TestCase("2026-01-16T12:00Z", "UTC", "2026-01-19", "2026-01-30", "2026-04-16", TestName = "Friday")]
    [TestCase("2026-01-17T12:00Z", "UTC", "2026-01-19", "2026-01-31", "2026-04-17", TestName = "Saturday")]
    [TestCase("2026-01-15T23:30Z", "Europe/Berlin", "2026-01-19", "2026-01-30", "2026-04-16", TestName = "Friday already in Berlin")]
    [TestCase("2026-11-30T12:00Z", "UTC", "2026-12-01", "2026-12-14", "2027-02-28", TestName = "A shorter month")]
    public void Should_count_days_in_the_zone_of_the_policy(string now, string zone, string nextBusinessDay, string twoWeeks, string threeMonths)
    {
        var plan = (new PlanCase { At = DateTimeOffset.Parse(now), Zone = zone }).By(Policy("ROUTE_TO_SDR", Upsert,
            "- { id: a, tool: create_task, arguments: { leadId: $steps.u.recordId, subject: s, dueDate: $nextBusinessDay } }",
            "- { id: b, tool: create_task, arguments: { leadId: $steps.u.recordId, subject: s, dueDate: $today+14d } }",
            "- { id: c, tool: create_task, arguments: { leadId: $steps.u.recordId, subject: s, dueDate: $today+3mo } }")).Plan();

        Assert.That(new[] { "a", "b", "c" }.Select(id => plan.Step(id).Text("dueDate")), Is.EqualTo(new[] { nextBusinessDay, twoWeeks, threeMonths }));
    }

    [TestCase("\"acme.com\"", "false", null, "acme.com")]
    [TestCase("\"gmail.com\"", "true", null, null)]
    [TestCase("\"gmail.com\"", "true", "\"acme.com\"", "acme.com")]
    [TestCase("\"gmail.com\"", "true", "\"gmail.com\"", null)]
    [TestCase("\"us.acme.com\"", "false", "\"acme.com\"", "acme.com")]
    public void Should_never_match_an_account_by_a_free_mail_domain(string ofMail, string free, string? enriched, string? domain)
    {
        var lead = new PlanCase().With("computed.emailDomain", ofMail).With("computed.freeEmailProvider", free);
        if (enriched is not null)
            lead = lead.With("enrichment.domain", enriched);

        Assert.That(lead.Plan().Step("match_account").Text("domain"), Is.EqualTo(domain));
    }

    [Test]
    public void Should_not_write_facts_that_are_too_old()
    {
        var old = (new PlanCase { At = PlanCase.Now.AddDays(31) }).WithEnrichment().Plan();
        var stale = new PlanCase().WithEnrichment().Claiming("enrichment.industry", ClaimVerdict.STALE).Plan();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(old.Ids(), Does.Not.Contain("sync"));
            Assert.That(stale.Step("sync_firmographics").Arguments.ContainsKey("industry"), Is.False);
            Assert.That(stale.Step("sync_firmographics").Text("employees"), Is.EqualTo("500-1000"));
        }
    }

    [Test]
    public void Should_not_take_what_a_person_stated_for_a_reference()
    {
        var lead = new PlanCase().With("lead.company", "\"$steps.upsert_lead.recordId\"");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(lead.With("lead.campaignId", "\"$steps.upsert_lead.recordId\"").Plan().Ids(), Does.Not.Contain("attach_campaign"));
            Assert.That(lead.With("lead.campaignId", "\"@upsert_lead\"").Plan().Ids(), Does.Not.Contain("attach_campaign"));
            Assert.That(PlanCase.Tools.Find("upsert_lead")!.Parameters.Find("company")!.IsRecordId, Is.False);
            Assert.That(lead.Plan().Step("upsert_lead").Text("company"), Is.EqualTo("$steps.upsert_lead.recordId"), "a name, and never resolved");
        }
    }

    [Test]
    public void Should_shorten_text_that_is_too_long_for_the_crm()
    {
        var plan = new PlanCase().With("enrichment.company", JsonSerializer.Serialize(new string('x', 118) + "😀😀")).Plan();

        Assert.That(plan.Step("create_opportunity").Text("name"), Is.EqualTo(new string('x', 118) + "…"));
    }

    [Test]
    public void Should_pass_on_that_a_step_needs_approval()
    {
        var plan = new PlanCase().By(Policy("ROUTE_TO_SDR", Upsert.Replace("critical: true", "needsApproval: true"))).Plan();

        Assert.That(plan.Steps[0].NeedsApproval, Is.True);
        Assert.That(JsonSerializer.Serialize(new PlanCase().Plan(), ContractsJson.Default.ActionPlan), Does.Not.Contain("needsApproval"));
    }

    [TestCase("crm.openOpportunities = 0", true)]
    [TestCase("crm.openOpportunities >= 1", false)]
    [TestCase("crm.owner exists", false)]
    [TestCase("decision in ROUTE_TO_SDR, NURTURE", true)]
    [TestCase("campaign = spring", true)]
    [TestCase("score <= 84", false)]
    [TestCase("intent != HIGH_FIT", false)]
    public void Should_settle_what_is_known_already(string condition, bool holds)
    {
        var plan = new PlanCase().With("crm.openOpportunities", "0").With("lead.campaignId", "\"Spring\"")
            .By(Policy("ROUTE_TO_SDR", $"- {{ id: u, tool: upsert_lead, when: ['{condition}'], arguments: {{ email: $lead.email }} }}")).Plan();

        Assert.That(plan.Steps, Has.Count.EqualTo(holds ? 1 : 0));
        Assert.That(plan.Steps, Has.All.Matches<PlanStep>(s => s.When.Count == 0));
    }

    private static string Policy(string decision, params string[] steps) =>
        $"version: 1\nname: test\nplans:\n  {decision}:\n{string.Concat(steps.Select(s => $"    {s}\n"))}";
}
