using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Mock;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.TestKit;
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
public sealed class When_a_plan_is_executed : StorageFixture<SqliteStorage>
{
    private readonly FakeTimeProvider time = new(Now);
    private PlanAdmission admission = PlanAdmission.Open;
    private LeadStore store = null!;
    private MockCrmStore records = null!;

    [SetUp]
    public void Start()
    {
        admission = PlanAdmission.Open;
        store = new LeadStore(Database.Sql, new LeadCommitter(Database.Sql), Cipher, new NoSink(), time);
        records = new MockCrmStore(Database.Sql, time);
    }

    [TearDown]
    public async Task Stop()
    {
        await store.DisposeAsync();
        await records.DisposeAsync();
    }

    [Test]
    public async Task Should_complete_with_every_effect_confirmed()
    {
        var work = await PlannedAsync();

        await HandleAsync(work, "");
        await HandleAsync(work, "");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await StatusAsync(work), Is.EqualTo((LeadStatus.Completed, (string?)null)));
            Assert.That((await store.EffectsAsync(work.Saga.LeadId, 1, CancellationToken.None)).Select(e => e.State), Is.EqualTo(new[] { "confirmed", "confirmed" }));
            Assert.That((await FindAsync(work)).Leads, Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_be_compensated_when_a_critical_step_is_refused()
    {
        var work = await PlannedAsync();

        await HandleAsync(work, "create_task=permanent@1");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await StatusAsync(work), Is.EqualTo((LeadStatus.Compensated, CrmCodes.Permanent)));
            Assert.That((await FindAsync(work)).Leads, Is.Empty);
            Assert.That(await ChainAsync(work), Is.Null);
        }
    }

    [Test]
    public async Task Should_go_on_after_a_deferral_with_what_was_done()
    {
        var work = await PlannedAsync();
        await HandleAsync(work, "create_task=rate_limited@1");
        var waiting = await StatusAsync(work);
        time.Advance(TimeSpan.FromMinutes(1));

        await HandleAsync(work, "");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(waiting, Is.EqualTo((LeadStatus.Deferred, "crm-rate-limited")));
            Assert.That(await StatusAsync(work), Is.EqualTo((LeadStatus.Completed, (string?)null)));
            Assert.That((await FindAsync(work)).Leads, Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_wait_for_a_limit_and_use_up_no_try()
    {
        var begun = time.GetUtcNow();
        var (first, second) = (await PlannedAsync("a"), await PlannedAsync("b"));
        await using var limiter = new RateLimiter(Database.Sql, time);
        admission = new PlanAdmission(limiter, (0, 1, 0), domain => domain);
        await HandleAsync(first, "");
        await HandleAsync(second, "");
        var waiting = (await store.LoadAsync(second.Saga.LeadId))!.Saga;
        time.Advance(waiting.DueAt!.Value - time.GetUtcNow());

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
        _ = await store.ApplyAsync(crashed, new SagaMessage.EpochOpened(1, 0, 99), []);
        time.Advance(TimeSpan.FromMinutes(1));
        admission = new PlanAdmission(new Closed(), (1, 1, 1), domain => domain);

        await HandleAsync(crashed, "");
        await HandleAsync(failing, "");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(undoing.Item1, Is.EqualTo(LeadStatus.Deferred), "the undo has to wait for the CRM");
            Assert.That(await StatusAsync(crashed), Is.EqualTo((LeadStatus.Completed, (string?)null)));
            Assert.That(await StatusAsync(failing), Is.EqualTo((LeadStatus.Compensated, CrmCodes.Permanent)));
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
    public async Task Should_leave_the_lead_to_the_worker_that_took_it_over()
    {
        var work = await PlannedAsync();
        // While the first worker writes, another takes it for dead and opens an epoch of its own.
        var crm = new Interrupted(new MockCrm(records, MockFaults.Parse("create_task=permanent@1"), () => TimeSpan.Zero, time), async () =>
        {
            var other = (await store.LoadAsync(work.Saga.LeadId))!;
            _ = await store.ApplyAsync(other, new SagaMessage.EpochOpened(1, 1, 99), []);
        });

        await HandleAsync(work, crm);

        var saga = (await store.LoadAsync(work.Saga.LeadId))!.Saga;
        using (Assert.EnterMultipleScope())
        {
            Assert.That((saga.Status, saga.Epoch, saga.Owner), Is.EqualTo((LeadStatus.Executing, 2, (int?)99)));
            Assert.That((await store.EffectsAsync(work.Saga.LeadId, 1, CancellationToken.None)).Select(e => e.State), Is.All.EqualTo("sent"), "the ledger is the other one's now");
            Assert.That((await FindAsync(work)).Leads, Has.Count.EqualTo(1), "and so is the undoing");
        }
    }

    private Task HandleAsync(LeadWork work, string faults) => HandleAsync(work, new MockCrm(records, MockFaults.Parse(faults), () => TimeSpan.Zero, time));

    private async Task HandleAsync(LeadWork work, ICrm crm)
    {
        await using var worker = new OnlyWorker(Database.Sql, time);
        await worker.StartAsync(CancellationToken.None);
        var executor = new PlanExecutor(ToolRegistry.Default(), crm, time, new InPlaceRetry { BaseDelay = TimeSpan.Zero }, Cipher.RecordKey);
        var handler = new ExecutePlanHandler(new ExecutionServices(store, executor, worker, admission, Options.Create(new DeferralOptions()), time, NullLogger<ExecutePlanHandler>.Instance));
        await handler.HandleAsync(new StageCommand(work.Saga.LeadId, LeadStage.Execution, 1, 0), CancellationToken.None);
    }

    private async Task<LeadWork> PlannedAsync(string? name = null, string? grounding = "VALID")
    {
        var (work, _) = await store.AddAsync(ALead(name is null ? null : $"{name}@acme.example"), [new AuditFact("intake", "received", [])], []);
        var plan = new ActionPlan
        {
            Status = PlanStatus.Planned,
            Policy = new PolicyIdentity("test", "hash"),
            PlanHash = "hash",
            Steps =
            [
                new PlanStep { Id = "upsert_lead", Index = 0, Tool = "upsert_lead", Critical = true, Compensation = Compensation.Withdraw, Arguments = new JsonObject { ["email"] = work!.Lead.Email } },
                new PlanStep { Id = "create_task", Index = 1, Tool = "create_task", Critical = true, Compensation = Compensation.Cancel, Arguments = new JsonObject { ["leadId"] = "$steps.upsert_lead.recordId", ["subject"] = "Call", ["dueDate"] = "2026-03-04" } },
            ],
        };
        var run = new LeadRunRow
        {
            LeadId = work.Saga.LeadId,
            Run = 1,
            StartedAt = Now,
            Analyzer = "test",
            SnapshotHash = "hash",
            GroundingStatus = grounding,
            Snapshot = [1],
            Plan = SealedJson.Seal(work.Key, plan, work.Saga.LeadId, ContractsJson.Default.ActionPlan),
        };
        _ = await store.ApplyAsync(work, new SagaMessage.AnalysisEnded(1, LeadStatus.Analyzed, null), [], c => c with { Run = run });
        return work;
    }

    private async Task<(LeadStatus, string?)> StatusAsync(LeadWork work)
    {
        var saga = (await store.LoadAsync(work.Saga.LeadId))!.Saga;
        return (saga.Status, saga.Reason);
    }

    private Task<CrmView> FindAsync(LeadWork work) => records.ReadAsync(new CrmQuery { Email = work.Lead.Email }, CancellationToken.None);

    private async Task<string?> ChainAsync(LeadWork work)
    {
        await using var db = Database.Open();
        var saga = (await store.LoadAsync(work.Saga.LeadId))!.Saga;
        return AuditChain.Verify(await db.AuditEvents.Where(a => a.LeadId == saga.LeadId).OrderBy(a => a.Seq).ToListAsync(), saga.AuditSeq, saga.AuditHead);
    }

    private async Task<List<string>> KindsAsync(LeadWork work)
    {
        await using var db = Database.Open();
        return await db.AuditEvents.Where(a => a.LeadId == work.Saga.LeadId).OrderBy(a => a.Seq).Select(a => a.Stage + "." + a.Kind).ToListAsync();
    }

    /// <summary>Refuses to be asked.</summary>
    private sealed class Closed : IRateLimiter
    {
        public Task<RateAnswer> AskAsync(RateRequest request) => throw new InvalidOperationException("nobody was to ask");
    }

    private sealed class Interrupted(ICrm inner, Func<Task> after) : ICrm
    {
        public string Provider => inner.Provider;

        public Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken) => inner.ReadAsync(query, cancellationToken);

        public async Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken)
        {
            var outcomes = await inner.WriteAsync(batch, cancellationToken);
            await after();
            return outcomes;
        }
    }

    private sealed class NoSink : IAuditSink
    {
        public bool Publishes => false;

        public void Committed(LeadSaga saga, IReadOnlyList<AuditRow> rows, IReadOnlyList<AuditFact> facts)
        {
        }
    }
}
