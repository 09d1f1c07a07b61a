using LeadPipeline.Contracts;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage.Sql;
using static LeadPipeline.Worker.Storage.Sql.ColumnType;

namespace LeadPipeline.Worker.Storage;

/// <summary>The hot tables as the committer writes them: columns on the left, the values of a row in the same order on the right.</summary>
internal static class LeadTables
{
    private static readonly Column[] SagaColumns =
    [
        new("version", Int), new("run", Int), new("status", Text), new("pending", Text), new("attempt", Int), new("failures", Int),
        new("due_at", Time), new("first_failed_at", Time), new("epoch", Int), new("owner", Int), new("reason", Text),
        new("audit_seq", Int), new("audit_head", Bytes), new("updated_at", Time), new("sweep_at", Time), new("again", Bool),
    ];

    private static object?[] SagaValues(LeadCommit c) =>
    [
        c.Saga.Version, c.Saga.Run, Name(c.Saga.Status), Name(c.Saga.Pending), c.Saga.Attempt, c.Saga.Failures,
        c.Saga.DueAt, c.Saga.FirstFailedAt, c.Saga.Epoch, c.Saga.Owner, c.Saga.Reason,
        c.Saga.AuditSeq, c.Saga.AuditHead, c.Saga.UpdatedAt, c.SweepAt, c.Saga.Again,
    ];

    /// <summary>The tools that find a record that is there or make it, so that several leads may come to work with one.</summary>
    public static readonly string[] ToolsOfSharedRecords = ["upsert_lead", "match_account", "create_contact", "attach_campaign"];

    public static readonly BulkInsert NewLeads = new("leads", "id",
        [new("id", Uuid), .. SagaColumns, new("audit_published", Int), new("received_at", Time), new("source", Text), new("record_key", Text), new("data_key", Bytes), new("body", Bytes)]);

    public static object?[] NewLeadRow(LeadCommit c) =>
        [c.Saga.LeadId, .. SagaValues(c), 0, c.Saga.ReceivedAt, c.New!.Source, c.New.RecordKey, c.New.DataKey, c.New.Body];

    public static readonly BulkUpdate MoveLeads = new("leads", new("id", Uuid), [new("version", Int)], SagaColumns);

    public static object?[] MoveLeadRow(LeadCommit c) => [c.Saga.LeadId, c.Saga.Version - 1, .. SagaValues(c)];

    /// <summary>Only while no event has been added since: the commit that adds one sees to its own publishing.</summary>
    public static readonly BulkUpdate AuditPublished = new("leads", new("id", Uuid), [new("audit_seq", Int)], new("audit_published", Int), new("sweep_at", Time));

    public static readonly BulkInsert PeopleInHand = new("people_in_hand", "record_key", new("record_key", Text), new("lead_id", Uuid));

    /// <summary>Lets go of the people whom some leads hold: a lead holds nobody but its own person, so that the lists need not be in pairs.</summary>
    public const string LeavePeople = "DELETE FROM people_in_hand WHERE {in:record_key} AND {in:lead_id}";

    public static readonly BulkInsert Runs = new("lead_runs", "lead_id",
        new("lead_id", Uuid), new("run", Int), new("started_at", Time), new("analyzer", Text), new("model_version", Text), new("prompt_hash", Text),
        new("snapshot_hash", Text), new("grounding_status", Text), new("intent", Text), new("decision", Text), new("fit_score", Int),
        new("plan_status", Text), new("plan_hash", Text), new("policy_hash", Text),
        new("snapshot", Bytes), new("answer", Bytes), new("grounding", Bytes), new("plan", Bytes), new("question_hash", Text), new("model_call", Text));

    public static object?[] RunRow(LeadRunRow r) =>
    [
        r.LeadId, r.Run, r.StartedAt, r.Analyzer, r.ModelVersion, r.PromptHash, r.SnapshotHash, r.GroundingStatus, r.Intent, r.Decision, r.FitScore,
        r.PlanStatus, r.PlanHash, r.PolicyHash, r.Snapshot, r.Answer, r.Grounding, r.Plan, r.QuestionHash, r.ModelCall,
    ];

    /// <summary>
    /// Where a lead's ledger and events are found. Their keys begin with the time at which it was received, so that leads that are in hand together share pages of the index.
    /// </summary>
    public const string RowsOfLead = "received_at = (SELECT received_at FROM leads WHERE id = @lead) AND lead_id = @lead";

    public static readonly BulkInsert NewEffects = new("effects", "effect_key",
        new("received_at", Time), new("lead_id", Uuid), new("effect_key", Text), new("run", Int), new("step_index", Int), new("step", Text), new("tool", Text), new("state", Text),
        new("object", Text), new("record_id", Text), new("record_version", Text), new("request_hash", Text), new("sealed", Bytes), new("error", Text), new("updated_at", Time));

    public static IEnumerable<object?[]> NewEffectRows(LeadCommit c) => c.NewEffects.Select(e => new object?[]
    {
        c.Saga.ReceivedAt, e.LeadId, e.EffectKey, e.Run, e.StepIndex, e.Step, e.Tool, e.State,
        e.Object, e.RecordId, e.RecordVersion, e.RequestHash, e.Sealed, e.Error, e.UpdatedAt,
    });

    /// <summary>What is compared besides the key says in which corner of the index to look.</summary>
    public static readonly BulkUpdate ChangeEffects = new("effects", new("effect_key", Text), [new("received_at", Time), new("lead_id", Uuid)],
        new("state", Text), new("object", Text), new("record_id", Text), new("record_version", Text), new("request_hash", Text), new("sealed", Bytes), new("error", Text), new("updated_at", Time));

