using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Mock;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Messaging;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.MockCrm;
using LeadPipeline.Worker.Tests.Storage;
using Microsoft.EntityFrameworkCore;

namespace LeadPipeline.Worker.Tests.CrashPoints;

/// <summary>
/// A lead that goes from stage to stage within a process is analysed and not on record as such until its plan begins. Here something comes in between: while the plan reads the CRM.
/// </summary>
[TestFixture]
public sealed class When_an_analysis_is_held : StorageFixture<SqliteStorage>
{
    private string email = "";
    private MockCrmStore records = null!;
    private MadeRecords made = null!;
    private Queue<object> sent = null!;
    private int workers;

    [SetUp]
    public void Start() =>
        (email, records, made, sent) = ($"kim@{Guid.NewGuid():N}.example", new MockCrmStore(Database.Sql, TimeProvider.System), new MadeRecords(), new Queue<object>());

    [TearDown]
    public ValueTask Stop() => records.DisposeAsync();

    [TestCase(8, TestName = "Should_leave_the_lead_to_a_worker_that_has_done_it_meanwhile")]
    [TestCase(0, TestName = "Should_go_on_with_the_plan_of_a_worker_that_has_analysed_it_meanwhile")]
    public async Task Should_keep_to_what_is_on_record(int handOver)
    {
        await using var faster = Worker(handOver, _ => Task.CompletedTask);
        await using var slower = Worker(8, async _ => await faster.HandleAsync(new StageCommand((await LeadAsync()).Id, LeadStage.Analysis, 1, 0)));

        await slower.HandleAsync(Submitted());

        await using var db = Database.Open();
        var lead = await LeadAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(lead.Status, Is.EqualTo("Completed"));
            Assert.That(await db.Runs.CountAsync(r => r.LeadId == lead.Id), Is.EqualTo(1));
            Assert.That(await db.AuditEvents.CountAsync(a => a.LeadId == lead.Id && a.Stage == "planning"), Is.EqualTo(1), "one plan was made");
            Assert.That(await db.AuditEvents.CountAsync(a => a.LeadId == lead.Id && a.Stage == "execution" && a.Kind == "started"), Is.EqualTo(1), "and begun once");
            Assert.That(made.SentAgain, Is.Empty);
        }
    }

    [Test]
    public async Task Should_send_nothing_for_a_lead_that_was_cancelled_meanwhile()
    {
        await using var other = Worker(0, _ => Task.CompletedTask);
        await using var worker = Worker(8, async _ =>
        {
            var store = other.Get<LeadStore>();
            var cancelled = await store.ApplyAsync((await store.LoadAsync((await LeadAsync()).Id))!, new SagaMessage.Cancelled(1), []);
            Assert.That(cancelled.Took, Is.True);
        });

        await worker.HandleAsync(Submitted());

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await LeadAsync()).Status, Is.EqualTo("Cancelled"));
            Assert.That((await records.ReadAsync(new CrmQuery { Email = email }, CancellationToken.None)).Leads, Is.Empty);
        }
    }

    [TestCase(1, "Completed")]
    [TestCase(100, "Analyzed")]
    public async Task Should_not_analyse_again_because_the_plan_could_not_begin(int faults, string first)
    {
        await using var worker = Worker(8, _ => throw new InvalidOperationException("Nobody expected this."), faults);

        await worker.HandleAsync(Submitted());
        var status = (await LeadAsync()).Status;
        await using var next = Worker(8, _ => Task.CompletedTask);
        while (sent.TryDequeue(out var handedBack))
            await next.HandleAsync(handedBack);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(status, Is.EqualTo(first));
            Assert.That(worker.Process.Places.Concat(next.Process.Places).Count(p => p == "before the analyzer"), Is.EqualTo(1));
            Assert.That((await LeadAsync()).Status, Is.EqualTo("Completed"));
        }
    }

    [Test]
    public async Task Should_fail_for_good_where_it_can_be_counted_when_it_can_never_be_saved()
    {
        await using var worker = Worker(8, _ => Task.CompletedTask);
        await Database.ExecuteAsync("CREATE TRIGGER no_runs BEFORE INSERT ON lead_runs BEGIN SELECT RAISE(ABORT, 'never'); END");
        try
        {
            await worker.HandleAsync(Submitted());
            var handedBack = (StageCommand)sent.Dequeue();

            using (Assert.EnterMultipleScope())
            {
                Assert.That((handedBack.Stage, sent.Count), Is.EqualTo((LeadStage.Analysis, 0)), "what is on record, and nothing that follows from what is not");
                Assert.That(async () => await worker.HandleAsync(handedBack), Throws.Exception.With.Message.Contains("never"), "the consumer hears of it, and makes a dead letter");
            }
        }
        finally
        {
            await Database.ExecuteAsync("DROP TRIGGER no_runs");
        }
    }

    [Test]
    public async Task Should_be_on_record_when_its_process_has_to_stop()
    {
        using var stopping = new CancellationTokenSource();
        await using var worker = Worker(8, async cancellationToken =>
        {
            await stopping.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        });
        var taken = (IntakeResult.Accepted)await worker.Get<IntakeHandler>().HandleAsync(Submitted());

        Assert.That(async () => await worker.Get<StageRunner>().ContinueAsync(taken.Next, worker.Get<ILeadBus>(), stopping.Token), Throws.InstanceOf<OperationCanceledException>());

        Assert.That((await LeadAsync()).Status, Is.EqualTo("Analyzed"));
    }

    [Test]
    public async Task Should_be_on_record_when_there_is_no_room_to_execute_it()
    {
        await using var worker = Worker(8, _ => throw new InvalidOperationException("Nobody reads the CRM."));
        var room = worker.Get<StageRoom>();
        var seats = Enumerable.Range(0, 8).Select(_ => room.TryEnter(LeadStage.Execution)).ToList();

        await worker.HandleAsync(Submitted());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(seats, Has.None.Null);
            Assert.That((await LeadAsync()).Status, Is.EqualTo("Analyzed"));
            Assert.That(sent, Is.EqualTo(new[] { new StageCommand((await LeadAsync()).Id, LeadStage.Execution, 1, 0) }));
        }
    }

    /// <summary>A worker that does something when its plan is about to read the CRM, the first time or more often.</summary>
    private PaperWorker Worker(int handOver, Func<CancellationToken, Task> beforePreparing, int times = 1)
    {
        var process = new DoomedProcess();
        var crm = new InterruptedCrm(new MockCrm(records, MockFaults.None, () => TimeSpan.Zero, TimeProvider.System), () => process.Places.Contains("after the analyzer") && times-- > 0, beforePreparing);
        return new PaperWorker(new PaperWorld(Database.Sql, crm, Cipher, TimeProvider.System, made, IsRemote: false, handOver) { Queue = sent, Workers = workers++ }, process);
    }

    private LeadSubmitted Submitted() =>
        new() { Lead = JsonSerializer.SerializeToElement(CrashPath.Hot(email)), Door = "api", Trusted = true, AcceptedAt = DateTimeOffset.UtcNow };

    private async Task<LeadRow> LeadAsync()
    {
        await using var db = Database.Open();
        var key = Cipher.RecordKey(email);
        return await db.Leads.AsNoTracking().SingleAsync(l => l.RecordKey == key);
    }

    private sealed class InterruptedCrm(ICrm inner, Func<bool> isPreparing, Func<CancellationToken, Task> beforePreparing) : ICrm
    {
        public string Provider => inner.Provider;

        public async Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken)
        {
            if (isPreparing())
                await beforePreparing(cancellationToken);
            return await inner.ReadAsync(query, cancellationToken);
        }

        public Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken) => inner.WriteAsync(batch, cancellationToken);
    }
}
