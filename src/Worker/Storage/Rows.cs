namespace LeadPipeline.Worker.Storage;

/// <summary>The saga and the lead itself. <see cref="Body"/> is the lead's JSON sealed with its data key.</summary>
public sealed class LeadRow
{
    public Guid Id { get; set; }
    public int Version { get; set; }
    public int Run { get; set; }
    public bool Again { get; set; }
    public required string Status { get; set; }
    public string? Pending { get; set; }
    public int Attempt { get; set; }
    public int Failures { get; set; }
    public DateTimeOffset? DueAt { get; set; }
    public DateTimeOffset? FirstFailedAt { get; set; }
    public int Epoch { get; set; }
    public int? Owner { get; set; }
    public string? Reason { get; set; }
    public int AuditSeq { get; set; }
    public required byte[] AuditHead { get; set; }
    /// <summary>Up to where the audit chain was confirmed by the broker: a mark a lead instead of one an event, so that events stay append-only.</summary>
    public int AuditPublished { get; set; }
    public DateTimeOffset ReceivedAt { get; set; }
    public DateTimeOffset UpdatedAt { get; set; }
    /// <summary>When the sweeper looks at this lead next; null when nothing is outstanding.</summary>
    public DateTimeOffset? SweepAt { get; set; }
    public required string Source { get; set; }
    /// <summary>Keyed hash of the e-mail: two leads of one person have the same.</summary>
    public required string RecordKey { get; set; }
    /// <summary>The lead's data key, wrapped; null once the lead is erased.</summary>
    public byte[]? DataKey { get; set; }
    public required byte[] Body { get; set; }
}

/// <summary>The person that a lead is executed for while its epoch is open: leads of one person are executed one after the other, on all replicas.</summary>
public sealed class PersonInHandRow
{
    /// <summary>The lead's record key.</summary>
    public required string RecordKey { get; set; }
    public Guid LeadId { get; set; }
}

/// <summary>One run of a lead: what was known, what was answered, what of it held, and the plan.</summary>
public sealed class LeadRunRow
{
    public Guid LeadId { get; set; }
    public int Run { get; set; }
    public DateTimeOffset StartedAt { get; set; }
    public required string Analyzer { get; set; }
    public string? ModelVersion { get; set; }
    public string? PromptHash { get; set; }
    public required string SnapshotHash { get; set; }
    public string? GroundingStatus { get; set; }
    public string? Intent { get; set; }
    public string? Decision { get; set; }
    public int? FitScore { get; set; }
    public string? PlanStatus { get; set; }
    public string? PlanHash { get; set; }
    public string? PolicyHash { get; set; }
    public required byte[] Snapshot { get; set; }
    public byte[]? Answer { get; set; }
    public byte[]? Grounding { get; set; }
    public byte[]? Plan { get; set; }
    /// <summary>The hash of all that a model was asked; null without a model.</summary>
    public string? QuestionHash { get; set; }
    /// <summary>How a model was asked, as JSON; without anything of the lead.</summary>
    public string? ModelCall { get; set; }
}

/// <summary>One row of the effects ledger.</summary>
public sealed class EffectRow
{
    /// <summary>When the lead was received: with its id it says where its rows lie. Only read: the committer writes its lead's.</summary>
    public DateTimeOffset ReceivedAt { get; set; }
    public Guid LeadId { get; set; }
    public required string EffectKey { get; set; }
    public int Run { get; set; }
    public int StepIndex { get; set; }
    public required string Step { get; set; }
    public required string Tool { get; set; }
    public required string State { get; set; }
    public string? Object { get; set; }
    public string? RecordId { get; set; }
    public string? RecordVersion { get; set; }
    public string? RequestHash { get; set; }
    /// <summary>The writes, the before-image and the results, sealed.</summary>
    public byte[]? Sealed { get; set; }
    public string? Error { get; set; }
    public DateTimeOffset UpdatedAt { get; set; }
}

