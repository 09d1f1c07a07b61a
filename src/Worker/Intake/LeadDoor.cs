using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Messaging;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Intake;

/// <summary>What a door answers about one lead. A closed family.</summary>
public abstract record DoorAnswer
{
    private DoorAnswer() { }

    /// <summary>It cannot be lost any more.</summary>
    /// <param name="LeadId">Its id.</param>
    /// <param name="Duplicate">Whether it is known to be a copy; false promises nothing.</param>
    public sealed record Accepted(Guid LeadId, bool Duplicate) : DoorAnswer;

    /// <summary>It cannot be taken.</summary>
    /// <param name="Errors">One entry per bad field.</param>
    public sealed record Refused(IReadOnlyList<FieldError> Errors) : DoorAnswer;

    /// <summary>Its key or id belongs to another lead.</summary>
    /// <param name="Error">Which, and what to do.</param>
    public sealed record Taken(FieldError Error) : DoorAnswer;
}

/// <summary>The one way in for leads, whatever they come through: read, check, hand over so that it cannot be lost, answer.</summary>
public sealed class LeadDoor(ILeadBus bus, LeadStore store, KeyDirectory keys, SqlDatabase database, IOptions<IntakeOptions> options, TimeProvider time)
{
    private readonly RecentKeys recent = new(100_000);

    /// <summary>Takes one lead.</summary>
    /// <param name="body">The lead as posted.</param>
    /// <param name="door"><c>api</c>, <c>file</c>…</param>
    /// <param name="trusted">Whether the sender's blocks are believed.</param>
    /// <param name="idempotencyKey">The sender's key, if any.</param>
    /// <param name="bodyHash">SHA-256 of the whole body that came with the key.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    /// <exception cref="BusUnavailableException">It cannot be kept now.</exception>
    public Task<DoorAnswer> TakeAsync(JsonElement body, string door, bool trusted, string? idempotencyKey, string? bodyHash, CancellationToken cancellationToken) =>
        TakeAsync(body, door, trusted, idempotencyKey, bodyHash, time.GetUtcNow(), cancellationToken);

    /// <summary>Takes one lead that came at a time of which the caller knows, such as that of a first attempt: equal leads without a key are one by the time at which they came.</summary>
    /// <inheritdoc cref="TakeAsync(JsonElement, string, bool, string?, string?, CancellationToken)"/>
    public async Task<DoorAnswer> TakeAsync(JsonElement body, string door, bool trusted, string? idempotencyKey, string? bodyHash, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var origin = new LeadOrigin(door, trusted, idempotencyKey, now) { DedupeWindow = options.Value.DedupeWindow };
        switch (LeadReader.Read(body, origin, now))
        {
            case ReadLead.Refused refused:
                return new DoorAnswer.Refused(refused.Errors);
            case ReadLead.Accepted read:
                if (await ConflictAsync(read, bodyHash) is { } taken)
                    return taken;
                var submitted = new LeadSubmitted { LeadId = read.Lead.LeadId, Lead = body, Door = door, Trusted = trusted, IdempotencyKey = idempotencyKey, BodyHash = bodyHash, AcceptedAt = now };
                return await bus.SubmitAsync(submitted, cancellationToken) switch
                {
                    IntakeResult.Duplicate duplicate => new DoorAnswer.Accepted(duplicate.LeadId, true),
                    IntakeResult.Refused { Errors: [var only] } when only == IntakeHandler.IdTaken => new DoorAnswer.Taken(only),
                    IntakeResult.Refused refused => new DoorAnswer.Refused(refused.Errors),
                    _ => new DoorAnswer.Accepted(read.Lead.LeadId, recent.Saw(read.Lead.LeadId)),
                };
            default:
                throw new InvalidOperationException("A lead is either read or refused.");
        }
    }

    private async Task<DoorAnswer.Taken?> ConflictAsync(ReadLead.Accepted read, string? bodyHash)
    {
        try
        {
            if (read.Keys.Stable.FirstOrDefault(k => k.Kind == LeadKeyKind.Idempotency) is { } key && bodyHash is not null)
            {
                var first = recent.BodyOf(key.Value, bodyHash) is { } seen && seen != bodyHash ? seen : (await keys.FindAsync(key.Value))?.BodyHash;
                if (first is not null && first != bodyHash)
                    return new DoorAnswer.Taken(new FieldError("Idempotency-Key", "was used before with another body", "send the same body again, or a new key"));
            }
            if (read.Keys.Stable.Any(k => k.Kind == LeadKeyKind.LeadId) && await store.LoadAsync(read.Lead.LeadId) is { } other && IntakeHandler.IsAnother(other, read))
                return new DoorAnswer.Taken(IntakeHandler.IdTaken);
            return null;
        }
        catch (Exception exception) when (database.IsTransient(exception))
        {
            throw new BusUnavailableException("The database cannot be asked now.", exception);
        }
    }

    /// <summary>What came through this door lately: the consumer may not have stored it yet when the sender tries again.</summary>
    private sealed class RecentKeys(int limit)
    {
        private readonly Dictionary<string, string> bodies = [];
        private readonly HashSet<Guid> leads = [];
        private readonly Queue<object> order = new();
        private readonly Lock gate = new();

        public string? BodyOf(string key, string body)
        {
            lock (gate)
            {
                if (bodies.TryGetValue(key, out var first))
                    return first;
                bodies.Add(key, body);
                Remember(key);
                return null;
            }
        }

        public bool Saw(Guid leadId)
        {
            lock (gate)
            {
                if (!leads.Add(leadId))
                    return true;
                Remember(leadId);
                return false;
            }
        }

        private void Remember(object entry)
        {
            order.Enqueue(entry);
            if (order.Count <= limit)
                return;
            switch (order.Dequeue())
            {
                case string key:
                    _ = bodies.Remove(key);
                    break;
                case Guid lead:
                    _ = leads.Remove(lead);
                    break;
            }
        }
    }
}