    public static object?[] ChangeEffectRow(LeadCommit c, EffectRow e) =>
        [e.EffectKey, c.Saga.ReceivedAt, e.LeadId, e.State, e.Object, e.RecordId, e.RecordVersion, e.RequestHash, e.Sealed, e.Error, e.UpdatedAt];

    public static readonly BulkInsert SharedRecords = new("shared_records", "record_id", new("record_id", Text), new("lead_id", Uuid));

    /// <summary>The records that the lead comes to work with in this commit, and that others may work with.</summary>
    public static IEnumerable<object?[]> SharedRecordRows(LeadCommit c) => c.NewEffects.Concat(c.ChangedEffects)
        .Where(e => e.RecordId is not null && ToolsOfSharedRecords.Contains(e.Tool))
        .Select(e => new object?[] { e.RecordId, e.LeadId });

    public static readonly BulkInsert Audit = new("audit_events", "id",
        new("received_at", Time), new("lead_id", Uuid), new("seq", Int), new("id", Uuid), new("run", Int), new("epoch", Int), new("at", Time), new("actor", Text),
        new("stage", Text), new("kind", Text), new("payload", Bytes), new("prev_hash", Bytes), new("hash", Bytes));

    public static IEnumerable<object?[]> AuditRows(LeadCommit c) =>
        c.Audit.Select(a => new object?[] { c.Saga.ReceivedAt, a.LeadId, a.Seq, a.Id, a.Run, a.Epoch, a.At, a.Actor, a.Stage, a.Kind, a.Payload, a.PrevHash, a.Hash });

    public static readonly BulkInsert Keys = new("intake_keys", "key", new("key", Text), new("lead_id", Uuid), new("at", Time), new("body_hash", Text));

    public static object?[] KeyRow(IntakeKeyRow k) => [k.Key, k.LeadId, k.At, k.BodyHash];

    public static readonly BulkInsert Aliases = new("lead_aliases", "alias_id", new("alias_id", Uuid), new("lead_id", Uuid), new("at", Time));

    public static object?[] AliasRow(LeadAliasRow a) => [a.AliasId, a.LeadId, a.At];

    public static readonly BulkInsert DeadLetters = new("dead_letters", "id",
        new("id", Uuid), new("lead_id", Uuid), new("queue", Text), new("fingerprint", Text), new("reason", Text), new("at", Time), new("state", Text), new("replays", Int), new("detail", Bytes));

    public static object?[] DeadLetterRow(DeadLetterRow d) => [d.Id, d.LeadId, d.Queue, d.Fingerprint, d.Reason, d.At, d.State, d.Replays, d.Detail];

    public static readonly BulkInsert ReplayJobs = new("replay_jobs", "id",
        new("id", Uuid), new("version", Int), new("state", Text), new("ordered_by", Text), new("ordered_at", Time), new("updated_at", Time), new("owner", Int), new("pace", Text), new("items", Text), new("progress", Text));

    public static readonly BulkInsert DeadLetterEdits = new("dead_letter_edits", "id",
        new("id", Uuid), new("dead_letter_id", Uuid), new("state", Text), new("requested_by", Text), new("requested_at", Time), new("decided_by", Text), new("message_id", Uuid), new("base_hash", Text), new("detail", Bytes));

    public static readonly BulkInsert DeadLetterActs = new("dead_letter_acts", "id",
        new("id", Uuid), new("dead_letter_id", Uuid), new("fingerprint", Text), new("at", Time), new("actor", Text), new("act", Text), new("detail", Bytes));

    public static readonly BulkInsert ReviewVerdicts = new("review_verdicts", "id",
        new("id", Uuid), new("lead_id", Uuid), new("run", Int), new("verdict", Text), new("actor", Text), new("at", Time), new("corrections", Bytes));

    public static object?[] ReviewVerdictRow(ReviewVerdictRow v) => [v.Id, v.LeadId, v.Run, v.Verdict, v.Actor, v.At, v.Corrections];

    public static readonly BulkInsert NewApprovals = new("approvals", "id",
        new("id", Uuid), new("version", Int), new("lead_id", Uuid), new("run", Int), new("step", Text), new("operation", Text), new("arguments_hash", Text), new("state", Text), new("needed", Int),
        new("requested_by", Text), new("requested_at", Time), new("expires_at", Time), new("acts", Text), new("data_key", Bytes), new("sealed", Bytes));

    public static object?[] NewApprovalRow(ApprovalRow a) =>
        [a.Id, a.Version, a.LeadId, a.Run, a.Step, a.Operation, a.ArgumentsHash, a.State, a.Needed, a.RequestedBy, a.RequestedAt, a.ExpiresAt, a.Acts, a.DataKey, a.Sealed];

    public static readonly BulkUpdate ChangeApprovals = new("approvals", new("id", Uuid), [new("version", Int)], new("version", Int), new("state", Text), new("acts", Text));

    public static object?[] ChangeApprovalRow(ApprovalRow before, ApprovalRow after) => [after.Id, before.Version, after.Version, after.State, after.Acts];

    private static readonly string[] StatusNames = Enum.GetNames<LeadStatus>();

    public static string Name(LeadStatus status) => StatusNames[(int)status];

    public static string? Name(LeadStage stage) => stage switch { LeadStage.Analysis => "analysis", LeadStage.Execution => "execution", _ => null };

    public static LeadStage Stage(string? name) => name switch { "analysis" => LeadStage.Analysis, "execution" => LeadStage.Execution, _ => LeadStage.None };
}
