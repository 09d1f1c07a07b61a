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

    // A wrapped data key: nonce, key, tag.
    private const int WrappedKeySize = 12 + 32 + 16;

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
        var messageId = DeterministicId.Create(id, $"edit/{editId}");
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
            BaseHash = MessageEdit.Hash(message.Body),
            Content = new EditContent(edited.Body, edited.Changes, reason),
        };
        var (key, wrapped) = cipher.NewKey(editId);
        byte[] detail = [.. wrapped, .. SealedJson.Seal(key, edit.Content, editId, EditJson.Default.EditContent)];
        await using (var session = await database.OpenAsync(cancellationToken))
        {
            await session.BeginAsync(cancellationToken);
            await session.InsertAsync(LeadTables.DeadLetterEdits, [[edit.Id, id, edit.State, actor, now, null, edit.MessageId, edit.BaseHash, detail]], cancellationToken);
            await session.CommitAsync(cancellationToken);
        }
        // Which members, and not what stands in them: that is sealed with the edit.
        await acts.RecordAsync(actor, "edited", id, null, $"{reason} ({string.Join(", ", edited.Changes.Select(c => c.Path))}; edit {edit.Id})", cancellationToken);
        return new EditAnswer(edit);
    }

    /// <summary>Approves an edit and sends the new message. Approved twice, it is one message: its id is the edit's.</summary>
    /// <param name="id">The edit.</param>
    /// <param name="actor">Who approves; not the one who asked.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<EditAnswer> ApproveAsync(Guid id, string actor, CancellationToken cancellationToken)
    {
        if (await FindAsync(id, cancellationToken) is not { } edit)
            return new EditAnswer(null, "not-found", "There is no such edit.");
        if (edit.State != DeadLetterEdit.Open || edit.Content is null)
            return new EditAnswer(null, "not-open", $"It is {edit.State}.");
        if (ApprovalMachine.IsSame(actor, edit.RequestedBy))
            return new EditAnswer(null, "own-edit", "Somebody other than the one who asked for it has to approve it.");
        if (queues is null)
            return new EditAnswer(null, "no-broker", "The message goes to a queue, and no broker is configured here.");
        if (await letters.FindAsync([edit.DeadLetterId], cancellationToken) is not [{ State: "open" } row] || letters.Message(row) is not { } old)
            return new EditAnswer(null, "not-open", "The dead letter has been replayed or discarded meanwhile.");
        if (MessageEdit.Hash(old.Body) != edit.BaseHash)
            return new EditAnswer(null, "changed-since", "The dead letter holds another message than the one that was edited; edit it again.");
        var headers = new Dictionary<string, string>(old.Headers) { [Replaces] = old.MessageId ?? edit.DeadLetterId.ToString() };
        try
        {
            // The queue first: a crash in between sends it a second time with the same id; the other way round would lose it.
            await queues.ReturnAsync(row.Queue, new QueueMessage(edit.Content.Body, edit.MessageId.ToString(), old.ContentType, headers, null), cancellationToken);
        }
        catch (BusUnavailableException)
        {
            return new EditAnswer(null, "broker-unavailable", "The broker did not take the message; nothing has changed. Try again.");
        }
        await letters.ReturnedAsync(row, cancellationToken);
        return await DecideAsync(edit, DeadLetterEdit.Sent, actor, "edit_approved", $"message {edit.MessageId} in place of {old.MessageId ?? "one without an id"} (edit {edit.Id})", cancellationToken);
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
        return edit.State != DeadLetterEdit.Open
            ? new EditAnswer(null, "not-open", $"It is {edit.State}.")
            : await DecideAsync(edit, DeadLetterEdit.Denied, actor, "edit_denied", $"{reason} (edit {edit.Id})", cancellationToken);
    }

    /// <summary>Edits that wait for somebody, the oldest first.</summary>
    public async Task<List<DeadLetterEdit>> ListAsync(CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        return await session.QueryAsync($"SELECT {Columns} FROM dead_letter_edits WHERE state = 'open' ORDER BY requested_at, id LIMIT 1000", r => Read(r, session), cancellationToken);
    }

    /// <summary>One edit; null: there is none.</summary>
    public async Task<DeadLetterEdit?> FindAsync(Guid id, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        return await session.QueryAsync($"SELECT {Columns} FROM dead_letter_edits WHERE id = @id", r => Read(r, session), cancellationToken, ("id", id)) is [var edit] ? edit : null;
    }

    private async Task<EditAnswer> DecideAsync(DeadLetterEdit edit, string state, string actor, string act, string text, CancellationToken cancellationToken)
    {
        await using (var session = await database.OpenAsync(cancellationToken))
        {
            // What it held is in the queue now, or not wanted: nothing personal stays.
            if (await session.ExecuteAsync("UPDATE dead_letter_edits SET state = @state, decided_by = @by, detail = NULL WHERE id = @id AND state = 'open'", cancellationToken, ("state", state), ("by", actor), ("id", edit.Id)) == 0)
                return new EditAnswer(null, "not-open", "Somebody else has decided it.");
        }
        await acts.RecordAsync(actor, act, edit.DeadLetterId, null, text, cancellationToken);
        return new EditAnswer(edit with { State = state, DecidedBy = actor });
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
            Content = detail is null ? null : SealedJson.Open(cipher.Unwrap(detail[..WrappedKeySize], id), detail[WrappedKeySize..], id, EditJson.Default.EditContent),
        };
    }
}