/// <summary>A lead that has worked with a record of the CRM which others may work with as well. Whether it still does, the ledger tells.</summary>
public sealed class SharedRecordRow
{
    public required string RecordId { get; set; }
    public Guid LeadId { get; set; }
}

/// <summary>One sealed event of a lead's audit chain.</summary>
public sealed class AuditRow
{
    /// <summary>When the lead was received: with its id it says where its rows lie, and is no part of the event. Only read: the committer writes its lead's.</summary>
    public DateTimeOffset ReceivedAt { get; set; }
    public Guid LeadId { get; set; }
    public int Seq { get; set; }
    public Guid Id { get; set; }
    public int? Run { get; set; }
    public int? Epoch { get; set; }
    public DateTimeOffset At { get; set; }
    public required string Actor { get; set; }
    public required string Stage { get; set; }
    public required string Kind { get; set; }
    public required byte[] Payload { get; set; }
    public required byte[] PrevHash { get; set; }
    public required byte[] Hash { get; set; }
}

/// <summary>
/// What is left of an audit chain that retention removed: how long it was, and the hash that it ended with. The database lets events go only if
/// they are named by such a row, and keeps the row for good.
/// </summary>
public sealed class AuditRemovalRow
{
    public Guid LeadId { get; set; }
    public DateTimeOffset RemovedAt { get; set; }
    public int Events { get; set; }
    public required byte[] Head { get; set; }
    public required string Actor { get; set; }
}

/// <summary>A key under which a lead is known besides the one that its id derives from.</summary>
public sealed class IntakeKeyRow
{
    public required string Key { get; set; }
    public Guid LeadId { get; set; }
    public DateTimeOffset At { get; set; }
    public string? BodyHash { get; set; }
}

/// <summary>An accepted id that turned out to be a copy of an earlier lead.</summary>
public sealed class LeadAliasRow
{
    public Guid AliasId { get; set; }
    public Guid LeadId { get; set; }
    public DateTimeOffset At { get; set; }
}

/// <summary>Something that failed for good and waits for a person.</summary>
public sealed class DeadLetterRow
{
    public Guid Id { get; set; }
    public Guid? LeadId { get; set; }
    public required string Queue { get; set; }
    public required string Fingerprint { get; set; }
    public required string Reason { get; set; }
    public DateTimeOffset At { get; set; }
    public required string State { get; set; }
    public int Replays { get; set; }
    public byte[]? Detail { get; set; }
}

/// <summary>A replay of dead letters that was ordered; the last three are JSON.</summary>
public sealed class ReplayJobRow
{
    public Guid Id { get; set; }
    public int Version { get; set; }
    public required string State { get; set; }
    public required string OrderedBy { get; set; }
    public DateTimeOffset OrderedAt { get; set; }
    public DateTimeOffset UpdatedAt { get; set; }
    public int? Owner { get; set; }
    public required string Pace { get; set; }
    public required string Items { get; set; }
    public required string Progress { get; set; }
}

/// <summary>An edit of a message that could not be taken in.</summary>
public sealed class DeadLetterEditRow
{
    public Guid Id { get; set; }
    public Guid DeadLetterId { get; set; }
    public required string State { get; set; }
    public required string RequestedBy { get; set; }
    public DateTimeOffset RequestedAt { get; set; }
    public string? DecidedBy { get; set; }
    public Guid MessageId { get; set; }
    public required string BaseHash { get; set; }
    /// <summary>The new body and what differs, sealed; null once it is decided.</summary>
    public byte[]? Detail { get; set; }
}

/// <summary>What a person did about dead letters that have no lead, or said about a group of them.</summary>
public sealed class DeadLetterActRow
{
    public Guid Id { get; set; }
    public Guid? DeadLetterId { get; set; }
    public string? Fingerprint { get; set; }
    public DateTimeOffset At { get; set; }
    public required string Actor { get; set; }
    public required string Act { get; set; }
    /// <summary>What was said, sealed with a key of its own that stands before it, wrapped.</summary>
    public byte[]? Detail { get; set; }
}

