using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Retention;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.MockCrm;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Tests.Storage;

/// <summary>What operators and retention do with leads, as the database keeps it.</summary>
public abstract class LeadOperationsTests<TDatabase> : StorageFixture<TDatabase>
    where TDatabase : StorageDatabase, new()
{
    private readonly FakeTimeProvider time = new(Now);
    private LeadStore store = null!;
    private LeadOperations operations = null!;

    [SetUp]
    public void Start()
    {
        store = new LeadStore(Database.Sql, new LeadCommitter(Database.Sql), Cipher, new NoSink(), time);
        operations = new LeadOperations(store, Database.Sql, Options.Create(new CrmOptions()), time);
    }

    [TearDown]
    public async Task Stop() => await store.DisposeAsync();

    [Test]
    public async Task Should_put_the_next_run_on_record_for_the_sweeper()
    {
        var lead = await EndedAsync(LeadStatus.Rejected);

        var answer = await operations.ReplayAsync(lead, again: true, "ada", CancellationToken.None);

        var row = await RowAsync(lead);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(((OperatorAnswer.Done)answer).Saga.Run, Is.EqualTo(2));
            Assert.That((row!.Run, row.Again, row.Status, row.Pending, row.SweepAt), Is.EqualTo((2, true, "Received", "analysis", (DateTimeOffset?)time.GetUtcNow())));
            Assert.That(await KindsAsync(lead), Has.Member("operator.replayed by ada"));
            Assert.That(await operations.ReplayAsync(lead, again: false, "bob", CancellationToken.None), Is.TypeOf<OperatorAnswer.Refused>().With.Property("Code").EqualTo("run-open"));
        }
    }

    [Test]
    public async Task Should_not_put_off_what_is_due_by_a_look_at_it()
    {
        var lead = await EndedAsync(LeadStatus.Rejected);
        _ = await operations.ReplayAsync(lead, again: false, "ada", CancellationToken.None);
        var (due, changed) = (time.GetUtcNow(), (await RowAsync(lead))!.UpdatedAt);

        for (var look = 0; look < 3; look++)
        {
            time.Advance(TimeSpan.FromMinutes(1));
            Assert.That(await operations.ViewAsync(lead, "console", "bob", CancellationToken.None), Is.TypeOf<OperatorAnswer.Done>());
        }

        var row = (await RowAsync(lead))!;
        Assert.That((row.SweepAt, row.UpdatedAt, row.Version), Is.EqualTo(((DateTimeOffset?)due, changed, 6)));
    }

    [Test]
    public async Task Should_start_one_run_however_many_ask_at_once()
    {
        var lead = await EndedAsync(LeadStatus.Rejected);

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => operations.ReplayAsync(lead, false, "ada", CancellationToken.None)));

        Assert.That((answers.Count(a => a is OperatorAnswer.Done), (await RowAsync(lead))!.Run), Is.EqualTo((1, 2)));
    }

    [Test]
    public async Task Should_let_a_dead_letter_go_on_in_its_run_and_count_it()
    {
        var (work, _) = await store.AddAsync(ALead(), [new AuditFact("intake", "received", [])], []);
        var letter = DeadLetters.DeadLetter.Of(work!.Saga, LeadStage.Analysis, "crm-unavailable", null, Now);
        _ = await store.ApplyAsync(work, new SagaMessage.StageFailed(1, LeadStage.Analysis, "crm-unavailable"), [], c => c with { DeadLetter = letter });

        _ = await operations.ReplayAsync(work.Saga.LeadId, again: false, "ada", CancellationToken.None);

        await using var db = Database.Open();
        var row = await db.DeadLetters.SingleAsync(d => d.LeadId == work.Saga.LeadId);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((row.State, row.Replays), Is.EqualTo(("replayed", 1)));
            Assert.That(((await RowAsync(work.Saga.LeadId))!.Run, (await RowAsync(work.Saga.LeadId))!.Attempt), Is.EqualTo((1, 1)));
        }
    }

    [Test]
    public async Task Should_cancel_a_lead_once_and_only_while_nothing_was_sent()
    {
        var open = await AddAsync();
        var (sent, _) = await store.AddAsync(ALead(), [], []);
        _ = await store.ApplyAsync(sent!, new SagaMessage.AnalysisEnded(1, LeadStatus.Analyzed, null), []);
        _ = await store.ApplyAsync(sent!, new SagaMessage.EpochOpened(1, 0, 1), []);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await operations.CancelAsync(open, "ada", CancellationToken.None), Is.TypeOf<OperatorAnswer.Done>());
            Assert.That(await operations.CancelAsync(open, "ada", CancellationToken.None), Is.TypeOf<OperatorAnswer.Done>(), "said twice");
            Assert.That((await KindsAsync(open)).Count(k => k.StartsWith("operator.cancelled", StringComparison.Ordinal)), Is.EqualTo(1));
            Assert.That(await operations.CancelAsync(sent!.Saga.LeadId, "ada", CancellationToken.None), Is.TypeOf<OperatorAnswer.Refused>().With.Property("Code").EqualTo("already-sent"));
            Assert.That(await operations.CancelAsync(await EndedAsync(LeadStatus.Rejected), "ada", CancellationToken.None), Is.TypeOf<OperatorAnswer.Refused>().With.Property("Code").EqualTo("ended"));
            Assert.That(await operations.CancelAsync(Guid.NewGuid(), "ada", CancellationToken.None), Is.TypeOf<OperatorAnswer.NotFound>());
        }
    }

    [Test]
    public async Task Should_erase_a_lead_so_that_its_chain_still_verifies()
    {
        var lead = await EndedAsync(LeadStatus.Rejected);

        var answer = await operations.EraseAsync(lead, "ada", CancellationToken.None);
        var again = await operations.EraseAsync(lead, "ada", CancellationToken.None);

        var row = (await RowAsync(lead))!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { answer, again }, Is.All.TypeOf<OperatorAnswer.Done>());
            Assert.That((row.Status, row.DataKey, row.Body.Length, row.RecordKey), Is.EqualTo(("Erased", (byte[]?)null, 0, "")));
            Assert.That(await ChainAsync(lead), Is.Null);
            Assert.That((await KindsAsync(lead)).Count(k => k == "operator.erased by ada"), Is.EqualTo(1));
            Assert.That(await store.LookAsync(lead), Is.EqualTo(((LeadWork?)null, true)));
            Assert.That(await operations.ReplayAsync(lead, false, "ada", CancellationToken.None), Is.TypeOf<OperatorAnswer.Refused>().With.Property("Code").EqualTo("erased"));
        }
    }

    [Test]
    public async Task Should_leave_nothing_by_which_a_guess_about_the_person_could_be_confirmed()
    {
        var (work, _) = await store.AddAsync(ALead(), [new AuditFact("intake", "received", [])], []);
        var lead = work!.Saga.LeadId;
        var run = new LeadRunRow
        {
            LeadId = lead,
            Run = 1,
            StartedAt = Now,
            Analyzer = "gemini/1",
            SnapshotHash = "hash of a snapshot",
            PlanHash = "hash of a plan",
            QuestionHash = "hash of a question",
            ModelCall = """{"model":"m","questionHash":"hash of a question","answers":1}""",
            Snapshot = [1],
        };
        _ = await store.ApplyAsync(work, new SagaMessage.AnalysisEnded(1, LeadStatus.Rejected, "why"), [], commit => commit with { Run = run });
        var approval = new ApprovalRow { Id = Guid.NewGuid(), LeadId = lead, Operation = "upsert_lead", ArgumentsHash = "hash of arguments", State = "used", Needed = 1, RequestedBy = "worker", RequestedAt = Now, ExpiresAt = Now, Acts = "[]", Sealed = [1] };
        await using (var db = Database.Open())
        {
            db.Approvals.Add(approval);
            await db.SaveChangesAsync();
        }

        _ = await operations.EraseAsync(lead, "ada", CancellationToken.None);

        await using var after = Database.Open();
        var kept = await after.Runs.AsNoTracking().SingleAsync(r => r.LeadId == lead);
        var asked = await after.Approvals.AsNoTracking().SingleAsync(a => a.LeadId == lead);
        time.Advance(TimeSpan.FromDays(2));
        _ = await Retention(new RetentionOptions { Audit = TimeSpan.FromDays(1) }).RunAsync(CancellationToken.None);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((kept.SnapshotHash, kept.PlanHash, kept.QuestionHash), Is.EqualTo(("", (string?)null, (string?)null)));
            Assert.That(kept.ModelCall, Is.EqualTo("""{"model":"m","questionHash":"","answers":1}"""), "what it took stays");
            Assert.That((asked.ArgumentsHash, asked.Sealed.Length), Is.EqualTo(("", 0)));
            Assert.That(await after.Approvals.AnyAsync(a => a.LeadId == lead), Is.False, "with the chain all rows of the lead go");
        }
    }

    [Test]
    public async Task Should_not_erase_a_lead_that_is_open() =>
        Assert.That(await operations.EraseAsync(await AddAsync(), "ada", CancellationToken.None), Is.TypeOf<OperatorAnswer.Refused>().With.Property("Code").EqualTo("run-open"));

    [Test]
    public async Task Should_take_the_person_out_of_the_crm_records_that_the_lead_made()
    {
        var lead = await EndedAsync(LeadStatus.Rejected);
        await using var crm = new MockCrmStore(Database.Sql, time);
        var (mine, other) = ($"{lead:N}.1.upsert_lead", $"{Guid.NewGuid():N}.1.upsert_lead");
        var records = new List<string>();
        foreach (var key in new[] { mine, other })
        {
            var fields = new Dictionary<string, string> { [CrmFields.Email] = $"{key}@example.com", [CrmFields.LastName] = "Muster", [CrmFields.Status] = "New" };
            var batch = new CrmBatch(lead, key, [new CreateRecord("upsert_lead", "upsert_lead", CrmObject.Lead, key, key, fields)], new HashSet<string>());
            records.Add(((CrmOutcome.Done)(await crm.WriteAsync(batch, CancellationToken.None))[0]).RecordId);
        }
        await using (var db = Database.Open())
        {
            var at = (await db.Leads.SingleAsync(l => l.Id == lead)).ReceivedAt;
            db.Effects.Add(new EffectRow { ReceivedAt = at, LeadId = lead, EffectKey = mine, Run = 1, Step = "upsert_lead", Tool = "upsert_lead", State = "confirmed", Object = "Lead", RecordId = records[0], Sealed = [1], RequestHash = "hash", UpdatedAt = Now });
            await db.SaveChangesAsync();
        }

        _ = await operations.EraseAsync(lead, "ada", CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await crm.FindAsync(records[0], CancellationToken.None))!.Fields.Keys, Is.EqualTo(new[] { CrmFields.Status }));
            Assert.That((await crm.FindAsync(records[1], CancellationToken.None))!.Fields.Keys, Has.Member(CrmFields.Email), "another lead's");
            Assert.That((await operations.RecordsAsync(lead, CancellationToken.None)).ToJsonString(), Is.EqualTo($$"""[{"object":"Lead","recordId":"{{records[0]}}","erased":true}]"""));
        }
    }

    [Test]
    public async Task Should_let_go_what_is_too_old_and_keep_what_is_open()
    {
        var (old, open, young) = (await EndedAsync(LeadStatus.Rejected), await AddAsync(), Guid.Empty);
        time.Advance(TimeSpan.FromDays(31));
        young = await EndedAsync(LeadStatus.Rejected);
        await using (var made = Database.Open())
        {
            // One that no row of the ledger names any more as well.
            foreach (var lead in new[] { old, young })
                made.Set<SharedRecordRow>().Add(new SharedRecordRow { RecordId = "001", LeadId = lead });
            _ = await made.SaveChangesAsync();
        }
        var run = Retention(new RetentionOptions { Leads = TimeSpan.FromDays(30), Audit = TimeSpan.FromDays(365) });

        _ = await run.RunAsync(CancellationToken.None);
        var erased = (await RowAsync(old))!.Status;
        var chain = await ChainAsync(old);
        time.Advance(TimeSpan.FromDays(366));
        _ = await run.RunAsync(CancellationToken.None);

        await using var db = Database.Open();
        var receipt = await db.AuditRemovals.SingleAsync(r => r.LeadId == old);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((erased, chain), Is.EqualTo(("Erased", (string?)null)));
            Assert.That(await RowAsync(old), Is.Null);
            Assert.That(await db.AuditEvents.CountAsync(a => a.LeadId == old), Is.Zero);
            Assert.That(await db.Set<SharedRecordRow>().Where(r => r.LeadId == old || r.LeadId == young).Select(r => r.LeadId).ToListAsync(), Is.EqualTo(new[] { young }));
            Assert.That((receipt.Events, receipt.Head.Length, receipt.Actor), Is.EqualTo((3, 32, "retention")));
            Assert.That((await RowAsync(open))!.Status, Is.EqualTo("Received"), "not even after years");
            Assert.That((await RowAsync(young))!.Status, Is.EqualTo("Erased"), "old by now, but its chain is not");
            Assert.That(await ChainAsync(young), Is.Null);
        }
    }

    [Test]
    public async Task Should_count_from_the_end_of_a_lead_whatever_is_told_of_it_later()
    {
        var lead = await EndedAsync(LeadStatus.Rejected);
        time.Advance(TimeSpan.FromDays(20));
        _ = await store.ApplyAsync((await store.LoadAsync(lead))!, new SagaMessage.Noted(), [new AuditFact("intake", "duplicate", [])]);
        _ = await store.ApplyAsync((await store.LoadAsync(lead))!, new SagaMessage.Judged(1), [new AuditFact("operator", "discarded", [])]);
        time.Advance(TimeSpan.FromDays(11));

        _ = await Retention(new RetentionOptions { Leads = TimeSpan.FromDays(30) }).RunAsync(CancellationToken.None);

        Assert.That((await RowAsync(lead))!.Status, Is.EqualTo("Erased"));
    }

    [TestCase(null, 1)]
    [TestCase(new byte[] { 0 }, 1)]
    [TestCase(new byte[] { 0 }, 101)]
    public async Task Should_erase_the_others_when_a_leads_key_cannot_be_read(byte[]? key, int unreadable)
    {
        var leads = new List<Guid>();
        for (var i = 0; i < unreadable + 2; i++)
        {
            leads.Add(await EndedAsync(LeadStatus.Rejected));
            time.Advance(TimeSpan.FromSeconds(1));
        }
        await using (var db = Database.Open())
            _ = await db.Leads.Where(l => leads.Take(unreadable).Contains(l.Id)).ExecuteUpdateAsync(s => s.SetProperty(l => l.DataKey, key));
        time.Advance(TimeSpan.FromDays(31));

        var removed = await Retention(new RetentionOptions { Leads = TimeSpan.FromDays(30) }).RunAsync(CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(removed.Leads, Is.GreaterThanOrEqualTo(2));
            foreach (var readable in leads.Skip(unreadable))
                Assert.That((await RowAsync(readable))!.Status, Is.EqualTo("Erased"));
        }
    }

    [Test]
    public async Task Should_remove_old_dead_letters_and_leave_their_leads()
    {
        var (work, _) = await store.AddAsync(ALead(), [], []);
        var letter = DeadLetters.DeadLetter.Of(work!.Saga, LeadStage.Analysis, "why", null, Now.AddYears(-1));
        _ = await store.ApplyAsync(work, new SagaMessage.StageFailed(1, LeadStage.Analysis, "why"), [], c => c with { DeadLetter = letter });

        _ = await Retention(new RetentionOptions { DeadLetters = TimeSpan.FromDays(30) }).RunAsync(CancellationToken.None);

        await using var db = Database.Open();
        Assert.That((await db.DeadLetters.AnyAsync(d => d.LeadId == work.Saga.LeadId), (await RowAsync(work.Saga.LeadId))!.Status), Is.EqualTo((false, "DeadLettered")));
    }

    [Test]
    public async Task Should_remove_with_a_dead_letter_what_was_said_and_done_about_it()
    {
        var letters = new DeadLetterStore(Database.Sql, Cipher);
        var acts = new DeadLetterActs(Database.Sql, Cipher, time);
        var editing = new DeadLetterEditing(letters, acts, Database.Sql, Cipher, time);
        var jobs = new ReplayJobStore(Database.Sql, time);
        FailedMessage Failed(string id, DateTimeOffset at) => new("lead-intake", "InvalidLeadException", at, new QueueMessage("{}"u8.ToArray(), id, null, new Dictionary<string, string>(), "why"));
        var (old, young) = (Failed("old-" + Guid.NewGuid(), time.GetUtcNow()), Failed("young-" + Guid.NewGuid(), time.GetUtcNow().AddDays(20)));
        var edits = new List<Guid>();
        foreach (var failed in (FailedMessage[])[old, young])
        {
            await letters.KeepAsync(failed, CancellationToken.None);
            edits.Add((await editing.RequestAsync(failed.Id, new JsonObject { ["email"] = "jane@acme.example" }, "Why.", "ada", CancellationToken.None)).Edit!.Id);
        }
        var pace = new ReplayPace(false, 1, TimeSpan.Zero);
        var (ended, running) = (await jobs.AddAsync([], pace, "ada", CancellationToken.None), await jobs.AddAsync([], pace, "ada", CancellationToken.None));
        _ = await jobs.StopAsync(ended.Id, CancellationToken.None);
        await acts.RecordAsync("ada", "replay_stopped", null, null, $"job {ended.Id}", CancellationToken.None);
        var group = "intake/" + Guid.NewGuid();
        await acts.RecordAsync("ada", DeadLetterActs.Noted, null, group, "Known.", CancellationToken.None);
        time.Advance(TimeSpan.FromDays(31));

        _ = await Retention(new RetentionOptions { DeadLetters = TimeSpan.FromDays(30) }).RunAsync(CancellationToken.None);

        await using var db = Database.Open();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(await db.DeadLetterEdits.Where(e => edits.Contains(e.Id)).Select(e => e.Id).ToListAsync(), Is.EqualTo(new[] { edits[1] }));
            Assert.That(await db.DeadLetterActs.Where(a => a.DeadLetterId == old.Id || a.DeadLetterId == young.Id).Select(a => a.DeadLetterId).ToListAsync(), Is.EqualTo(new Guid?[] { young.Id }));
            Assert.That(await db.DeadLetterActs.AnyAsync(a => a.Act == "replay_stopped"), Is.False);
            Assert.That((await jobs.FindAsync(ended.Id, CancellationToken.None), (await jobs.FindAsync(running.Id, CancellationToken.None))?.State), Is.EqualTo(((ReplayJob?)null, "running")));
            Assert.That((await acts.NotesAsync(CancellationToken.None)).Select(n => n.Group), Has.Member(group), "the next one who looks should still know");
        }
    }

    [Test]
    public async Task Should_not_be_talked_into_removing_the_audit_of_a_lead_that_is_not_erased()
    {
        var lead = await EndedAsync(LeadStatus.Rejected);
        await using var db = Database.Open();
        var row = (await RowAsync(lead))!;
        db.AuditRemovals.Add(new AuditRemovalRow { LeadId = lead, RemovedAt = Now, Events = row.AuditSeq, Head = row.AuditHead, Actor = "nobody" });

        Assert.That(async () => await db.SaveChangesAsync(), Throws.TypeOf<DbUpdateException>().With.InnerException.Message.Contains("only the whole audit chain of an erased lead"));
    }

    [TestCase("UPDATE audit_removals SET actor = 'nobody'")]
    [TestCase("DELETE FROM audit_removals")]
    public async Task Should_keep_the_receipts(string sql)
    {
        var lead = await EndedAsync(LeadStatus.Rejected);
        _ = await operations.ExpireAsync(lead, "retention");
        time.Advance(TimeSpan.FromDays(2));
        _ = await Retention(new RetentionOptions { Audit = TimeSpan.FromDays(1) }).RunAsync(CancellationToken.None);

        Assert.That(async () => await Database.ExecuteAsync(sql), Throws.Exception.With.Message.Contains("append-only"));
    }

    private RetentionRun Retention(RetentionOptions options) => new(Database.Sql, operations, Options.Create(options), time, NullLogger<RetentionRun>.Instance);

    private async Task<Guid> AddAsync() => (await store.AddAsync(ALead(), [new AuditFact("intake", "received", [])], [])).Work!.Saga.LeadId;

    private async Task<Guid> EndedAsync(LeadStatus status)
    {
        var (work, _) = await store.AddAsync(ALead(), [new AuditFact("intake", "received", [])], []);
        _ = await store.ApplyAsync(work!, new SagaMessage.AnalysisEnded(1, status, "why"), [new AuditFact("grounding", "rejected", [])]);
        return work!.Saga.LeadId;
    }

    private async Task<LeadRow?> RowAsync(Guid lead)
    {
        await using var db = Database.Open();
        return await db.Leads.AsNoTracking().SingleOrDefaultAsync(l => l.Id == lead);
    }

    private async Task<List<string>> KindsAsync(Guid lead)
    {
        await using var db = Database.Open();
        return await db.AuditEvents.Where(a => a.LeadId == lead).OrderBy(a => a.Seq).Select(a => a.Stage + "." + a.Kind + " by " + a.Actor).ToListAsync();
    }

    private async Task<string?> ChainAsync(Guid lead)
    {
        await using var db = Database.Open();
        var row = (await RowAsync(lead))!;
        return AuditChain.Verify(await db.AuditEvents.Where(a => a.LeadId == lead).OrderBy(a => a.Seq).ToListAsync(), row.AuditSeq, row.AuditHead);
    }
}
