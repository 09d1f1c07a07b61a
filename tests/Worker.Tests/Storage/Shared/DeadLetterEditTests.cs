using System.Text.Json.Nodes;
using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Telemetry;
using Microsoft.EntityFrameworkCore;

namespace LeadPipeline.Worker.Tests.Storage;

/// <summary>Messages that are mended before they are replayed, by one and with the consent of another.</summary>
public abstract class DeadLetterEditTests<TDatabase> : DeadLetterFixture<TDatabase>
    where TDatabase : StorageDatabase, new()
{
    [Test]
    public async Task Should_send_an_edited_message_when_somebody_else_has_approved_it()
    {
        var editing = Editing();
        var failed = Failed("not an address", Now);
        await Letters.KeepAsync(failed, CancellationToken.None);
        var lead = new JsonObject { ["email"] = "jane.doe@acme.example", ["company"] = "Acme" };

        var still = await editing.RequestAsync(failed.Id, new JsonObject { ["email"] = "also none" }, "Try.", "ada", CancellationToken.None);
        var asked = (await editing.RequestAsync(failed.Id, lead, "The form lost it.", "ada", CancellationToken.None)).Edit!;
        var own = await editing.ApproveAsync(asked.Id, "cli:Ada ", CancellationToken.None);
        var sealedRow = await SealedAsync(asked.Id);
        Queues.Away = true;
        var away = await editing.ApproveAsync(asked.Id, "bob", CancellationToken.None);
        Queues.Away = false;
        Time.Advance(TimeSpan.FromSeconds(1));
        var sent = await editing.ApproveAsync(asked.Id, "bob", CancellationToken.None);
        var late = await editing.ApproveAsync(asked.Id, "eve", CancellationToken.None);

        var row = (await Letters.FindAsync([failed.Id], CancellationToken.None)).Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((still.Code, still.Errors![0].Field), Is.EqualTo(("invalid", "email")));
            Assert.That(asked.Content!.Changes.Select(c => $"{c.Path}: {c.From} -> {c.To}"), Is.EqualTo(new[] { "company:  -> Acme", "email: not an address -> jane.doe@acme.example" }));
            Assert.That((own.Code, away.Code, late.Code), Is.EqualTo(("own-edit", "broker-unavailable", "not-open")));
            Assert.That(System.Text.Encoding.UTF8.GetString(sealedRow!), Does.Not.Contain("jane.doe"));
            Assert.That((sent.Edit!.State, sent.Edit.DecidedBy, row.State, row.Replays), Is.EqualTo(("sent", "bob", "replayed", 1)));
            Assert.That(sent.Edit.Content, Is.Null, "who approves has looked before, on record");
            Assert.That(Queues.Returned, Has.Count.EqualTo(1));
            Assert.That(Queues.Returned[0].Queue, Is.EqualTo("lead-intake"));
            Assert.That(Queues.Returned[0].Message.MessageId, Is.EqualTo(asked.MessageId.ToString()).And.Not.EqualTo("order-1"));
            Assert.That(Queues.Returned[0].Message.Headers[DeadLetterEditing.Replaces], Is.EqualTo("order-1"));
            Assert.That(System.Text.Encoding.UTF8.GetString(Queues.Returned[0].Message.Body), Is.EqualTo("""{"email":"jane.doe@acme.example","company":"Acme"}"""));
            Assert.That((await Acts.OfAsync(row, CancellationToken.None)).Select(a => $"{a.Act} by {a.Actor}"), Is.EqualTo(new[] { "edited by ada", "edit_approved by bob" }));
            Assert.That(await SealedAsync(asked.Id), Is.Null, "nothing personal stays");
        }
    }

    [Test]
    public async Task Should_make_one_message_of_two_edits_that_are_approved_at_once()
    {
        var (editing, failed) = (Editing(), Failed("no address at once", Now));
        await Letters.KeepAsync(failed, CancellationToken.None);
        var first = await AskedAsync(editing, failed.Id, "first@acme.example");
        var second = await AskedAsync(editing, failed.Id, "second@acme.example");
        EditAnswer? other = null, denied = null;
        ReplayReport? replayed = null;
        DiscardAnswer? discarded = null;
        // Between the broker and the record of it: everything that somebody else could do meanwhile.
        Queues.Taking = async () =>
        {
            Queues.Taking = null;
            other = await editing.ApproveAsync(second.Id, "eve", CancellationToken.None);
            denied = await editing.DenyAsync(first.Id, "No.", "eve", CancellationToken.None);
            replayed = await Operations.ReplayAsync(await Letters.FindAsync([failed.Id], CancellationToken.None), AtOnce, false, "eve", CancellationToken.None);
            discarded = await Operations.DiscardAsync(failed.Id, "No.", "eve", CancellationToken.None);
        };

        var sent = await editing.ApproveAsync(first.Id, "bob", CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((sent.Edit!.State, other!.Code, denied!.Code, replayed!.Refused[0].Code, discarded), Is.EqualTo(("sent", "not-open", "not-open", "not-open", (DiscardAnswer?)DiscardAnswer.NotOpen)));
            Assert.That(Queues.Returned, Has.Count.EqualTo(1));
            Assert.That(((await editing.FindAsync(second.Id, CancellationToken.None))!.State, await SealedAsync(second.Id)), Is.EqualTo(("closed", (byte[]?)null)));
            Assert.That(second.MessageId, Is.EqualTo(first.MessageId), "sent after all, it would be the same lead");
        }
    }

    [Test]
    public async Task Should_send_the_same_message_again_after_a_crash_and_nothing_else()
    {
        var (editing, failed) = (Editing(), Failed("no address, then a crash", Now));
        await Letters.KeepAsync(failed, CancellationToken.None);
        var edit = await AskedAsync(editing, failed.Id, "jane@acme.example");
        Queues.Taking = () => throw new IOException("The process is gone.");
        Assert.That(async () => await editing.ApproveAsync(edit.Id, "bob", CancellationToken.None), Throws.TypeOf<IOException>());
        Queues.Taking = null;

        var denied = await editing.DenyAsync(edit.Id, "No.", "eve", CancellationToken.None);
        var again = await editing.RequestAsync(failed.Id, new JsonObject { ["email"] = "other@acme.example" }, "Other.", "ada", CancellationToken.None);
        var waits = (await editing.ListAsync(CancellationToken.None)).Select(e => e.Id).ToList();
        var own = await editing.ApproveAsync(edit.Id, "ada", CancellationToken.None);
        var sent = await editing.ApproveAsync(edit.Id, "eve", CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((denied.Code, again.Code, own.Code), Is.EqualTo(("not-open", "not-open", "own-edit")));
            Assert.That(waits, Has.Member(edit.Id), "somebody has to see that it waits");
            Assert.That((sent.Edit!.State, sent.Edit.DecidedBy), Is.EqualTo(("sent", "bob")));
            Assert.That(Queues.Returned.Select(r => r.Message.MessageId), Is.EqualTo(new[] { edit.MessageId.ToString(), edit.MessageId.ToString() }));
            Assert.That((await Letters.FindAsync([failed.Id], CancellationToken.None)).Single().State, Is.EqualTo("replayed"));
        }
    }

    [Test]
    public async Task Should_not_send_an_edit_of_a_message_that_is_being_replayed()
    {
        var (editing, failed) = (Editing(), Failed("no address, being replayed", Now));
        await Letters.KeepAsync(failed, CancellationToken.None);
        var edit = await AskedAsync(editing, failed.Id, "jane@acme.example");
        EditAnswer? approved = null;
        Queues.Taking = async () =>
        {
            approved = await editing.ApproveAsync(edit.Id, "bob", CancellationToken.None);
            throw new IOException("The process is gone.");
        };
        var (rows, _) = await Operations.SelectAsync(new DeadLetterSelection([failed.Id], null, false), CancellationToken.None);
        Assert.That(async () => await Operations.ReplayAsync(rows, AtOnce, false, "ada", CancellationToken.None), Throws.TypeOf<IOException>());
        Queues.Taking = null;

        (rows, _) = await Operations.SelectAsync(new DeadLetterSelection([failed.Id], null, false), CancellationToken.None);
        var report = await Operations.ReplayAsync(rows, AtOnce, false, "ada", CancellationToken.None);

        Assert.That((approved!.Code, report.Replayed, string.Join(',', Queues.Returned.Select(r => r.Message.MessageId))), Is.EqualTo(("not-open", 1, "order-1,order-1")));
    }

    [Test]
    public async Task Should_count_a_message_that_somebody_has_died_over_among_those_that_wait()
    {
        var before = await WaitingAsync();
        var failed = Failed("no address, and somebody has died over it", Now);
        await Letters.KeepAsync(failed, CancellationToken.None);
        _ = await Letters.ClaimAsync(failed.Id, CancellationToken.None);

        var claimed = await WaitingAsync();

        Assert.That(claimed, Is.EqualTo(before + 1));

        async Task<long> WaitingAsync() => (await new BacklogReader(Database.Sql, Time).ReadAsync(CancellationToken.None)).DeadLetters.Sum(d => d.Count);
    }

    [Test]
    public async Task Should_close_an_edit_when_its_message_is_replayed()
    {
        var (editing, failed) = (Editing(), Failed("no address, replayed", Now));
        await Letters.KeepAsync(failed, CancellationToken.None);
        var edit = await AskedAsync(editing, failed.Id, "jane@acme.example");

        _ = await Operations.ReplayAsync(await Letters.FindAsync([failed.Id], CancellationToken.None), AtOnce, false, "ada", CancellationToken.None);

        Assert.That(((await editing.FindAsync(edit.Id, CancellationToken.None))!.State, await SealedAsync(edit.Id)), Is.EqualTo(("closed", (byte[]?)null)));
    }

    [Test]
    public async Task Should_show_what_an_edit_changes_only_to_one_who_is_on_record_for_it()
    {
        var (editing, failed) = (Editing(), Failed("no address, viewed", Now));
        await Letters.KeepAsync(failed, CancellationToken.None);
        var edit = await AskedAsync(editing, failed.Id, "jane@acme.example");
        Time.Advance(TimeSpan.FromSeconds(1));

        var listed = (await editing.ListAsync(CancellationToken.None)).Single(e => e.Id == edit.Id).Summary();
        var seen = (await editing.ViewAsync(edit.Id, "bob", CancellationToken.None))!.Json();

        var row = (await Letters.FindAsync([failed.Id], CancellationToken.None)).Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(listed["changes"]!.ToJsonString(), Is.EqualTo("""[{"path":"email"}]"""));
            Assert.That(seen["changes"]!.ToJsonString(), Is.EqualTo("""[{"path":"email","from":"no address, viewed","to":"jane@acme.example"}]"""));
            Assert.That((await Acts.OfAsync(row, CancellationToken.None)).Select(a => $"{a.Act} by {a.Actor}"), Is.EqualTo(new[] { "edited by ada", "viewed by bob" }));
            Assert.That(await editing.ViewAsync(Guid.NewGuid(), "bob", CancellationToken.None), Is.Null);
        }
    }

    [Test]
    public async Task Should_not_send_an_edit_of_another_message_than_the_one_that_was_edited()
    {
        var editing = Editing();
        var lead = await RowAsync(await DeadAsync("why"));
        var failed = Failed("nor this one", Now);
        await Letters.KeepAsync(failed, CancellationToken.None);
        var edit = (await editing.RequestAsync(failed.Id, new JsonObject { ["email"] = "a@acme.example" }, "Why.", "ada", CancellationToken.None)).Edit!;
        var open = (await editing.ListAsync(CancellationToken.None)).Select(e => e.Id).ToList();
        _ = await Operations.DiscardAsync(failed.Id, "Noise.", "bob", CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(open, Has.Member(edit.Id));
            Assert.That((await editing.RequestAsync(lead.Id, [], "Why.", "ada", CancellationToken.None)).Code, Is.EqualTo("not-a-message"));
            Assert.That((await editing.ApproveAsync(edit.Id, "bob", CancellationToken.None)).Code, Is.EqualTo("not-open"));
            Assert.That((await editing.DenyAsync(edit.Id, "Gone.", "bob", CancellationToken.None)).Detail, Is.EqualTo("It is closed."));
            Assert.That(await SealedAsync(edit.Id), Is.Null, "nothing personal stays");
            Assert.That(Queues.Returned, Is.Empty);
        }
    }

    private static async Task<DeadLetterEdit> AskedAsync(DeadLetterEditing editing, Guid letter, string email) =>
        (await editing.RequestAsync(letter, new JsonObject { ["email"] = email }, "Why.", "ada", CancellationToken.None)).Edit!;

    private async Task<byte[]?> SealedAsync(Guid edit)
    {
        await using var db = Database.Open();
        return (await db.DeadLetterEdits.AsNoTracking().SingleAsync(e => e.Id == edit)).Detail;
    }

    private DeadLetterEditing Editing() => new(Letters, Acts, Database.Sql, Cipher, Time, Queues);
}
