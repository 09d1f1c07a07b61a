using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Intake.Webhooks.Lookups;
using LeadPipeline.Worker.Intake.Webhooks.Payloads;

namespace LeadPipeline.Worker.Intake.Webhooks.Deferred;

/// <summary>A lead that a post only referred to, kept until it can be read at the sender.</summary>
/// <param name="Source">The sender.</param>
/// <param name="Lead">The sender's id for it, and the key that makes it one lead.</param>
/// <param name="ReceivedAt">When it was first told of.</param>
/// <param name="DueAt">When to look at it again.</param>
/// <param name="Reason">Why it waits, as a code.</param>
public sealed record DeferredEvent(string Source, ReferredLead Lead, DateTimeOffset ReceivedAt, DateTimeOffset DueAt, string Reason)
{
    /// <summary>There is no token to read with.</summary>
    public const string NoToken = "no-access-token";

    /// <summary>The sender could not be asked.</summary>
    public const string NotReadable = "not-readable";

    /// <summary>What the queue of its dead letter is called, before the sender's name.</summary>
    public const string QueuePrefix = "webhooks/";

    private static readonly Guid Space = new("5b1a4d0e-1c35-4f0a-8f64-2c7f0f8f3f11");

    /// <summary>The same for the same lead of the same sender, however often it is told of.</summary>
    public Guid Id => DeterministicId.Create(Space, $"{Source}/{Lead.Key}");

    /// <summary>Its dead letter, which can be replayed.</summary>
    /// <param name="reason">Why it was given up.</param>
    /// <param name="now">The time.</param>
    public FailedMessage GivenUp(string reason, DateTimeOffset now) => new(QueuePrefix + Source, reason, now,
        new QueueMessage(JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string> { ["id"] = Lead.Id, ["key"] = Lead.Key }), Lead.Key, "application/json", new Dictionary<string, string>(), null));

    /// <summary>The event of such a dead letter, as if it had come now; null: the message is none.</summary>
    public static DeferredEvent? Of(string queue, QueueMessage message, DateTimeOffset now) =>
        queue.StartsWith(QueuePrefix, StringComparison.Ordinal) && JsonSerializer.Deserialize<Dictionary<string, string>>(message.Body) is { } body && body.TryGetValue("id", out var id) && body.TryGetValue("key", out var key)
            ? new DeferredEvent(queue[QueuePrefix.Length..], new ReferredLead(id, key), now, now, NotReadable)
            : null;
}

/// <summary>What becomes of an event that waited. A closed family.</summary>
public abstract record DeferredStep
{
    private DeferredStep() { }

    /// <summary>It is a lead now.</summary>
    /// <param name="Lead">In the shape of <c>POST /leads</c>.</param>
    public sealed record Take(JsonElement Lead) : DeferredStep;

    /// <summary>It waits on.</summary>
    /// <param name="Until">Until then.</param>
    /// <param name="Reason">Why, as a code.</param>
    public sealed record Wait(DateTimeOffset Until, string Reason) : DeferredStep;

    /// <summary>It goes to the dead letters.</summary>
    /// <param name="Reason">Why, as a code.</param>
    public sealed record GiveUp(string Reason) : DeferredStep;

    /// <summary>Decides by what the sender answered.</summary>
    /// <param name="waiting">The event.</param>
    /// <param name="read">The answer; null: there is no token to ask with.</param>
    /// <param name="maxAge">How long an event may wait in all.</param>
    /// <param name="now">The time.</param>
    public static DeferredStep Decide(DeferredEvent waiting, LookupResult? read, TimeSpan maxAge, DateTimeOffset now)
    {
        var end = waiting.ReceivedAt + maxAge;
        return read switch
        {
            LookupResult.Found found => found.Leads.TryGetValue(waiting.Lead.Id, out var lead) ? lead.At("email") is null ? new GiveUp("no-email") : new Take(lead) : new GiveUp("gone"),
            LookupResult.NotNow trouble => end <= now ? new GiveUp(DeferredEvent.NotReadable) : new Wait(Earlier(end, now + WaitFor(trouble)), DeferredEvent.NotReadable),
            _ => end <= now ? new GiveUp(DeferredEvent.NoToken) : new Wait(end, DeferredEvent.NoToken),
        };
    }

    /// <summary>A sender that says "at once" would be asked without pause.</summary>
    private static TimeSpan WaitFor(LookupResult.NotNow trouble) => trouble.RetryAfter switch
    {
        null => TimeSpan.FromMinutes(1),
        { } wait when wait < ShortestWait => ShortestWait,
        { } wait => wait,
    };

    private static readonly TimeSpan ShortestWait = TimeSpan.FromSeconds(5);

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;
}
