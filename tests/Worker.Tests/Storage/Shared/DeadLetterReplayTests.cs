using LeadPipeline.Contracts;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using Microsoft.EntityFrameworkCore;

namespace LeadPipeline.Worker.Tests.Storage;

/// <summary>Dead letters that are replayed: each goes on once, whoever dies meanwhile.</summary>
public abstract class DeadLetterReplayTests<TDatabase> : DeadLetterFixture<TDatabase>
    where TDatabase : StorageDatabase, new()
{
    [TestCase(0)]
    [TestCase(1)]
    public async Task Should_go_on_with_a_replay_where_it_was_kept(int keptBefore)
    {
        var jobs = new ReplayJobStore(Database.Sql, Time);
        var rows = new List<DeadLetterRow>();
        for (var i = 0; i < 4; i++)
            rows.Add(await RowAsync(await DeadAsync("job-" + Guid.NewGuid().ToString("N"))));
        var job = await jobs.AddAsync(rows, AtOnce, "ada", CancellationToken.None);
        // A worker sends two on and dies before it can keep that it has, once with nothing kept at all.
        _ = await Operations.ReplayAsync(rows[..2], AtOnce, false, "ada", CancellationToken.None);
        var kept = (await jobs.SaveAsync(job, job with { Progress = new ReplayProgress { Next = keptBefore, Replayed = keptBefore } }, CancellationToken.None))!;

        var found = (await jobs.FindAsync(job.Id, CancellationToken.None))!;
        var progress = await Operations.ReplayAsync(found.Items, found.Pace, false, found.OrderedBy, found.Progress, isTakenOver: true, _ => Task.FromResult(true), CancellationToken.None);
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

        var first = await Operations.ReplayAsync([row], AtOnce, false, "ada", CancellationToken.None);
        var second = await Operations.ReplayAsync([row], AtOnce, false, "bob", CancellationToken.None);

        var after = await RowAsync(lead);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((first.Replayed, second.Replayed, second.Refused[0].Code), Is.EqualTo((1, 0, "not-open")));
            Assert.That((after.State, after.Replays), Is.EqualTo(("replayed", 1)));
            Assert.That(((await Store.LoadAsync(lead))!.Saga.Run, (await Store.LoadAsync(lead))!.Saga.Status), Is.EqualTo((1, LeadStatus.Received)));
        }
    }

    [Test]
    public async Task Should_go_on_behind_what_cannot_be_read()
    {
        var lead = await DeadAsync("why");
        var message = Failed("jane@acme.example", Now);
        await Letters.KeepAsync(message, CancellationToken.None);
        var (unreadable, readable) = (await RowAsync(lead), await RowAsync(await DeadAsync("why")));
        await Acts.RecordAsync("ada", DeadLetterActs.Noted, null, "why", "Known.", CancellationToken.None);
        await using (var db = Database.Open())
        {
            (await db.Leads.SingleAsync(l => l.Id == lead)).DataKey = [0];
            (await db.DeadLetters.SingleAsync(d => d.Id == message.Id)).Detail = [0];
            (await db.DeadLetterActs.SingleAsync(a => a.Act == DeadLetterActs.Noted && a.Fingerprint == "why")).Detail = [0];
            _ = await db.SaveChangesAsync();
        }
        DeadLetterRow[] rows = [unreadable, .. await Letters.FindAsync([message.Id], CancellationToken.None), readable];

        var preview = await Operations.PreviewAsync(rows, CancellationToken.None);
        var report = await Operations.ReplayAsync(rows, AtOnce, false, "ada", CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(preview.Select(i => i!["would"]![0]!["action"]!.ToString()), Is.EqualTo(new[] { "unreadable", "return-to-queue", "analyze" }));
            Assert.That((report.Replayed, string.Join(' ', report.Refused.Select(r => r.Code))), Is.EqualTo((1, "unreadable unreadable")));
            Assert.That((await RowAsync(readable.LeadId!.Value)).State, Is.EqualTo("replayed"));
            Assert.That((await Acts.NotesAsync(CancellationToken.None)).Single(n => n.Group == "why").Text, Does.StartWith("[cannot be read"));
        }
    }

    [Test]
    public async Task Should_stay_stopped_when_its_worker_dies_before_it_can_end_the_job()
    {
        var rows = new List<DeadLetterRow>();
        for (var i = 0; i < 3; i++)
            rows.Add(await RowAsync(await DeadAsync("stopped")));
        var items = rows.ConvertAll(r => new ReplayItem(r.Id, r.LeadId, r.Fingerprint));
        var kept = new ReplayProgress { Next = 1, Replayed = 1, WaveStart = 1, Failed = 1, Stopped = "same-failure" };

        var progress = await Operations.ReplayAsync(items, new ReplayPace(Ramp: true, null, TimeSpan.FromMinutes(1)), true, "ada", kept, isTakenOver: true, _ => Task.FromResult(true), CancellationToken.None);

        Assert.That((progress, (await RowAsync(rows[1].LeadId!.Value)).State), Is.EqualTo((kept, "open")));
    }

    [Test]
    public async Task Should_not_begin_a_run_of_a_lead_that_has_ended_well_meanwhile()
    {
        var lead = await DeadAsync("why");
        var row = await RowAsync(lead);
        _ = await Operations.ReplayAsync([row], AtOnce, false, "ada", CancellationToken.None);
        _ = await Store.ApplyAsync((await Store.LoadAsync(lead))!, new SagaMessage.AnalysisEnded(1, LeadStatus.Blocked, "policy"), []);

        var report = await Operations.ReplayAsync([row], AtOnce, false, "bob", CancellationToken.None);

        Assert.That((report.Replayed, (await Store.LoadAsync(lead))!.Saga.Run), Is.EqualTo((0, 1)));
    }

    [Test]
    public async Task Should_stop_a_ramp_when_the_same_failure_comes_back()
    {
        var rows = new List<DeadLetterRow>();
        for (var i = 0; i < 4; i++)
            rows.Add(await RowAsync(await DeadAsync("still-broken")));

        // Fails again at once, as it would in a worker.
        var replaying = Operations.ReplayAsync(rows, new ReplayPace(Ramp: true, null, TimeSpan.FromMinutes(1)), false, "ada", CancellationToken.None);
        await Eventually.ShouldAsync(async () =>
        {
            if (await Store.LoadAsync(rows[0].LeadId!.Value) is not { Saga.Status: LeadStatus.Received } work)
                return false;
            var letter = DeadLetter.Of(work.Saga, LeadStage.Analysis, "still-broken", null, Now);
            return (await Store.ApplyAsync(work, new SagaMessage.StageFailed(1, LeadStage.Analysis, "still-broken"), [], c => c with { DeadLetter = letter })).Took;
        }, "fail again");
        await Eventually.ShouldAsync(() =>
        {
            Time.Advance(TimeSpan.FromMilliseconds(300));
            return Task.FromResult(replaying.IsCompleted);
        }, "stop");

        var report = await replaying;
        Assert.That((report.Replayed, report.Failed, report.Stopped), Is.EqualTo((1, 1, "same-failure")));
    }

    [TestCase(1)]
    [TestCase(-30)]
    public async Task Should_not_lose_a_message_that_fails_again_before_its_replay_is_written_down(int secondsLaterByTheirClock)
    {
        var failed = Failed($"quick{secondsLaterByTheirClock}@acme.example", Now);
        await Letters.KeepAsync(failed, CancellationToken.None);
        Queues.Taking = () => Letters.KeepAsync(failed with { FailedAt = Now.AddSeconds(secondsLaterByTheirClock) }, CancellationToken.None);

        var report = await Operations.ReplayAsync(await Letters.FindAsync([failed.Id], CancellationToken.None), AtOnce, false, "ada", CancellationToken.None);

        var row = (await Letters.FindAsync([failed.Id], CancellationToken.None)).Single();
        Assert.That((report.Replayed, row.State, row.Replays, Letters.Message(row)?.MessageId), Is.EqualTo((1, "open", 1, "order-1")));
    }

    [Test]
    public async Task Should_keep_a_message_that_the_broker_does_not_take()
    {
        var failed = Failed("away@acme.example", Now);
        await Letters.KeepAsync(failed, CancellationToken.None);
        Queues.Away = true;

        var report = await Operations.ReplayAsync(await Letters.FindAsync([failed.Id], CancellationToken.None), AtOnce, false, "ada", CancellationToken.None);

        var row = (await Letters.FindAsync([failed.Id], CancellationToken.None)).Single();
        Assert.That((report.Refused[0].Code, row.State, Letters.Message(row) is not null), Is.EqualTo(("broker-unavailable", "open", true)));
    }
}
