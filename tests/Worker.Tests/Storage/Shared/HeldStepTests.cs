using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Tests.CrashPoints;
using Microsoft.EntityFrameworkCore;

namespace LeadPipeline.Worker.Tests.Storage;

/// <summary>The end of an analysis that is left to the commit of the plan's beginning.</summary>
public abstract class HeldStepTests<TDatabase> : StorageFixture<TDatabase>
    where TDatabase : StorageDatabase, new()
{
    private static readonly SagaMessage.AnalysisEnded Analyzed = new(1, LeadStatus.Analyzed, null);
    private static readonly GroundingResult Verdict = JsonSerializer.Deserialize("""{"status":"VALID","claims":[],"lowered":[],"errors":[],"rulesVersion":"1","verdictHash":"hash","model":{}}""", ContractsJson.Default.GroundingResult)!;
    private readonly FakeTimeProvider time = new(Now);
    private LeadCommitter committer = null!;
    private LeadStore store = null!;

    [SetUp]
    public void Start()
    {
        committer = new LeadCommitter(Database.Sql);
        store = new LeadStore(Database.Sql, committer, Cipher, new NoSink(), time);
    }

    [TearDown]
    public async Task Stop()
    {
        await store.DisposeAsync();
        await committer.DisposeAsync();
    }

    [Test]
    public async Task Should_have_happened_for_nobody_else()
    {
        var work = await HoldAsync();

        await using var db = Database.Open();
        var other = (await store.LoadAsync(work.Saga.LeadId))!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That((work.Saga.Status, work.Saga.Pending), Is.EqualTo((LeadStatus.Analyzed, LeadStage.Execution)));
            Assert.That((other.Saga.Status, other.Saga.Pending, other.Saga.Version), Is.EqualTo((LeadStatus.Received, LeadStage.Analysis, 1)));
            Assert.That(await db.Runs.AnyAsync(r => r.LeadId == work.Saga.LeadId), Is.False);
        }
    }

    [Test]
    public async Task Should_become_durable_with_what_follows_in_one_commit()
    {
        var work = await HoldAsync();
        var before = committer.Units;

        var opened = await store.ApplyAsync(work, new SagaMessage.EpochOpened(1, 0, 7), [Fact("execution", "started")]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(opened.Took, Is.True);
            Assert.That(committer.Units - before, Is.EqualTo(1));
            Assert.That((work.Held, work.IsLost, work.Saga.Version), Is.EqualTo(((HeldStep?)null, false, 2)));
            await AssertRecordAsync(work, LeadStatus.Executing, "received", "completed", "started");
        }
        var loaded = (await store.LoadAsync(work.Saga.LeadId))!;
        Assert.That((loaded.Saga.Epoch, loaded.Saga.Owner), Is.EqualTo((1, (int?)7)));
    }

    [Test]
    public async Task Should_be_saved_by_itself_once()
    {
        var work = await HoldAsync();

        await store.SaveAsync(work);
        await store.SaveAsync(work);
        var opened = await store.ApplyAsync(work, new SagaMessage.EpochOpened(1, 0, 7), [Fact("execution", "started")]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((opened.Took, work.Saga.Version), Is.EqualTo((true, 3)));
            await AssertRecordAsync(work, LeadStatus.Executing, "received", "completed", "started");
        }
    }

    [Test]
    public async Task Should_be_lost_when_somebody_else_was_faster([Values] bool isSaved)
    {
        var work = await HoldAsync();
        var faster = (await store.LoadAsync(work.Saga.LeadId))!;
        _ = await store.ApplyAsync(faster, Analyzed, [Fact("planning", "planned")], c => c with { Run = Run(faster, "another plan") });

        if (isSaved)
            await store.SaveAsync(work);
        // With the state that is on record by now, an epoch could be opened: for a plan that is on nobody's record.
        var opened = await store.ApplyAsync(work, new SagaMessage.EpochOpened(1, 0, 7), [Fact("execution", "started")]);

        await using var db = Database.Open();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((opened.Took, work.IsLost, work.Held), Is.EqualTo((false, true, (HeldStep?)null)));
            Assert.That((await store.ApplyAsync(work, new SagaMessage.EpochOpened(1, 0, 7), [])).Took, Is.False, "nor at a second try");
            Assert.That(StageCommand.Pending(work.Saga)?.Stage, Is.EqualTo(LeadStage.Execution), "and it is known what the lead waits for");
            Assert.That((await db.Runs.SingleAsync(r => r.LeadId == work.Saga.LeadId)).PlanHash, Is.EqualTo("another plan"));
            await AssertRecordAsync(faster, LeadStatus.Analyzed, "received", "planned");
        }
    }

    [Test]
    public async Task Should_stand_when_only_something_else_has_happened_to_the_lead([Values] bool isSaved)
    {
        var work = await HoldAsync();
        _ = await store.ApplyAsync((await store.LoadAsync(work.Saga.LeadId))!, new SagaMessage.Noted(), [Fact("intake", "duplicate")]);

        if (isSaved)
            await store.SaveAsync(work);
        var opened = await store.ApplyAsync(work, new SagaMessage.EpochOpened(1, 0, 7), [Fact("execution", "started")]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((opened.Took, work.IsLost, work.Saga.Version), Is.EqualTo((true, false, isSaved ? 4 : 3)));
            await AssertRecordAsync(work, LeadStatus.Executing, "received", "duplicate", "completed", "started");
        }
    }

    [Test]
    public async Task Should_be_lost_when_the_lead_was_cancelled()
    {
        var work = await HoldAsync();
        _ = await store.ApplyAsync((await store.LoadAsync(work.Saga.LeadId))!, new SagaMessage.Cancelled(1), [Fact("operator", "cancelled")]);

        var opened = await store.ApplyAsync(work, new SagaMessage.EpochOpened(1, 0, 7), [Fact("execution", "started")]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((opened.Took, work.IsLost, StageCommand.Pending(work.Saga)), Is.EqualTo((false, true, (StageCommand?)null)));
            await AssertRecordAsync(work, LeadStatus.Cancelled, "received", "cancelled");
        }
    }

    [Test]
    public async Task Should_stay_held_while_another_lead_of_the_person_is_at_work()
    {
        var first = await HoldAsync("same@example.com");
        _ = await store.ApplyAsync(first, new SagaMessage.EpochOpened(1, 0, 1), []);
        var second = await HoldAsync("same@example.com");

        var busy = await store.ApplyAsync(second, new SagaMessage.EpochOpened(1, 0, 1), [Fact("execution", "started")]);
        var deferred = await store.ApplyAsync(second, new SagaMessage.StageDeferred(1, LeadStage.Execution, Now.AddSeconds(1), Failed: false, "person-busy"), [Fact("execution", "deferred")]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((busy.Took, busy.Busy, deferred.Took), Is.EqualTo((false, true, true)));
            await AssertRecordAsync(second, LeadStatus.Deferred, "received", "completed", "deferred");
        }
    }

    [Test]
    public async Task Should_be_saved_when_what_it_waits_for_takes_long()
    {
        var work = await HoldAsync();
        var answer = new TaskCompletionSource<int>();

        var waiting = store.WaitAsync(work, answer.Task);
        time.Advance(store.LongestHeld - TimeSpan.FromTicks(1));
        var early = work.Held;
        time.Advance(TimeSpan.FromTicks(1));
        await Eventually.ShouldAsync(async () => (await store.LoadAsync(work.Saga.LeadId))!.Saga.Status == LeadStatus.Analyzed, "save it");
        answer.SetResult(5);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(early, Is.Not.Null);
            Assert.That(await waiting, Is.EqualTo(5));
            await AssertRecordAsync(work, LeadStatus.Analyzed, "received", "completed");
        }
    }

    [Test]
    public async Task Should_not_keep_what_was_waited_for_from_being_given_back_when_it_cannot_be_saved()
    {
        var process = new DoomedProcess();
        await using var cut = new LeadStore(Database.Sql, new LeadCommitter(new DoomedDatabase(Database.Sql, process)), Cipher, new NoSink(), time);
        var work = await HoldAsync();
        var gate = new KeyedGate<string>();
        var first = await gate.EnterAsync("person", CancellationToken.None);

        var waiting = cut.WaitAsync(work, gate.EnterAsync("person", CancellationToken.None));
        process.End();
        time.Advance(cut.LongestHeld);
        first.Dispose();
        (await waiting).Dispose();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(work.Held, Is.Not.Null, "it goes with the next commit");
            using var third = await gate.EnterAsync("person", CancellationToken.None);
        }
    }

    [Test]
    public async Task Should_leave_no_timer_behind_when_it_does_not()
    {
        var work = await HoldAsync();
        var answer = new TaskCompletionSource<int>();

        var waiting = store.WaitAsync(work, answer.Task);
        answer.SetResult(5);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await waiting, Is.EqualTo(5));
            Assert.That((work.Held is null, time.ArmedTimers), Is.EqualTo((false, 0)));
        }
    }

    private async Task<LeadWork> HoldAsync(string? email = null)
    {
        var (work, _) = await store.AddAsync(ALead(email), [Fact("intake", "received")], []);
        Assert.That(store.Hold(work!, Analyzed, [Fact("analysis", "completed")], Run(work!, "its plan"), Verdict), Is.InstanceOf<SagaDecision.Proceed>());
        return work!;
    }

    private static LeadRunRow Run(LeadWork work, string plan) =>
        new() { LeadId = work.Saga.LeadId, Run = 1, StartedAt = Now, Analyzer = "test", SnapshotHash = "hash", Snapshot = [1], PlanHash = plan };

    private static AuditFact Fact(string stage, string kind) => new(stage, kind, new JsonObject { ["n"] = 1 });

    /// <summary>What anybody finds of the lead: its status, its events, and that they are one chain.</summary>
    private async Task AssertRecordAsync(LeadWork work, LeadStatus status, params string[] kinds)
    {
        await using var db = Database.Open();
        var row = await db.Leads.AsNoTracking().SingleAsync(l => l.Id == work.Saga.LeadId);
        var events = await db.AuditEvents.AsNoTracking().Where(a => a.LeadId == row.Id).OrderBy(a => a.Seq).ToListAsync();
        Assert.That(row.Status, Is.EqualTo(status.ToString()));
        Assert.That(events.Select(e => e.Kind), Is.EqualTo(kinds));
        Assert.That(AuditChain.Verify(events, row.AuditSeq, row.AuditHead), Is.Null);
    }
}
