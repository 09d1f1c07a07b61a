using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Approvals;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Messaging;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.DeadLetters;

/// <summary>What came of an order about an edit.</summary>
/// <param name="Edit">The edit as it is now; null: it was refused.</param>
/// <param name="Code">Why it was refused, as a stable code: <c>not-found</c>, <c>not-open</c>, <c>not-a-message</c>, <c>invalid</c>, <c>own-edit</c>, <c>changed-since</c>, <c>no-broker</c>, <c>broker-unavailable</c>.</param>
/// <param name="Detail">What is so, and what to do.</param>
/// <param name="Errors">With <c>invalid</c>: one entry per bad field.</param>
public sealed record EditAnswer(DeadLetterEdit? Edit, string? Code = null, string? Detail = null, IReadOnlyList<FieldError>? Errors = null);

/// <summary>
/// Edits of messages that could not be taken in: one person says how the lead should read, another one approves it, and a new message goes to the queue that the old one came from. The new
/// message has an id of its own and names the one that it replaces; the old one is not sent again.
/// </summary>
public sealed class DeadLetterEditing(DeadLetterStore letters, DeadLetterActs acts, SqlDatabase database, LeadCipher cipher, TimeProvider time, IMessageReturn? queues = null)
{
    /// <summary>The header by which a message names the one that it replaces.</summary>
    public const string Replaces = "leadpipeline-replaces";

    private const string Columns = "id, dead_letter_id, state, requested_by, requested_at, decided_by, message_id, base_hash, detail";

    /// <summary>Asks for an edit.</summary>
    /// <param name="id">The dead letter: an open message from <c>lead-intake</c>.</param>
    /// <param name="lead">The lead as it should read.</param>
    /// <param name="reason">Why.</param>
    /// <param name="actor">Who asks.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<EditAnswer> RequestAsync(Guid id, JsonObject lead, string reason, string actor, CancellationToken cancellationToken)
    {
        if (await letters.FindAsync([id], cancellationToken) is not [var row])
            return new EditAnswer(null, "not-found", "There is no such dead letter.");
        if (row.State != "open" || row.LeadId is not null || letters.Message(row) is not { } message || row.Queue != "lead-intake")
            return new EditAnswer(null, row.State == "open" ? "not-a-message" : "not-open", row.State == "open" ? "Only a message that could not be taken in can be edited; a lead that is on record is replayed." : $"It is {row.State}.");
        var now = AuditChain.Microseconds(time.GetUtcNow());
        var editId = Guid.CreateVersion7(now);
        var baseHash = MessageEdit.Hash(message.Body);
        // Of the message that it replaces and not of the edit: whatever takes the place of one message is one lead, however often and by whichever edit it is sent.
        var messageId = DeterministicId.Create(id, $"edit/{baseHash}");
        if (MessageEdit.Of(message, lead, messageId, now) is not MessageEdit.Edited edited)
            return new EditAnswer(null, "invalid", "The lead cannot be taken in like this either.", ((MessageEdit.Refused)MessageEdit.Of(message, lead, messageId, now)).Errors);
        var edit = new DeadLetterEdit
        {
            Id = editId,
            DeadLetterId = id,
            State = DeadLetterEdit.Open,
            RequestedBy = actor,
            RequestedAt = now,
            MessageId = messageId,
            BaseHash = baseHash,
            Content = new EditContent(edited.Body, edited.Changes, reason),
        };
        var detail = SealedJson.Seal(cipher, edit.Content, editId, EditJson.Default.EditContent);
        await using (var session = await database.OpenAsync(cancellationToken))
        {
            await session.BeginAsync(cancellationToken);
            // Held open until the edit stands: one that came after its letter had gone would be closed by nobody.
            if (await session.ExecuteAsync("UPDATE dead_letters SET state = 'open' WHERE id = @id AND state = 'open'", cancellationToken, ("id", id)) == 0)
                return new EditAnswer(null, "not-open", "Somebody has replayed or discarded it meanwhile.");
            await session.InsertAsync(LeadTables.DeadLetterEdits, [[edit.Id, id, edit.State, actor, now, null, edit.MessageId, edit.BaseHash, detail]], cancellationToken);
            await session.CommitAsync(cancellationToken);
        }
        // Which members, and not what stands in them: that is sealed with the edit.
        await acts.RecordAsync(actor, "edited", id, null, $"{reason} ({string.Join(", ", edited.Changes.Select(c => c.Path))}; edit {edit.Id})", cancellationToken);
        return new EditAnswer(edit);
    }

