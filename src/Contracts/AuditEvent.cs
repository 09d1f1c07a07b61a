using System.Text.Json;

namespace LeadPipeline.Contracts;

/// <summary>Something that happened to a lead, as published to the <c>lead-audit</c> exchange with routing key <c>stage.kind</c>.</summary>
public sealed record AuditEvent
{
    /// <summary>Deduplicate on this; derived from lead and seq.</summary>
    public required Guid Id { get; init; }
    /// <summary>The lead.</summary>
    public required Guid LeadId { get; init; }
    /// <summary>The run it belongs to; null before the first.</summary>
    public Guid? RunId { get; init; }
    /// <summary>The execution epoch it belongs to; null outside one.</summary>
    public Guid? ExecutionId { get; init; }
    /// <summary>Position in the lead's chain, from 1, without gaps.</summary>
    public required int Seq { get; init; }
    /// <summary>When it happened.</summary>
    public required DateTimeOffset At { get; init; }
    /// <summary>Who did it: <c>worker</c>, or a person.</summary>
    public required string Actor { get; init; }
    /// <summary><c>intake</c>, <c>analysis</c>, <c>grounding</c>, <c>planning</c>, <c>execution</c>, <c>tool</c>, <c>compensation</c>, <c>guard</c>, <c>operator</c> or <c>approval</c>.</summary>
    public required string Stage { get; init; }
    /// <summary>What happened, for example <c>received</c>.</summary>
    public required string Kind { get; init; }
    /// <summary>Details, redacted.</summary>
    public required JsonElement Payload { get; init; }
    /// <summary>Hash of the event before it, hex; 64 zeros for the first.</summary>
    public required string PrevHash { get; init; }
    /// <summary>SHA-256 hex over the canonical bytes of this event's sealed row.</summary>
    public required string Hash { get; init; }
}
