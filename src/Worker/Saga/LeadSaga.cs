using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Saga;

/// <summary>The stages that a lead passes, in order.</summary>
public enum LeadStage
{
    /// <summary>Nothing is outstanding.</summary>
    None,
    /// <summary>Snapshot, analysis, grounding, planning.</summary>
    Analysis,
    /// <summary>Running the plan.</summary>
    Execution,
}

/// <summary>
/// What is remembered of one lead between messages. <see cref="Pending"/> is the command that brings it forward: as long as a lead is
/// not terminal there is one, and whoever finds it unsent may send it again.
/// </summary>
public sealed record LeadSaga
{
    /// <summary>The lead.</summary>
    public required Guid LeadId { get; init; }
    /// <summary>Rises by one with every commit; a commit that expects another version fails.</summary>
    public int Version { get; init; }
    /// <summary>The run, from 1.</summary>
    public int Run { get; init; } = 1;
    /// <summary>Whether this run does once more what earlier runs have done; an operator said so.</summary>
    public bool Again { get; init; }
    /// <summary>Where the lead is.</summary>
    public LeadStatus Status { get; init; }
    /// <summary>The stage whose command is outstanding.</summary>
    public LeadStage Pending { get; init; }
    /// <summary>How often <see cref="Pending"/> was put off; makes its message id.</summary>
    public int Attempt { get; init; }
    /// <summary>How many of these deferrals were for failures, and so use up tries.</summary>
    public int Failures { get; init; }
    /// <summary>When a deferred lead goes on.</summary>
    public DateTimeOffset? DueAt { get; init; }
    /// <summary>The first failure since the last progress.</summary>
    public DateTimeOffset? FirstFailedAt { get; init; }
    /// <summary>Counts executions of the plan within the run; each is committed before its first CRM write.</summary>
    public int Epoch { get; init; }
    /// <summary>The worker that opened the epoch; null when none is open.</summary>
    public int? Owner { get; init; }
    /// <summary>Why the lead stopped or waits, as a stable code.</summary>
    public string? Reason { get; init; }
    /// <summary>The last number in the lead's audit chain.</summary>
    public int AuditSeq { get; init; }
    /// <summary>The hash of the last event in the chain; empty before the first.</summary>
    public byte[] AuditHead { get; init; } = [];
    /// <summary>When the lead was taken in.</summary>
    public DateTimeOffset ReceivedAt { get; init; }
    /// <summary>When it last moved.</summary>
    public DateTimeOffset UpdatedAt { get; init; }
}
