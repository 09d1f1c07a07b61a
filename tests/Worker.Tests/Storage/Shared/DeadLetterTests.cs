using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Messaging;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Reviews;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Telemetry;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Tests.Storage;

/// <summary>What operators do with dead letters and reviews, as the database keeps it.</summary>
public abstract class DeadLetterTests<TDatabase> : StorageFixture<TDatabase>
    where TDatabase : StorageDatabase, new()
{
    private static readonly ReplayPace AtOnce = new(Ramp: false, null, TimeSpan.Zero);

    private readonly FakeTimeProvider time = new(Now);
    private readonly Queues queues = new();
    private LeadStore store = null!;
    private DeadLetterStore letters = null!;
    private DeadLetterActs acts = null!;
    private DeadLetterOperations operations = null!;
    private ReviewOperations reviews = null!;

    [SetUp]
    public void Start()
    {
        store = new LeadStore(Database.Sql, new LeadCommitter(Database.Sql), Cipher, new NoSink(), time);
        letters = new DeadLetterStore(Database.Sql, Cipher);
        operations = new DeadLetterOperations(letters, acts = new DeadLetterActs(Database.Sql, Cipher, time), store, new LeadOperations(store, Database.Sql, Options.Create(new CrmOptions()), time), time, NullLogger<DeadLetterOperations>.Instance, queues);
        reviews = new ReviewOperations(store, Database.Sql, new LeadPipeline.Worker.WhatIf.RecordedRuns(Database.Sql, Cipher), LeadPipeline.Worker.Grounding.GroundingRules.Default, time);
        (queues.Away, queues.Returned, queues.Taking) = (false, [], null);
    }

    [TearDown]
    public async Task Stop() => await store.DisposeAsync();

    [Test]
    public async Task Should_list_by_cause()
    {
        var cause = "cause-" + Guid.NewGuid().ToString("N");
        var (first, second) = (await DeadAsync(cause), await DeadAsync(cause));

        var groups = await letters.GroupsAsync("open", CancellationToken.None);
        var items = await letters.ListAsync("open", "analysis/" + cause, 10, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(groups, Has.Member(new DeadLetterGroup("analysis/" + cause, 2, cause, "lead-analysis")));
            Assert.That(items.Select(i => i.LeadId), Is.EquivalentTo(new Guid?[] { first, second }));
            Assert.That(DeadLetterStore.Json(items[0]).Select(m => m.Key), Is.EqualTo(new[] { "id", "group", "queue", "leadId", "reason", "at", "replays", "state" }));
        }
    }

    [Test]
    public async Task Should_find_by_what_is_known_of_it()
    {
        var cause = "100%_sure-" + Guid.NewGuid().ToString("N");
        var lead = await DeadAsync(cause);
        _ = await DeadAsync("100x_sure");

        using (Assert.EnterMultipleScope())
        {
            foreach (var words in (string[])["100%_SURE-", lead.ToString(), lead.ToString().ToUpperInvariant(), cause])
                Assert.That((await letters.ListAsync("open", null, words, 10, CancellationToken.None)).Select(l => l.LeadId), Is.EqualTo(new Guid?[] { lead }), words);
            Assert.That(await letters.ListAsync("open", null, "nothing like it", 10, CancellationToken.None), Is.Empty);
        }
    }

    [Test]
    public async Task Should_show_what_was_noted_on_a_group_and_keep_it_sealed()
    {
        var cause = "noted-" + Guid.NewGuid().ToString("N");
        var lead = await DeadAsync(cause);
        await acts.RecordAsync("ada", DeadLetterActs.Noted, null, "analysis/" + cause, "Ask the vendor on Monday.", CancellationToken.None);

        var of = await acts.OfAsync(await RowAsync(lead), CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(of.Select(a => (a.Actor, a.Act, a.Text)), Is.EqualTo(new[] { ("ada", "noted", "Ask the vendor on Monday.") }));
            await using var db = Database.Open();
            Assert.That(System.Text.Encoding.UTF8.GetString((await db.DeadLetterActs.SingleAsync(a => a.Fingerprint == "analysis/" + cause)).Detail!), Does.Not.Contain("Monday"));
        }
    }

    [Test]
    public async Task Should_say_how_many_of_a_group_came_back()
    {
        var cause = "back-" + Guid.NewGuid().ToString("N");
        var (lead, _) = (await DeadAsync(cause), await DeadAsync(cause));
        _ = await operations.ReplayAsync([await RowAsync(lead)], AtOnce, false, "ada", CancellationToken.None);
        var work = (await store.LoadAsync(lead))!;
        var again = DeadLetter.Of(work.Saga, LeadStage.Analysis, cause, null, Now);
        _ = await store.ApplyAsync(work, new SagaMessage.StageFailed(1, LeadStage.Analysis, cause), [], c => c with { DeadLetter = again });

        var group = (await letters.GroupsAsync("open", CancellationToken.None)).Single(g => g.Group == "analysis/" + cause);

        Assert.That((group.Count, group.Replayed), Is.EqualTo((2, 1)));
    }

    [TestCase(0)]
    [TestCase(1)]
    public async Task Should_go_on_with_a_replay_where_it_was_kept(int keptBefore)
    {
        var jobs = new ReplayJobStore(Database.Sql, time);
        var rows = new List<DeadLetterRow>();
        for (var i = 0; i < 4; i++)
            rows.Add(await RowAsync(await DeadAsync("job-" + Guid.NewGuid().ToString("N"))));
        var job = await jobs.AddAsync(rows, AtOnce, "ada", CancellationToken.None);
        // A worker sends two on and dies before it can keep that it has, once with nothing kept at all.
        _ = await operations.ReplayAsync(rows[..2], AtOnce, false, "ada", CancellationToken.None);
        var kept = (await jobs.SaveAsync(job, job with { Progress = new ReplayProgress { Next = keptBefore, Replayed = keptBefore } }, CancellationToken.None))!;

        var found = (await jobs.FindAsync(job.Id, CancellationToken.None))!;
        var progress = await operations.ReplayAsync(found.Items, found.Pace, false, found.OrderedBy, found.Progress, isTakenOver: true, _ => Task.FromResult(true), CancellationToken.None);
        var late = await jobs.SaveAsync(job, job, CancellationToken.None);
        var stopped = (await jobs.StopAsync(job.Id, CancellationToken.None))!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That((progress.Next, progress.Replayed, progress.Refused.Count), Is.EqualTo((4, 4, 0)));
            Assert.That((kept.Version, late), Is.EqualTo((1, (ReplayJob?)null)), "a worker that has lost it keeps nothing");
            Assert.That((stopped.State, stopped.Progress.Stopped), Is.EqualTo((ReplayJob.Ended, "by-operator")));
            foreach (var row in rows)
                Assert.That((await RowAsync(row.LeadId!.Value)).Replays, Is.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_send_a_lead_on_in_its_run_once()
    {
        var lead = await DeadAsync("why");
        var row = await RowAsync(lead);

        var first = await operations.ReplayAsync([row], AtOnce, false, "ada", CancellationToken.None);
        var second = await operations.ReplayAsync([row], AtOnce, false, "bob", CancellationToken.None);

        var after = await RowAsync(lead);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((first.Replayed, second.Replayed, second.Refused[0].Code), Is.EqualTo((1, 0, "not-open")));
            Assert.That((after.State, after.Replays), Is.EqualTo(("replayed", 1)));
            Assert.That(((await store.LoadAsync(lead))!.Saga.Run, (await store.LoadAsync(lead))!.Saga.Status), Is.EqualTo((1, LeadStatus.Received)));
        }
    }

    [Test]
    public async Task Should_not_begin_a_run_of_a_lead_that_has_ended_well_meanwhile()
    {
        var lead = await DeadAsync("why");
        var row = await RowAsync(lead);
        _ = await operations.ReplayAsync([row], AtOnce, false, "ada", CancellationToken.None);
        _ = await store.ApplyAsync((await store.LoadAsync(lead))!, new SagaMessage.AnalysisEnded(1, LeadStatus.Blocked, "policy"), []);

        var report = await operations.ReplayAsync([row], AtOnce, false, "bob", CancellationToken.None);

        Assert.That((report.Replayed, (await store.LoadAsync(lead))!.Saga.Run), Is.EqualTo((0, 1)));
    }

    [Test]
    public async Task Should_stop_a_ramp_when_the_same_failure_comes_back()
    {
        var rows = new List<DeadLetterRow>();
        for (var i = 0; i < 4; i++)
            rows.Add(await RowAsync(await DeadAsync("still-broken")));

        // Fails again at once, as it would in a worker.
        var replaying = operations.ReplayAsync(rows, new ReplayPace(Ramp: true, null, TimeSpan.FromMinutes(1)), false, "ada", CancellationToken.None);
        await Eventually.ShouldAsync(async () =>
        {
            if (await store.LoadAsync(rows[0].LeadId!.Value) is not { Saga.Status: LeadStatus.Received } work)
                return false;
            var letter = DeadLetter.Of(work.Saga, LeadStage.Analysis, "still-broken", null, Now);
            return (await store.ApplyAsync(work, new SagaMessage.StageFailed(1, LeadStage.Analysis, "still-broken"), [], c => c with { DeadLetter = letter })).Took;
        }, "fail again");
        await Eventually.ShouldAsync(() =>
        {
            time.Advance(TimeSpan.FromMilliseconds(300));
            return Task.FromResult(replaying.IsCompleted);
        }, "stop");

        var report = await replaying;
        Assert.That((report.Replayed, report.Failed, report.Stopped), Is.EqualTo((1, 1, "same-failure")));
    }

    [Test]
    public async Task Should_keep_a_message_once_sealed_and_return_it_as_it_was()
    {
        var failed = Failed("jane.doe@acme.example", Now);
        await letters.KeepAsync(failed, CancellationToken.None);
        await letters.KeepAsync(failed, CancellationToken.None);
        var row = (await letters.FindAsync([failed.Id], CancellationToken.None)).Single();

        var report = await operations.ReplayAsync([row], AtOnce, false, "ada", CancellationToken.None);

        var after = (await letters.FindAsync([failed.Id], CancellationToken.None)).Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(System.Text.Encoding.UTF8.GetString(row.Detail!), Does.Not.Contain("jane.doe"));
            Assert.That(report.Replayed, Is.EqualTo(1));
            Assert.That((queues.Returned[0].Queue, queues.Returned[0].Message.MessageId), Is.EqualTo(("lead-intake", "order-1")));
            Assert.That(queues.Returned[0].Message.Body, Is.EqualTo(failed.Message.Body));
            Assert.That((after.State, after.Replays, after.Detail), Is.EqualTo(("replayed", 1, (byte[]?)null)));
        }
    }

    [Test]
    public async Task Should_open_a_message_again_that_fails_again_and_no_other()
    {
        var failed = Failed("again@acme.example", Now);
        await letters.KeepAsync(failed, CancellationToken.None);
        _ = await operations.ReplayAsync(await letters.FindAsync([failed.Id], CancellationToken.None), AtOnce, false, "ada", CancellationToken.None);

        await letters.KeepAsync(failed, CancellationToken.None);
        var redelivered = (await letters.FindAsync([failed.Id], CancellationToken.None)).Single().State;
        await letters.KeepAsync(failed with { FailedAt = Now.AddSeconds(1) }, CancellationToken.None);
        var row = (await letters.FindAsync([failed.Id], CancellationToken.None)).Single();

        Assert.That((redelivered, row.State, row.Replays, letters.Message(row)!.MessageId), Is.EqualTo(("replayed", "open", 1, "order-1")));
    }

    [TestCase(1)]
    [TestCase(-30)]
    public async Task Should_not_lose_a_message_that_fails_again_before_its_replay_is_written_down(int secondsLaterByTheirClock)
    {
        var failed = Failed($"quick{secondsLaterByTheirClock}@acme.example", Now);
        await letters.KeepAsync(failed, CancellationToken.None);
        queues.Taking = () => letters.KeepAsync(failed with { FailedAt = Now.AddSeconds(secondsLaterByTheirClock) }, CancellationToken.None);

        var report = await operations.ReplayAsync(await letters.FindAsync([failed.Id], CancellationToken.None), AtOnce, false, "ada", CancellationToken.None);

        var row = (await letters.FindAsync([failed.Id], CancellationToken.None)).Single();
        Assert.That((report.Replayed, row.State, row.Replays, letters.Message(row)?.MessageId), Is.EqualTo((1, "open", 1, "order-1")));
    }

    [Test]
    public async Task Should_keep_a_message_that_the_broker_does_not_take()
    {
        var failed = Failed("away@acme.example", Now);
        await letters.KeepAsync(failed, CancellationToken.None);
        queues.Away = true;

        var report = await operations.ReplayAsync(await letters.FindAsync([failed.Id], CancellationToken.None), AtOnce, false, "ada", CancellationToken.None);

        var row = (await letters.FindAsync([failed.Id], CancellationToken.None)).Single();
        Assert.That((report.Refused[0].Code, row.State, letters.Message(row) is not null), Is.EqualTo(("broker-unavailable", "open", true)));
    }

    [Test]
    public async Task Should_discard_with_the_reason_on_record()
    {
        var lead = await DeadAsync("why");
        var letter = await RowAsync(lead);
        var failed = Failed("gone@acme.example", Now);
        await letters.KeepAsync(failed, CancellationToken.None);

        var answers = new[]
        {
            await operations.DiscardAsync(letter.Id, "A test.", "ada", CancellationToken.None), await operations.DiscardAsync(letter.Id, "Again.", "ada", CancellationToken.None),
            await operations.DiscardAsync(failed.Id, "Noise.", "ada", CancellationToken.None), await operations.DiscardAsync(Guid.NewGuid(), "None.", "ada", CancellationToken.None),
        };

        var message = (await letters.FindAsync([failed.Id], CancellationToken.None)).Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers, Is.EqualTo(new[] { DiscardAnswer.Done, DiscardAnswer.NotOpen, DiscardAnswer.Done, DiscardAnswer.NotFound }));
            Assert.That(((await RowAsync(lead)).State, (await RowAsync(lead)).Replays), Is.EqualTo(("discarded", 0)));
            Assert.That(await KindsAsync(lead), Has.Exactly(1).EqualTo("operator.discarded by ada"));
            Assert.That((message.State, letters.Message(message), letters.Discarded(message)), Is.EqualTo(("discarded", (QueueMessage?)null, new DiscardNote("ada", "Noise."))));
        }
    }

    [Test]
    public async Task Should_close_a_review_once()
    {
        var lead = await EndedAsync(LeadStatus.Rejected);
        var id = new ReviewId(lead, 1);
        var before = await ListedAsync();

        var first = await reviews.RejectAsync(id, "Not for us.", "ada", CancellationToken.None);
        var second = await reviews.RejectAsync(id, "Not for us.", "bob", CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before, Has.Member(id.ToString()));
            Assert.That(first, Is.TypeOf<OperatorAnswer.Done>());
            Assert.That(second, Is.TypeOf<OperatorAnswer.Refused>().With.Property("Code").EqualTo("not-in-review"));
            Assert.That(await ListedAsync(), Has.No.Member(id.ToString()));
            Assert.That(await KindsAsync(lead), Has.Exactly(1).EqualTo("operator.rejected by ada"));
            Assert.That((await store.LoadAsync(lead))!.Saga.Status, Is.EqualTo(LeadStatus.Rejected));
        }
    }

    [TestCase(LeadStatus.Rejected)]
    [TestCase(LeadStatus.NeedsReview)]
    [TestCase(LeadStatus.Blocked)]
    public async Task Should_not_let_a_lead_go_on_of_which_nothing_is_decided(LeadStatus status)
    {
        var lead = await EndedAsync(status);

        var answer = await reviews.ApproveAsync(new ReviewId(lead, 1), "Looks fine.", new ReviewCorrections(), "ada", CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer, Is.TypeOf<OperatorAnswer.Refused>().With.Property("Code").EqualTo("needs-correction"));
            Assert.That((await store.LoadAsync(lead))!.Saga.Run, Is.EqualTo(1));
            Assert.That(await ListedAsync(), Has.Member($"{lead}.1"));
        }
    }

    [Test]
    public async Task Should_not_decide_about_another_run_than_was_seen()
    {
        var lead = await EndedAsync(LeadStatus.NeedsReview);
        _ = await store.ApplyAsync((await store.LoadAsync(lead))!, new SagaMessage.RunStarted(1, false), []);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await reviews.RejectAsync(new ReviewId(lead, 1), "Late.", "ada", CancellationToken.None), Is.TypeOf<OperatorAnswer.Refused>());
            Assert.That(await reviews.RejectAsync(new ReviewId(lead, 3), "Early.", "ada", CancellationToken.None), Is.TypeOf<OperatorAnswer.NotFound>());
        }
    }

    [Test]
    public async Task Should_send_an_edited_message_when_somebody_else_has_approved_it()
    {
        var editing = new DeadLetterEditing(letters, acts, Database.Sql, Cipher, time, queues);
        var failed = Failed("not an address", Now);
        await letters.KeepAsync(failed, CancellationToken.None);
        var lead = new System.Text.Json.Nodes.JsonObject { ["email"] = "jane.doe@acme.example", ["company"] = "Acme" };

        var still = await editing.RequestAsync(failed.Id, new System.Text.Json.Nodes.JsonObject { ["email"] = "also none" }, "Try.", "ada", CancellationToken.None);
        var asked = (await editing.RequestAsync(failed.Id, lead, "The form lost it.", "ada", CancellationToken.None)).Edit!;
        var own = await editing.ApproveAsync(asked.Id, "cli:Ada ", CancellationToken.None);
        var sealedRow = await SealedAsync(asked.Id);
        queues.Away = true;
        var away = await editing.ApproveAsync(asked.Id, "bob", CancellationToken.None);
        queues.Away = false;
        time.Advance(TimeSpan.FromSeconds(1));
        var sent = await editing.ApproveAsync(asked.Id, "bob", CancellationToken.None);
        var late = await editing.ApproveAsync(asked.Id, "eve", CancellationToken.None);

        var row = (await letters.FindAsync([failed.Id], CancellationToken.None)).Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((still.Code, still.Errors![0].Field), Is.EqualTo(("invalid", "email")));
            Assert.That(asked.Content!.Changes.Select(c => $"{c.Path}: {c.From} -> {c.To}"), Is.EqualTo(new[] { "company:  -> Acme", "email: not an address -> jane.doe@acme.example" }));
            Assert.That((own.Code, away.Code, late.Code), Is.EqualTo(("own-edit", "broker-unavailable", "not-open")));
            Assert.That(System.Text.Encoding.UTF8.GetString(sealedRow!), Does.Not.Contain("jane.doe"));
            Assert.That((sent.Edit!.State, sent.Edit.DecidedBy, row.State, row.Replays), Is.EqualTo(("sent", "bob", "replayed", 1)));
            Assert.That(sent.Edit.Content, Is.Null, "who approves has looked before, on record");
            Assert.That(queues.Returned, Has.Count.EqualTo(1));
            Assert.That(queues.Returned[0].Queue, Is.EqualTo("lead-intake"));
            Assert.That(queues.Returned[0].Message.MessageId, Is.EqualTo(asked.MessageId.ToString()).And.Not.EqualTo("order-1"));
            Assert.That(queues.Returned[0].Message.Headers[DeadLetterEditing.Replaces], Is.EqualTo("order-1"));
            Assert.That(System.Text.Encoding.UTF8.GetString(queues.Returned[0].Message.Body), Is.EqualTo("""{"email":"jane.doe@acme.example","company":"Acme"}"""));
            Assert.That((await acts.OfAsync(row, CancellationToken.None)).Select(a => $"{a.Act} by {a.Actor}"), Is.EqualTo(new[] { "edited by ada", "edit_approved by bob" }));
            Assert.That(await SealedAsync(asked.Id), Is.Null, "nothing personal stays");
        }
    }

    [Test]
    public async Task Should_make_one_message_of_two_edits_that_are_approved_at_once()
    {
        var (editing, failed) = (new DeadLetterEditing(letters, acts, Database.Sql, Cipher, time, queues), Failed("no address at once", Now));
        await letters.KeepAsync(failed, CancellationToken.None);
        var first = await AskedAsync(editing, failed.Id, "first@acme.example");
        var second = await AskedAsync(editing, failed.Id, "second@acme.example");
        EditAnswer? other = null, denied = null;
        ReplayReport? replayed = null;
        DiscardAnswer? discarded = null;
        // Between the broker and the record of it: everything that somebody else could do meanwhile.
        queues.Taking = async () =>
        {
            queues.Taking = null;
            other = await editing.ApproveAsync(second.Id, "eve", CancellationToken.None);
            denied = await editing.DenyAsync(first.Id, "No.", "eve", CancellationToken.None);
            replayed = await operations.ReplayAsync(await letters.FindAsync([failed.Id], CancellationToken.None), AtOnce, false, "eve", CancellationToken.None);
            discarded = await operations.DiscardAsync(failed.Id, "No.", "eve", CancellationToken.None);
        };

        var sent = await editing.ApproveAsync(first.Id, "bob", CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((sent.Edit!.State, other!.Code, denied!.Code, replayed!.Refused[0].Code, discarded), Is.EqualTo(("sent", "not-open", "not-open", "not-open", (DiscardAnswer?)DiscardAnswer.NotOpen)));
            Assert.That(queues.Returned, Has.Count.EqualTo(1));
            Assert.That(((await editing.FindAsync(second.Id, CancellationToken.None))!.State, await SealedAsync(second.Id)), Is.EqualTo(("closed", (byte[]?)null)));
            Assert.That(second.MessageId, Is.EqualTo(first.MessageId), "sent after all, it would be the same lead");
        }
    }

    [Test]
    public async Task Should_send_the_same_message_again_after_a_crash_and_nothing_else()
    {
        var (editing, failed) = (new DeadLetterEditing(letters, acts, Database.Sql, Cipher, time, queues), Failed("no address, then a crash", Now));
        await letters.KeepAsync(failed, CancellationToken.None);
        var edit = await AskedAsync(editing, failed.Id, "jane@acme.example");
        queues.Taking = () => throw new IOException("The process is gone.");
        Assert.That(async () => await editing.ApproveAsync(edit.Id, "bob", CancellationToken.None), Throws.TypeOf<IOException>());
        queues.Taking = null;

        var denied = await editing.DenyAsync(edit.Id, "No.", "eve", CancellationToken.None);
        var again = await editing.RequestAsync(failed.Id, new System.Text.Json.Nodes.JsonObject { ["email"] = "other@acme.example" }, "Other.", "ada", CancellationToken.None);
        var waits = (await editing.ListAsync(CancellationToken.None)).Select(e => e.Id).ToList();
        var own = await editing.ApproveAsync(edit.Id, "ada", CancellationToken.None);
        var sent = await editing.ApproveAsync(edit.Id, "eve", CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((denied.Code, again.Code, own.Code), Is.EqualTo(("not-open", "not-open", "own-edit")));
            Assert.That(waits, Has.Member(edit.Id), "somebody has to see that it waits");
            Assert.That((sent.Edit!.State, sent.Edit.DecidedBy), Is.EqualTo(("sent", "bob")));
            Assert.That(queues.Returned.Select(r => r.Message.MessageId), Is.EqualTo(new[] { edit.MessageId.ToString(), edit.MessageId.ToString() }));
            Assert.That((await letters.FindAsync([failed.Id], CancellationToken.None)).Single().State, Is.EqualTo("replayed"));
        }
    }

    [Test]
    public async Task Should_not_send_an_edit_of_a_message_that_is_being_replayed()
    {
        var (editing, failed) = (new DeadLetterEditing(letters, acts, Database.Sql, Cipher, time, queues), Failed("no address, being replayed", Now));
        await letters.KeepAsync(failed, CancellationToken.None);
        var edit = await AskedAsync(editing, failed.Id, "jane@acme.example");
        EditAnswer? approved = null;
        queues.Taking = async () =>
        {
            approved = await editing.ApproveAsync(edit.Id, "bob", CancellationToken.None);
            throw new IOException("The process is gone.");
        };
        var (rows, _) = await operations.SelectAsync(new DeadLetterSelection([failed.Id], null, false), CancellationToken.None);
        Assert.That(async () => await operations.ReplayAsync(rows, AtOnce, false, "ada", CancellationToken.None), Throws.TypeOf<IOException>());
        queues.Taking = null;

        (rows, _) = await operations.SelectAsync(new DeadLetterSelection([failed.Id], null, false), CancellationToken.None);
        var report = await operations.ReplayAsync(rows, AtOnce, false, "ada", CancellationToken.None);

        Assert.That((approved!.Code, report.Replayed, string.Join(',', queues.Returned.Select(r => r.Message.MessageId))), Is.EqualTo(("not-open", 1, "order-1,order-1")));
    }

    [Test]
    public async Task Should_count_a_message_that_somebody_has_died_over_among_those_that_wait()
    {
        var before = await WaitingAsync();
        var failed = Failed("no address, and somebody has died over it", Now);
        await letters.KeepAsync(failed, CancellationToken.None);
        _ = await letters.ClaimAsync(failed.Id, CancellationToken.None);

        var claimed = await WaitingAsync();

        Assert.That(claimed, Is.EqualTo(before + 1));

        async Task<long> WaitingAsync() => (await new BacklogReader(Database.Sql, time).ReadAsync(CancellationToken.None)).DeadLetters.Sum(d => d.Count);
    }

    [Test]
    public async Task Should_close_an_edit_when_its_message_is_replayed()
    {
        var (editing, failed) = (new DeadLetterEditing(letters, acts, Database.Sql, Cipher, time, queues), Failed("no address, replayed", Now));
        await letters.KeepAsync(failed, CancellationToken.None);
        var edit = await AskedAsync(editing, failed.Id, "jane@acme.example");

        _ = await operations.ReplayAsync(await letters.FindAsync([failed.Id], CancellationToken.None), AtOnce, false, "ada", CancellationToken.None);

        Assert.That(((await editing.FindAsync(edit.Id, CancellationToken.None))!.State, await SealedAsync(edit.Id)), Is.EqualTo(("closed", (byte[]?)null)));
    }

    [Test]
    public async Task Should_show_what_an_edit_changes_only_to_one_who_is_on_record_for_it()
    {
        var (editing, failed) = (new DeadLetterEditing(letters, acts, Database.Sql, Cipher, time, queues), Failed("no address, viewed", Now));
        await letters.KeepAsync(failed, CancellationToken.None);
        var edit = await AskedAsync(editing, failed.Id, "jane@acme.example");
        time.Advance(TimeSpan.FromSeconds(1));

        var listed = (await editing.ListAsync(CancellationToken.None)).Single(e => e.Id == edit.Id).Summary();
        var seen = (await editing.ViewAsync(edit.Id, "bob", CancellationToken.None))!.Json();

        var row = (await letters.FindAsync([failed.Id], CancellationToken.None)).Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(listed["changes"]!.ToJsonString(), Is.EqualTo("""[{"path":"email"}]"""));
            Assert.That(seen["changes"]!.ToJsonString(), Is.EqualTo("""[{"path":"email","from":"no address, viewed","to":"jane@acme.example"}]"""));
            Assert.That((await acts.OfAsync(row, CancellationToken.None)).Select(a => $"{a.Act} by {a.Actor}"), Is.EqualTo(new[] { "edited by ada", "viewed by bob" }));
            Assert.That(await editing.ViewAsync(Guid.NewGuid(), "bob", CancellationToken.None), Is.Null);
        }
    }

    [Test]
    public async Task Should_not_send_an_edit_of_another_message_than_the_one_that_was_edited()
    {
        var editing = new DeadLetterEditing(letters, acts, Database.Sql, Cipher, time, queues);
        var lead = await RowAsync(await DeadAsync("why"));
        var failed = Failed("nor this one", Now);
        await letters.KeepAsync(failed, CancellationToken.None);
        var edit = (await editing.RequestAsync(failed.Id, new System.Text.Json.Nodes.JsonObject { ["email"] = "a@acme.example" }, "Why.", "ada", CancellationToken.None)).Edit!;
        var open = (await editing.ListAsync(CancellationToken.None)).Select(e => e.Id).ToList();
        _ = await operations.DiscardAsync(failed.Id, "Noise.", "bob", CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(open, Has.Member(edit.Id));
            Assert.That((await editing.RequestAsync(lead.Id, [], "Why.", "ada", CancellationToken.None)).Code, Is.EqualTo("not-a-message"));
            Assert.That((await editing.ApproveAsync(edit.Id, "bob", CancellationToken.None)).Code, Is.EqualTo("not-open"));
            Assert.That((await editing.DenyAsync(edit.Id, "Gone.", "bob", CancellationToken.None)).Detail, Is.EqualTo("It is closed."));
            Assert.That(await SealedAsync(edit.Id), Is.Null, "nothing personal stays");
            Assert.That(queues.Returned, Is.Empty);
        }
    }

    private static async Task<DeadLetterEdit> AskedAsync(DeadLetterEditing editing, Guid letter, string email) =>
        (await editing.RequestAsync(letter, new System.Text.Json.Nodes.JsonObject { ["email"] = email }, "Why.", "ada", CancellationToken.None)).Edit!;

    private async Task<byte[]?> SealedAsync(Guid edit)
    {
        await using var db = Database.Open();
        return (await db.DeadLetterEdits.AsNoTracking().SingleAsync(e => e.Id == edit)).Detail;
    }

    private static FailedMessage Failed(string email, DateTimeOffset at) => new("lead-intake", "InvalidLeadException", at,
        new QueueMessage(System.Text.Encoding.UTF8.GetBytes($$"""{"email":"{{email}}"}"""), "order-1", "application/json", new Dictionary<string, string>(), "why"));

    private async Task<Guid> DeadAsync(string cause)
    {
        var (work, _) = await store.AddAsync(ALead(), [new AuditFact("intake", "received", [])], []);
        var letter = DeadLetter.Of(work!.Saga, LeadStage.Analysis, cause, null, Now);
        _ = await store.ApplyAsync(work, new SagaMessage.StageFailed(1, LeadStage.Analysis, cause), [], c => c with { DeadLetter = letter });
        return work.Saga.LeadId;
    }

    private async Task<Guid> EndedAsync(LeadStatus status)
    {
        var (work, _) = await store.AddAsync(ALead(), [new AuditFact("intake", "received", [])], []);
        _ = await store.ApplyAsync(work!, new SagaMessage.AnalysisEnded(1, status, "why"), []);
        return work!.Saga.LeadId;
    }

    private async Task<DeadLetterRow> RowAsync(Guid lead)
    {
        await using var db = Database.Open();
        return await db.DeadLetters.AsNoTracking().SingleAsync(d => d.LeadId == lead);
    }

    private async Task<List<string>> ListedAsync() => [.. (await reviews.ListAsync(1000, CancellationToken.None)).Select(i => i!["id"]!.GetValue<string>())];

    private async Task<List<string>> KindsAsync(Guid lead)
    {
        await using var db = Database.Open();
        return await db.AuditEvents.Where(a => a.LeadId == lead).OrderBy(a => a.Seq).Select(a => a.Stage + "." + a.Kind + " by " + a.Actor).ToListAsync();
    }

    private sealed class Queues : IMessageReturn
    {
        public bool Away { get; set; }

        public List<(string Queue, QueueMessage Message)> Returned { get; set; } = [];

        /// <summary>What happens after the broker has taken a message and before anybody knows.</summary>
        public Func<Task>? Taking { get; set; }

        public async Task ReturnAsync(string queue, QueueMessage message, CancellationToken cancellationToken)
        {
            if (Away)
                throw new BusUnavailableException("Away.");
            Returned.Add((queue, message));
            if (Taking is { } taking)
                await taking();
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