/// <summary>What a person decided about a run that waited for one. <see cref="Id"/> is the run's, so that there is one verdict on each.</summary>
public sealed class ReviewVerdictRow
{
    public Guid Id { get; set; }
    public Guid LeadId { get; set; }
    public int Run { get; set; }
    /// <summary><c>approved</c> or <c>rejected</c>. Why is in the lead's audit chain, sealed.</summary>
    public required string Verdict { get; set; }
    public required string Actor { get; set; }
    public DateTimeOffset At { get; set; }
    /// <summary>The analysis as the person has corrected it, sealed; null when it was approved as it was, or rejected.</summary>
    public byte[]? Corrections { get; set; }
}

/// <summary>A worker that started once; whether it lives is told by a lock that it holds.</summary>
public sealed class WorkerRow
{
    public int Id { get; set; }
    public required string Name { get; set; }
    public DateTimeOffset StartedAt { get; set; }
}

/// <summary>A fact about this database.</summary>
public sealed class MetaRow
{
    public required string Name { get; set; }
    public required string Value { get; set; }
}

/// <summary>A company of the directory; <see cref="Facts"/> is JSON with the members of <c>enrichment.*</c>.</summary>
public sealed class DirectoryRow
{
    public required string Domain { get; set; }
    public required string Facts { get; set; }
    public DateTimeOffset LoadedAt { get; set; }
}

/// <summary>An answer of an enrichment service; <see cref="Facts"/> is null when it knows no such company.</summary>
public sealed class EnrichmentRow
{
    public required string Key { get; set; }
    public string? Facts { get; set; }
    public DateTimeOffset FetchedAt { get; set; }
}

/// <summary>A call to the mock CRM, redacted.</summary>
public sealed class CrmSyncLogRow
{
    public Guid Id { get; set; }
    public DateTimeOffset At { get; set; }
    public Guid? LeadId { get; set; }
    public required string Call { get; set; }
    public required string Operations { get; set; }
}

/// <summary>A limit that holds over all workers; <see cref="Taken"/> is a <see cref="Mcp.Guards.RateWindow"/>.</summary>
public sealed class RateLimitRow
{
    public required string Name { get; set; }
    public required byte[] Taken { get; set; }
    /// <summary>From when on the row says nothing any more.</summary>
    public DateTimeOffset IdleAt { get; set; }
}

/// <summary>An event of a webhook whose lead could not be read yet.</summary>
public sealed class DeferredEventRow
{
    public Guid Id { get; set; }
    public required string Source { get; set; }
    public required string LeadRef { get; set; }
    public required string LeadKey { get; set; }
    public DateTimeOffset ReceivedAt { get; set; }
    public DateTimeOffset DueAt { get; set; }
    public required string Reason { get; set; }
}

/// <summary>A request for a person's approval.</summary>
public sealed class ApprovalRow
{
    public Guid Id { get; set; }
    public int Version { get; set; }
    public Guid? LeadId { get; set; }
    public int? Run { get; set; }
    public string? Step { get; set; }
    public required string Operation { get; set; }
    public required string ArgumentsHash { get; set; }
    public required string State { get; set; }
    public int Needed { get; set; }
    public required string RequestedBy { get; set; }
    public DateTimeOffset RequestedAt { get; set; }
    public DateTimeOffset ExpiresAt { get; set; }
    /// <summary>What people did about it, as JSON.</summary>
    public required string Acts { get; set; }
    /// <summary>The key of <see cref="Sealed"/>, wrapped; null when it is the lead's.</summary>
    public byte[]? DataKey { get; set; }
    /// <summary>The exact arguments and the reason, sealed.</summary>
    public required byte[] Sealed { get; set; }
}
