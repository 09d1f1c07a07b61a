using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Mock;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Approvals;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Execution;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.MockCrm;
using LeadPipeline.Worker.Storage.Sql;
using LeadPipeline.Worker.Tests.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Tests.Execution;

[TestFixture]
public sealed class When_guards_hold_a_plan : PlannedLeads
{
    private PlanAdmission admission = null!;
    private ApprovalStore approvals = null!;

    [SetUp]
    public void StartGuards()
    {
        admission = Admission(new Closed(), (0, 0, 0));
        approvals = new ApprovalStore(Database.Sql, Store, Cipher, Time, TimeSpan.FromHours(24));
    }

    [Test]
    public async Task Should_wait_for_a_limit_and_use_up_no_try()
    {
        var begun = Time.GetUtcNow();
        var (first, second) = (await PlannedAsync("a"), await PlannedAsync("b"));
        await using var limiter = new RateLimiter(Database.Sql, Time);
        admission = Admission(limiter, (0, 1, 0));
        await HandleAsync(first, "");
        await HandleAsync(second, "");
        var waiting = (await Store.LoadAsync(second.Saga.LeadId))!.Saga;
        Time.Advance(waiting.DueAt!.Value - Time.GetUtcNow());

        await HandleAsync(second, "");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((waiting.Status, waiting.Reason, waiting.Failures), Is.EqualTo((LeadStatus.Deferred, "rate-limited-account", 0)));
            Assert.That(waiting.DueAt - begun, Is.EqualTo(TimeSpan.FromMinutes(1)).Within(TimeSpan.FromSeconds(3)));
            Assert.That(await KindsAsync(second), Does.Contain("guard.rate_limited"));
            Assert.That(await StatusAsync(second), Is.EqualTo((LeadStatus.Completed, (string?)null)));
        }
    }

    [Test]
    public async Task Should_not_ask_a_limit_when_the_plan_is_under_way_or_being_undone()
    {
        var (crashed, failing) = (await PlannedAsync(), await PlannedAsync());
        await HandleAsync(failing, "create_task=permanent@1;upsert_lead=rate_limited@2");
        var undoing = await StatusAsync(failing);
        _ = await Store.ApplyAsync(crashed, new SagaMessage.EpochOpened(1, 0, 99), []);
        Time.Advance(TimeSpan.FromMinutes(1));
        admission = Admission(new Closed(), (1, 1, 1));

        await HandleAsync(crashed, "");
        await HandleAsync(failing, "");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(undoing.Item1, Is.EqualTo(LeadStatus.Deferred), "the undo has to wait for the CRM");
            Assert.That(await StatusAsync(crashed), Is.EqualTo((LeadStatus.Completed, (string?)null)));
            Assert.That(await StatusAsync(failing), Is.EqualTo((LeadStatus.Compensated, CrmCodes.Permanent)));
        }
    }

    [TestCase("ROUTE_TO_SDR", LeadStatus.Completed)]
    [TestCase("NURTURE", LeadStatus.Deferred)]
    public async Task Should_keep_the_last_calls_of_a_day_for_leads_that_are_routed(string decision, LeadStatus status)
    {
        var work = await PlannedAsync(decision: decision);
        admission = Admission(new Closed(), (0, 0, 0), new Allowance(new CrmAllowance(91, 100, Time.GetUtcNow())));

        await HandleAsync(work, "");

        Assert.That((await StatusAsync(work)).Item1, Is.EqualTo(status));
    }

    [Test]
    public async Task Should_go_on_after_an_allowance_was_used_up_though_nobody_has_called_since()
    {
        var work = await PlannedAsync();
        admission = Admission(new Closed(), (0, 0, 0), new Allowance(new CrmAllowance(100, 100, Time.GetUtcNow())));
        await HandleAsync(work, "");
        var waiting = (await Store.LoadAsync(work.Saga.LeadId))!.Saga;
        Time.Advance(waiting.DueAt!.Value - Time.GetUtcNow());

        await HandleAsync(work, "");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((waiting.Status, waiting.Reason), Is.EqualTo((LeadStatus.Deferred, "rate-limited-crm")));
            Assert.That(await StatusAsync(work), Is.EqualTo((LeadStatus.Completed, (string?)null)));
        }
    }

    [Test]
    public async Task Should_send_only_once_what_the_crm_took_before_an_answer_was_lost()
    {
        var work = await PlannedAsync();
        var crm = new Interrupted(new MockCrm(Records, MockFaults.Parse("create_task=drop_after_accept@1"), () => TimeSpan.Zero, Time), () => Task.CompletedTask);

        await HandleAsync(work, crm);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await StatusAsync(work), Is.EqualTo((LeadStatus.Completed, (string?)null)));
            Assert.That(crm.Written.Count(s => s == "upsert_lead"), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_block_a_plan_whose_analysis_was_never_grounded()
    {
        var work = await PlannedAsync(grounding: null);

        await HandleAsync(work, "");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await StatusAsync(work), Is.EqualTo((LeadStatus.Blocked, "safety-grounding")));
            Assert.That(await KindsAsync(work), Does.Contain("guard.safety_blocked"));
            Assert.That((await FindAsync(work)).Leads, Is.Empty);
        }
    }

    [Test]
    public async Task Should_do_what_comes_before_an_approval_and_wait_for_it()
    {
        var work = await PlannedAsync(needsApproval: true);

        await HandleAsync(work, "");

        var saga = (await Store.LoadAsync(work.Saga.LeadId))!.Saga;
        var request = await RequestAsync(work);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((saga.Status, saga.Reason, saga.Failures, saga.DueAt), Is.EqualTo((LeadStatus.Deferred, "approval-required", 0, (DateTimeOffset?)request.Approval.ExpiresAt)));
            Assert.That(await StatesAsync(work), Is.EqualTo(new[] { "upsert_lead confirmed", "create_task planned" }));
            Assert.That((request.Approval.Operation, request.Approval.State), Is.EqualTo(("create_task", ApprovalState.Open)));
            Assert.That(request.Content!.Arguments["leadId"]!.GetValue<string>(), Is.EqualTo((await FindAsync(work)).Leads[0].Id), "the arguments are complete");
        }
    }

    [Test]
    public async Task Should_go_on_at_once_when_it_is_approved_and_use_the_approval()
    {
        var work = await PlannedAsync(needsApproval: true);
        await HandleAsync(work, "");
        var request = await RequestAsync(work);
        _ = await approvals.ActAsync(request.Approval.Id, new ApprovalAct.Approve("bob"), CancellationToken.None);
        var due = (await Store.LoadAsync(work.Saga.LeadId))!.Saga.DueAt;

        await HandleAsync(work, "");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(due, Is.LessThanOrEqualTo(Time.GetUtcNow()));
            Assert.That(await StatusAsync(work), Is.EqualTo((LeadStatus.Completed, (string?)null)));
            Assert.That((await RequestAsync(work)).Approval.State, Is.EqualTo(ApprovalState.Used));
            Assert.That((await KindsAsync(work)).Where(k => k.StartsWith("approval", StringComparison.Ordinal)), Is.EqualTo(new[] { "approval.requested", "approval.approved", "approval.used" }));
            Assert.That(await ChainAsync(work), Is.Null);
        }
    }

    [Test]
    public async Task Should_not_ask_again_for_a_step_whose_answer_was_lost()
    {
        var work = await PlannedAsync(needsApproval: true);
        await HandleAsync(work, "");
        _ = await approvals.ActAsync((await RequestAsync(work)).Approval.Id, new ApprovalAct.Approve("bob"), CancellationToken.None);

        await HandleAsync(work, "create_task=rate_limited@1");
        Time.Advance(TimeSpan.FromMinutes(1));
        await HandleAsync(work, "");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await StatusAsync(work), Is.EqualTo((LeadStatus.Completed, (string?)null)));
            Assert.That(await approvals.OfRunAsync(work.Saga.LeadId, 1, CancellationToken.None), Has.Count.EqualTo(1));
        }
    }

    [TestCase(true, "deny", LeadStatus.Compensated, "approval_denied", "not_needed")]
    [TestCase(true, "wait", LeadStatus.Compensated, "approval_expired", "not_needed")]
    [TestCase(false, "deny", LeadStatus.Completed, null, "skipped")]
    [TestCase(false, "wait", LeadStatus.Completed, null, "skipped")]
    public async Task Should_do_without_a_step_that_nobody_allows(bool critical, string what, LeadStatus status, string? reason, string state)
    {
        var work = await PlannedAsync(needsApproval: true, critical: critical);
        await HandleAsync(work, "");
        if (what == "deny")
            _ = await approvals.ActAsync((await RequestAsync(work)).Approval.Id, new ApprovalAct.Deny("bob", null), CancellationToken.None);
        else
            Time.Advance(TimeSpan.FromHours(24));

        await HandleAsync(work, "");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await StatusAsync(work), Is.EqualTo((status, reason)));
            Assert.That((await StatesAsync(work))[1], Is.EqualTo("create_task " + (critical ? "failed" : state)));
            Assert.That((await RequestAsync(work)).Approval.State, Is.EqualTo(what == "deny" ? ApprovalState.Denied : ApprovalState.Expired));
            Assert.That((await FindAsync(work)).Leads, Has.Count.EqualTo(critical ? 0 : 1));
        }
    }

    private Task HandleAsync(LeadWork work, string faults) => HandleAsync(work, new MockCrm(Records, MockFaults.Parse(faults), () => TimeSpan.Zero, Time));

    private async Task HandleAsync(LeadWork work, ICrm crm)
    {
        await using var worker = new OnlyWorker(Database.Sql, Time);
        await worker.StartAsync(CancellationToken.None);
        var executor = new PlanExecutor(ToolRegistry.Default(), crm, Time, new InPlaceRetry { BaseDelay = TimeSpan.Zero }, Cipher.RecordKey);
        var handler = new ExecutePlanHandler(new ExecutionServices(Store, executor, worker, admission, approvals, Options.Create(new DeferralOptions()), Time, NullLogger<ExecutePlanHandler>.Instance));
        await handler.HandleAsync(new StageCommand(work.Saga.LeadId, LeadStage.Execution, 1, 0), CancellationToken.None);
    }

    private Task<LeadWork> PlannedAsync(string? name = null, string? grounding = "VALID", bool needsApproval = false, bool critical = true, string decision = "NURTURE") =>
        PlannedAsync(
            lead =>
            [
                new PlanStep { Id = "upsert_lead", Index = 0, Tool = "upsert_lead", Critical = true, Compensation = Compensation.Withdraw, Arguments = new JsonObject { ["email"] = lead.Email } },
                new PlanStep { Id = "create_task", Index = 1, Tool = "create_task", Critical = critical, NeedsApproval = needsApproval, Compensation = Compensation.Cancel, Arguments = new JsonObject { ["leadId"] = "$steps.upsert_lead.recordId", ["subject"] = "Call", ["dueDate"] = "2026-03-04" } },
            ],
            name is null ? null : $"{name}@acme.example", grounding, decision);

    private async Task<StoredApproval> RequestAsync(LeadWork work) =>
        (await approvals.FindAsync((await approvals.OfRunAsync(work.Saga.LeadId, 1, CancellationToken.None)).Single().Id, CancellationToken.None))!;

    private async Task<List<string>> StatesAsync(LeadWork work) =>
        (await Store.EffectsAsync(work.Saga.LeadId, 1, CancellationToken.None)).ConvertAll(e => $"{e.Step} {e.State}");

    private PlanAdmission Admission(IRateLimiter limiter, (int, int, int) limits, ICrmAllowance? quota = null) =>
        new(limiter, limits, domain => domain, quota, Time, NullLogger<PlanAdmission>.Instance);

    private sealed record Allowance(CrmAllowance? Left) : ICrmAllowance;

    /// <summary>Refuses to be asked.</summary>
    private sealed class Closed : IRateLimiter
    {
        public Task<RateAnswer> AskAsync(RateRequest request) => throw new InvalidOperationException("nobody was to ask");
    }
}