    /// <summary>
    /// Approves an edit and sends the new message. When it is not known whether the message went out, after a crash or without the broker's answer, the edit stays
    /// <see cref="DeadLetterEdit.Sending"/>: it can only be approved again, by anybody but the one who asked, and that sends the same message with the same id.
    /// </summary>
    /// <param name="id">The edit.</param>
    /// <param name="actor">Who approves; not the one who asked.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<EditAnswer> ApproveAsync(Guid id, string actor, CancellationToken cancellationToken)
    {
        if (await FindAsync(id, cancellationToken) is not { } edit)
            return new EditAnswer(null, "not-found", "There is no such edit.");
        if (edit.State is not (DeadLetterEdit.Open or DeadLetterEdit.Sending) || edit.Content is null)
            return new EditAnswer(null, "not-open", $"It is {edit.State}.");
        if (ApprovalMachine.IsSame(actor, edit.RequestedBy))
            return new EditAnswer(null, "own-edit", "Somebody other than the one who asked for it has to approve it.");
        if (queues is null)
            return new EditAnswer(null, "no-broker", "The message goes to a queue, and no broker is configured here.");
        if (await letters.FindAsync([edit.DeadLetterId], cancellationToken) is not [{ State: "open" or "sending" } row] || letters.Message(row) is not { } old)
            return new EditAnswer(null, "not-open", "The dead letter has been replayed or discarded meanwhile.");
        if (MessageEdit.Hash(old.Body) != edit.BaseHash)
            return new EditAnswer(null, "changed-since", "The dead letter holds another message than the one that was edited; edit it again.");
        if (!await ClaimAsync(edit, actor, cancellationToken))
            return new EditAnswer(null, "not-open", "Somebody else has decided it, or the dead letter has been sent on or discarded meanwhile.");
        var headers = new Dictionary<string, string>(old.Headers) { [Replaces] = old.MessageId ?? edit.DeadLetterId.ToString() };
        try
        {
            // The queue first: a crash in between sends it a second time with the same id; the other way round would lose it.
            await queues.ReturnAsync(row.Queue, new QueueMessage(edit.Content.Body, edit.MessageId.ToString(), old.ContentType, headers, null), cancellationToken);
        }
        catch (BusUnavailableException)
        {
            // A broker that does not answer may have it all the same: given back, it could be denied though it is on its way.
            return new EditAnswer(null, "broker-unavailable", "The broker did not confirm the message; the edit stays as approved and cannot be denied any more. Approve it again.");
        }
        if (!await SentAsync(edit, cancellationToken))
            return new EditAnswer(null, "not-open", "Somebody else has approved it in the same moment; it is one message.");
        await acts.RecordAsync(actor, "edit_approved", edit.DeadLetterId, null, $"message {edit.MessageId} in place of {old.MessageId ?? "one without an id"} (edit {edit.Id})", cancellationToken);
        return new EditAnswer(edit with { State = DeadLetterEdit.Sent, DecidedBy = edit.DecidedBy ?? actor });
    }

    /// <summary>Says no to an edit. Whoever asked for it may take it back like this, too.</summary>
    /// <param name="id">The edit.</param>
    /// <param name="reason">Why.</param>
    /// <param name="actor">Who says so.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<EditAnswer> DenyAsync(Guid id, string reason, string actor, CancellationToken cancellationToken)
    {
        if (await FindAsync(id, cancellationToken) is not { } edit)
            return new EditAnswer(null, "not-found", "There is no such edit.");
        if (edit.State != DeadLetterEdit.Open)
            return new EditAnswer(null, "not-open", $"It is {edit.State}.");
        await using (var session = await database.OpenAsync(cancellationToken))
        {
            // What it held is not wanted: nothing personal stays.
            if (await session.ExecuteAsync("UPDATE dead_letter_edits SET state = 'denied', decided_by = @by, detail = NULL WHERE id = @id AND state = 'open'", cancellationToken, ("by", actor), ("id", edit.Id)) == 0)
                return new EditAnswer(null, "not-open", "Somebody else has decided it.");
        }
        await acts.RecordAsync(actor, "edit_denied", edit.DeadLetterId, null, $"{reason} (edit {edit.Id})", cancellationToken);
        return new EditAnswer(edit with { State = DeadLetterEdit.Denied, DecidedBy = actor });
    }

