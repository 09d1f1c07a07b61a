using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Intake.Webhooks.Payloads;
using LeadPipeline.Worker.Storage.Sql;
using static LeadPipeline.Worker.Storage.Sql.ColumnType;

namespace LeadPipeline.Worker.Intake.Webhooks.Deferred;

/// <summary>The table <c>deferred_events</c>: what senders told of and could not be read yet. It holds their ids, and nothing of a person.</summary>
public sealed class DeferredEventStore(SqlDatabase database, TimeProvider time) : IMessageReturn
{
    private static readonly BulkInsert New = new("deferred_events", "id",
        new("id", Uuid), new("source", Text), new("lead_ref", Text), new("lead_key", Text), new("received_at", Time), new("due_at", Time), new("reason", Text));

    /// <summary>Keeps events; those that are kept already stay as they are. When it returns, none of them can be lost.</summary>
    public async Task KeepAsync(IReadOnlyCollection<DeferredEvent> events, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        await session.BeginAsync(cancellationToken);
        _ = await session.InsertAsync(New,
            [.. events.DistinctBy(e => e.Id).Select(e => new object?[] { e.Id, e.Source, e.Lead.Id, e.Lead.Key, AuditChain.Microseconds(e.ReceivedAt), AuditChain.Microseconds(e.DueAt), e.Reason })], cancellationToken);
        await session.CommitAsync(cancellationToken);
    }

    /// <summary>Events that are due, and those that only waited for a token that is there now; the oldest first.</summary>
    /// <param name="readable">The senders that can be asked.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<List<DeferredEvent>> DueAsync(IReadOnlyList<string> readable, int limit, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var asked = readable.Count == 0 ? "" : "OR (reason = @reason AND {in:source})";
        return await session.QueryAsync(
            $"SELECT source, lead_ref, lead_key, received_at, due_at, reason FROM deferred_events WHERE due_at <= @now {asked} ORDER BY received_at, id LIMIT @limit",
            r => new DeferredEvent(r.GetString(0), new ReferredLead(r.GetString(1), r.GetString(2)), session.Time(r, 3), session.Time(r, 4), r.GetString(5)), cancellationToken,
            ("now", time.GetUtcNow()), ("reason", DeferredEvent.NoToken), ("source", readable.ToArray()), ("limit", limit));
    }

    /// <summary>It waits on.</summary>
    public async Task PutOffAsync(DeferredEvent waiting, DateTimeOffset until, string reason, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        _ = await session.ExecuteAsync("UPDATE deferred_events SET due_at = @until, reason = @reason WHERE id = @id AND received_at = @received", cancellationToken, ("id", waiting.Id), ("received", waiting.ReceivedAt), ("until", AuditChain.Microseconds(until)), ("reason", reason));
    }

    /// <summary>It is somewhere else now, and safe there. One that has come back meanwhile stays.</summary>
    public async Task RemoveAsync(DeferredEvent done, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        _ = await session.ExecuteAsync("DELETE FROM deferred_events WHERE id = @id AND received_at = @received", cancellationToken, ("id", done.Id), ("received", done.ReceivedAt));
    }

    /// <inheritdoc/>
    public async Task ReturnAsync(string queue, QueueMessage message, CancellationToken cancellationToken)
    {
        var waiting = DeferredEvent.Of(queue, message, time.GetUtcNow()) ?? throw new ArgumentException($"{queue} is not a sender's.", nameof(queue));
        // Whoever has just given it up and not removed it yet must not remove the one that has come back. So the row is changed first: if it is
        // gone by then, it is made anew; the other way round it could go in between.
        await using (var session = await database.OpenAsync(cancellationToken))
        {
            _ = await session.ExecuteAsync(
                "UPDATE deferred_events SET received_at = @received, due_at = @due, reason = @reason WHERE id = @id", cancellationToken,
                ("id", waiting.Id), ("received", AuditChain.Microseconds(waiting.ReceivedAt)), ("due", AuditChain.Microseconds(waiting.DueAt)), ("reason", waiting.Reason));
        }
        await KeepAsync([waiting], cancellationToken);
    }
}
