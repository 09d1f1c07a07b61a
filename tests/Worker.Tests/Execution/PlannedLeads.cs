using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Execution;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.MockCrm;
using LeadPipeline.Worker.Tests.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Tests.Execution;

/// <summary>Leads that have a plan, in a database and with a CRM of their own, and what can be known of them afterwards.</summary>
public abstract class PlannedLeads : StorageFixture<SqliteStorage>
{
    protected FakeTimeProvider Time { get; } = new(Now);

    protected LeadStore Store { get; private set; } = null!;

    protected MockCrmStore Records { get; private set; } = null!;

    [SetUp]
    public void Start()
    {
        Store = new LeadStore(Database.Sql, new LeadCommitter(Database.Sql), Cipher, new NoSink(), Time);
        Records = new MockCrmStore(Database.Sql, Time);
    }

    [TearDown]
    public async Task Stop()
    {
        await Store.DisposeAsync();
        await Records.DisposeAsync();
    }

    /// <summary>A lead that was analysed, with the plan that these steps are.</summary>
    protected async Task<LeadWork> PlannedAsync(Func<Lead, IReadOnlyList<PlanStep>> steps, string? email = null, string? grounding = "VALID", string? decision = null)
    {
        var (work, _) = await Store.AddAsync(ALead(email), [new AuditFact("intake", "received", [])], []);
        var plan = new ActionPlan { Status = PlanStatus.Planned, Policy = new PolicyIdentity("test", "hash"), PlanHash = "hash", Steps = steps(work!.Lead) };
        var run = new LeadRunRow
        {
            LeadId = work.Saga.LeadId,
            Run = 1,
            StartedAt = Now,
            Analyzer = "test",
            SnapshotHash = "hash",
            GroundingStatus = grounding,
            Decision = decision,
            Snapshot = [1],
            Plan = SealedJson.Seal(work.Key, plan, work.Saga.LeadId, ContractsJson.Default.ActionPlan),
        };
        _ = await Store.ApplyAsync(work, new SagaMessage.AnalysisEnded(1, LeadStatus.Analyzed, null), [], c => c with { Run = run });
        return work;
    }

    /// <summary>The handler as the program composes it, without limits.</summary>
    protected ExecutePlanHandler Handler(ICrm crm, WorkerIdentity worker, TimeSpan settle = default) => new(new ExecutionServices(
        Store,
        new PlanExecutor(ToolRegistry.Default(), crm, Time, new InPlaceRetry { BaseDelay = TimeSpan.Zero, SettleTime = settle }, Cipher.RecordKey),
        worker,
        new PlanAdmission(new NoLimits(), (0, 0, 0), domain => domain, null, Time, NullLogger<PlanAdmission>.Instance),
        new ApprovalStore(Database.Sql, Store, Cipher, Time, TimeSpan.FromHours(24)),
        Options.Create(new DeferralOptions()),
        Time,
        NullLogger<ExecutePlanHandler>.Instance));

    protected async Task<(LeadStatus, string?)> StatusAsync(LeadWork work)
    {
        var saga = (await Store.LoadAsync(work.Saga.LeadId))!.Saga;
        return (saga.Status, saga.Reason);
    }

    protected Task<CrmView> FindAsync(LeadWork work) => Records.ReadAsync(new CrmQuery { Email = work.Lead.Email }, CancellationToken.None);

    /// <summary>What is wrong with the lead's audit chain; null: nothing.</summary>
    protected async Task<string?> ChainAsync(LeadWork work)
    {
        await using var db = Database.Open();
        var saga = (await Store.LoadAsync(work.Saga.LeadId))!.Saga;
        return AuditChain.Verify(await db.AuditEvents.Where(a => a.LeadId == saga.LeadId).OrderBy(a => a.Seq).ToListAsync(), saga.AuditSeq, saga.AuditHead);
    }

    protected async Task<List<string>> KindsAsync(LeadWork work)
    {
        await using var db = Database.Open();
        return await db.AuditEvents.Where(a => a.LeadId == work.Saga.LeadId).OrderBy(a => a.Seq).Select(a => a.Stage + "." + a.Kind).ToListAsync();
    }

    private sealed class NoLimits : IRateLimiter
    {
        public Task<RateAnswer> AskAsync(RateRequest request) => throw new InvalidOperationException("no limit is in force");
    }

    /// <summary>A CRM after whose every write something happens.</summary>
    protected sealed class Interrupted(ICrm inner, Func<Task> after) : ICrm
    {
        public string Provider => inner.Provider;

        /// <summary>The steps that were written.</summary>
        public List<string> Written { get; } = [];

        public Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken) => inner.ReadAsync(query, cancellationToken);

        public async Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken)
        {
            Written.AddRange(batch.Writes.Select(w => w.Step));
            var outcomes = await inner.WriteAsync(batch, cancellationToken);
            await after();
            return outcomes;
        }
    }
}