    /// <summary>Edits that wait for somebody, the oldest first: to be decided, or to be approved again since nobody knows whether they were sent.</summary>
    public async Task<List<DeadLetterEdit>> ListAsync(CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        return await session.QueryAsync($"SELECT {Columns} FROM dead_letter_edits WHERE state IN ('open', 'sending') ORDER BY requested_at, id LIMIT 1000", r => Read(r, session), cancellationToken);
    }

    /// <summary>One edit for somebody who looks at what it changes, which is written down while there is anything to see; null: there is none.</summary>
    /// <param name="id">The edit.</param>
    /// <param name="actor">Who looks.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<DeadLetterEdit?> ViewAsync(Guid id, string actor, CancellationToken cancellationToken)
    {
        if (await FindAsync(id, cancellationToken) is not { } edit)
            return null;
        if (edit.Content is not null)
            await acts.RecordAsync(actor, "viewed", edit.DeadLetterId, null, $"edit {edit.Id}", cancellationToken);
        return edit;
    }

    /// <summary>One edit; null: there is none.</summary>
    public async Task<DeadLetterEdit?> FindAsync(Guid id, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        return await session.QueryAsync($"SELECT {Columns} FROM dead_letter_edits WHERE id = @id", r => Read(r, session), cancellationToken, ("id", id)) is [var edit] ? edit : null;
    }

    /// <summary>Takes the edit and its dead letter at once, or finds them taken for this very edit. False: one of them is not to be had.</summary>
    private async Task<bool> ClaimAsync(DeadLetterEdit edit, string actor, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        await session.BeginAsync(cancellationToken);
        // The letter first: of two edits of one letter, one waits here for the other and then finds it taken.
        var letter = await session.ExecuteAsync("UPDATE dead_letters SET state = 'sending' WHERE id = @letter AND state = 'open'", cancellationToken, ("letter", edit.DeadLetterId));
        var claimed = letter == 1
            ? await session.ExecuteAsync("UPDATE dead_letter_edits SET state = 'sending', decided_by = COALESCE(decided_by, @by) WHERE id = @id AND state IN ('open', 'sending')", cancellationToken, ("by", actor), ("id", edit.Id))
            : (await session.QueryAsync(
                "SELECT 1 FROM dead_letter_edits e JOIN dead_letters d ON d.id = e.dead_letter_id WHERE e.id = @id AND e.state = 'sending' AND d.state = 'sending'", r => r.GetInt32(0), cancellationToken, ("id", edit.Id))).Count;
        if (claimed == 1)
            await session.CommitAsync(cancellationToken);
        return claimed == 1;
    }

    /// <summary>The queue has it: nothing personal stays, neither of the letter nor of the edit. False: somebody else has said so.</summary>
    private async Task<bool> SentAsync(DeadLetterEdit edit, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        await session.BeginAsync(cancellationToken);
        _ = await session.ExecuteAsync("UPDATE dead_letters SET state = 'replayed', replays = replays + 1, detail = NULL WHERE id = @letter AND state = 'sending'", cancellationToken, ("letter", edit.DeadLetterId));
        var sent = await session.ExecuteAsync("UPDATE dead_letter_edits SET state = 'sent', detail = NULL WHERE id = @id AND state = 'sending'", cancellationToken, ("id", edit.Id));
        await DeadLetterStore.CloseEditsAsync(session, edit.DeadLetterId, cancellationToken);
        if (sent == 1)
            await session.CommitAsync(cancellationToken);
        return sent == 1;
    }

    private DeadLetterEdit Read(System.Data.Common.DbDataReader r, SqlSession session)
    {
        var id = r.GetGuid(0);
        var detail = r.IsDBNull(8) ? null : (byte[])r.GetValue(8);
        return new DeadLetterEdit
        {
            Id = id,
            DeadLetterId = r.GetGuid(1),
            State = r.GetString(2),
            RequestedBy = r.GetString(3),
            RequestedAt = session.Time(r, 4),
            DecidedBy = r.IsDBNull(5) ? null : r.GetString(5),
            MessageId = r.GetGuid(6),
            BaseHash = r.GetString(7),
            Content = detail is null ? null : SealedJson.Open(cipher, detail, id, EditJson.Default.EditContent),
        };
    }
}
