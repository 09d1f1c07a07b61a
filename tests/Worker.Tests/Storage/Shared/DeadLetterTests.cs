using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Saga;
using Microsoft.EntityFrameworkCore;

namespace LeadPipeline.Worker.Tests.Storage;

/// <summary>What operators see of dead letters, as the database keeps them, and what becomes of those that they discard.</summary>
public abstract class DeadLetterTests<TDatabase> : DeadLetterFixture<TDatabase>
    where TDatabase : StorageDatabase, new()
{
    [Test]
    public async Task Should_list_by_cause()
    {
        var cause = "cause-" + Guid.NewGuid().ToString("N");
        var (first, second) = (await DeadAsync(cause), await DeadAsync(cause));

        var groups = await Letters.GroupsAsync("open", CancellationToken.None);
        var items = await Letters.ListAsync("open", "analysis/" + cause, 10, CancellationToken.None);

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
                Assert.That((await Letters.ListAsync("open", null, words, 10, CancellationToken.None)).Select(l => l.LeadId), Is.EqualTo(new Guid?[] { lead }), words);
            Assert.That(await Letters.ListAsync("open", null, "nothing like it", 10, CancellationToken.None), Is.Empty);
        }
    }

    [Test]
    public async Task Should_show_what_was_noted_on_a_group_and_keep_it_sealed()
    {
        var cause = "noted-" + Guid.NewGuid().ToString("N");
        var lead = await DeadAsync(cause);
        await Acts.RecordAsync("ada", DeadLetterActs.Noted, null, "analysis/" + cause, "Ask the vendor on Monday.", CancellationToken.None);

        var of = await Acts.OfAsync(await RowAsync(lead), CancellationToken.None);

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
        _ = await Operations.ReplayAsync([await RowAsync(lead)], AtOnce, false, "ada", CancellationToken.None);
        var work = (await Store.LoadAsync(lead))!;
        var again = DeadLetter.Of(work.Saga, LeadStage.Analysis, cause, null, Now);
        _ = await Store.ApplyAsync(work, new SagaMessage.StageFailed(1, LeadStage.Analysis, cause), [], c => c with { DeadLetter = again });

        var group = (await Letters.GroupsAsync("open", CancellationToken.None)).Single(g => g.Group == "analysis/" + cause);

        Assert.That((group.Count, group.Replayed), Is.EqualTo((2, 1)));
    }

    [Test]
    public async Task Should_keep_a_message_once_sealed_and_return_it_as_it_was()
    {
        var failed = Failed("jane.doe@acme.example", Now);
        await Letters.KeepAsync(failed, CancellationToken.None);
        await Letters.KeepAsync(failed, CancellationToken.None);
        var row = (await Letters.FindAsync([failed.Id], CancellationToken.None)).Single();

        var report = await Operations.ReplayAsync([row], AtOnce, false, "ada", CancellationToken.None);

        var after = (await Letters.FindAsync([failed.Id], CancellationToken.None)).Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(System.Text.Encoding.UTF8.GetString(row.Detail!), Does.Not.Contain("jane.doe"));
            Assert.That(report.Replayed, Is.EqualTo(1));
            Assert.That((Queues.Returned[0].Queue, Queues.Returned[0].Message.MessageId), Is.EqualTo(("lead-intake", "order-1")));
            Assert.That(Queues.Returned[0].Message.Body, Is.EqualTo(failed.Message.Body));
            Assert.That((after.State, after.Replays, after.Detail), Is.EqualTo(("replayed", 1, (byte[]?)null)));
        }
    }

    [Test]
    public async Task Should_open_a_message_again_that_fails_again_and_no_other()
    {
        var failed = Failed("again@acme.example", Now);
        await Letters.KeepAsync(failed, CancellationToken.None);
        _ = await Operations.ReplayAsync(await Letters.FindAsync([failed.Id], CancellationToken.None), AtOnce, false, "ada", CancellationToken.None);

        await Letters.KeepAsync(failed, CancellationToken.None);
        var redelivered = (await Letters.FindAsync([failed.Id], CancellationToken.None)).Single().State;
        await Letters.KeepAsync(failed with { FailedAt = Now.AddSeconds(1) }, CancellationToken.None);
        var row = (await Letters.FindAsync([failed.Id], CancellationToken.None)).Single();

        Assert.That((redelivered, row.State, row.Replays, Letters.Message(row)!.MessageId), Is.EqualTo(("replayed", "open", 1, "order-1")));
    }

    [Test]
    public async Task Should_discard_with_the_reason_on_record()
    {
        var lead = await DeadAsync("why");
        var letter = await RowAsync(lead);
        var failed = Failed("gone@acme.example", Now);
        await Letters.KeepAsync(failed, CancellationToken.None);

        var answers = new[]
        {
            await Operations.DiscardAsync(letter.Id, "A test.", "ada", CancellationToken.None), await Operations.DiscardAsync(letter.Id, "Again.", "ada", CancellationToken.None),
            await Operations.DiscardAsync(failed.Id, "Noise.", "ada", CancellationToken.None), await Operations.DiscardAsync(Guid.NewGuid(), "None.", "ada", CancellationToken.None),
        };

        var message = (await Letters.FindAsync([failed.Id], CancellationToken.None)).Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers, Is.EqualTo(new[] { DiscardAnswer.Done, DiscardAnswer.NotOpen, DiscardAnswer.Done, DiscardAnswer.NotFound }));
            Assert.That(((await RowAsync(lead)).State, (await RowAsync(lead)).Replays), Is.EqualTo(("discarded", 0)));
            Assert.That(await KindsAsync(lead), Has.Exactly(1).EqualTo("operator.discarded by ada"));
            Assert.That((message.State, Letters.Message(message), Letters.Discarded(message)), Is.EqualTo(("discarded", (QueueMessage?)null, new DiscardNote("ada", "Noise."))));
        }
    }
}
