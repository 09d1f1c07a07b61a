using LeadPipeline.Worker.Saga;

namespace LeadPipeline.Worker.Storage;

/// <summary>One lead's unit of work: the saga's next state and everything that must become durable with it, or not at all.</summary>
public sealed record LeadCommit
{
    /// <summary>The state to store; its version is one above the one that is expected in the database.</summary>
    public required LeadSaga Saga { get; init; }

    /// <summary>Present when the lead is new.</summary>
    public NewLead? New { get; init; }

    /// <summary>The run's record, when this commit makes it.</summary>
    public LeadRunRow? Run { get; init; }

    /// <summary>Ledger rows that are written for the first time.</summary>
    public IReadOnlyList<EffectRow> NewEffects { get; init; } = [];

    /// <summary>Ledger rows that change.</summary>
    public IReadOnlyList<EffectRow> ChangedEffects { get; init; } = [];

    /// <summary>Events that tell of this commit.</summary>
    public IReadOnlyList<AuditRow> Audit { get; init; } = [];

    /// <summary>Keys that the lead occupies from now on.</summary>
    public IReadOnlyList<IntakeKeyRow> Keys { get; init; } = [];

    /// <summary>An id that is a copy of this lead.</summary>
    public LeadAliasRow? Alias { get; init; }

    /// <summary>The dead letter that this commit leaves.</summary>
    public DeadLetterRow? DeadLetter { get; init; }

    /// <summary>Requests for approval that are made, change, or must not have changed. If one has changed meanwhile, the whole unit falls.</summary>
    public IReadOnlyList<ApprovalChange> Approvals { get; init; } = [];

    /// <summary>The state that the lead's open dead letters get: <c>replayed</c> when its run goes on, which also counts them up, or <c>discarded</c>. Null: they stay.</summary>
    public string? DeadLettersBecome { get; init; }

    /// <summary>What a person has decided about the run that waited for one; if there is a verdict on it by now, the whole unit falls. Null: nobody has decided anything.</summary>
    public ReviewVerdictRow? Review { get; init; }

    /// <summary>Destroys what is personal in the lead's rows. Null: nothing is destroyed.</summary>
    public Erasure? Erase { get; init; }

    /// <summary>The person whom the lead is executed for from now on; if another lead holds him, the whole unit falls. Null: that does not change.</summary>
    public string? TakesPerson { get; init; }

    /// <summary>The person whom the lead was executed for and others may be now. Null: that does not change.</summary>
    public string? LeavesPerson { get; init; }

    /// <summary>When the sweeper looks at the lead if nothing happens before.</summary>
    public DateTimeOffset? SweepAt { get; init; }

    /// <summary>Whether it only moves the lead and adds rows, so that nothing but somebody faster can keep it from standing.</summary>
    public bool IsPlain => Approvals.Count == 0 && DeadLettersBecome is null && Review is null && Erase is null;
}

/// <summary>What is stored of a lead once and never changes.</summary>
/// <param name="Source">Its source.</param>
/// <param name="RecordKey">The keyed hash of its e-mail.</param>
/// <param name="DataKey">Its data key, wrapped.</param>
/// <param name="Body">Its JSON, sealed.</param>
public sealed record NewLead(string Source, string RecordKey, byte[] DataKey, byte[] Body);

/// <summary>A request for approval within a unit of work.</summary>
/// <param name="Before">The row as it was read; null: it is new.</param>
/// <param name="After">The row as it is to be; the same as before when it only must not have changed.</param>
public sealed record ApprovalChange(ApprovalRow? Before, ApprovalRow After);

/// <summary>What came of a commit.</summary>
public enum CommitResult
{
    /// <summary>Durable.</summary>
    Committed,
    /// <summary>The saga has moved, or the lead exists already: load it again.</summary>
    Conflict,
    /// <summary>One of the lead's keys belongs to another lead.</summary>
    KeyTaken,
    /// <summary>Another lead of the same person is being executed.</summary>
    Busy,
    /// <summary>A request for approval has changed, or there is a verdict on the run by now: read it again.</summary>
    Outdated,
}
