using System.Text.Json;

namespace LeadPipeline.Contracts;

/// <summary>
/// A lead as a door took it in, on its way to <c>lead-intake</c>. Other systems may send this envelope, or simply the
/// lead itself as plain JSON.
/// </summary>
public sealed record LeadSubmitted
{
    /// <summary>The id that the door answered; derived again from the keys when missing.</summary>
    public Guid? LeadId { get; init; }
    /// <summary>The lead as a JSON object, members as in <see cref="Contracts.Lead"/>.</summary>
    public required JsonElement Lead { get; init; }
    /// <summary>The door: <c>api</c>, <c>file</c>, <c>queue</c>, or a webhook's or form's name. Also the default source.</summary>
    public string Door { get; init; } = "queue";
    /// <summary>Whether the sender's enrichment, marketing and product blocks are believed.</summary>
    public bool Trusted { get; init; }
    /// <summary>The sender's idempotency key (<c>Idempotency-Key</c>, <c>webhook-id</c>, <c>message-id</c>), if any.</summary>
    public string? IdempotencyKey { get; init; }
    /// <summary>SHA-256 of the body that came with <see cref="IdempotencyKey"/>: another body under the same key is refused at the door.</summary>
    public string? BodyHash { get; init; }
    /// <summary>When the door took it in.</summary>
    public DateTimeOffset? AcceptedAt { get; init; }
}

/// <summary>Order to analyse, ground and plan a lead.</summary>
/// <param name="LeadId">The lead.</param>
/// <param name="Run">The run, from 1.</param>
/// <param name="Attempt">How often the stage was tried before; makes the message id.</param>
public sealed record AnalyzeLead(Guid LeadId, int Run, int Attempt);

/// <summary>Order to run a lead's plan.</summary>
/// <param name="LeadId">The lead.</param>
/// <param name="Run">The run, from 1.</param>
/// <param name="Attempt">How often the stage was tried before; makes the message id.</param>
public sealed record ExecutePlan(Guid LeadId, int Run, int Attempt);
