using System.Text.Json;
using System.Text.Json.Serialization;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;

namespace LeadPipeline.Mcp.Execution;

/// <summary>Where the effect of one step stands in the ledger.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<EffectState>))]
public enum EffectState
{
    /// <summary>Decided upon; nothing was sent.</summary>
    [JsonStringEnumMemberName("planned")] Planned,
    /// <summary>May have been sent: whether it took effect is known only by reading the CRM.</summary>
    [JsonStringEnumMemberName("sent")] Sent,
    /// <summary>It is in the CRM, by us.</summary>
    [JsonStringEnumMemberName("confirmed")] Confirmed,
    /// <summary>The CRM was as the step wants it already.</summary>
    [JsonStringEnumMemberName("unchanged")] Unchanged,
    /// <summary>A condition or a reference kept it from running.</summary>
    [JsonStringEnumMemberName("skipped")] Skipped,
    /// <summary>The CRM refused it for good.</summary>
    [JsonStringEnumMemberName("failed")] Failed,
    /// <summary>Read back after an unknown outcome: it is not there.</summary>
    [JsonStringEnumMemberName("absent")] Absent,
    /// <summary>No answer came; to be read back.</summary>
    [JsonStringEnumMemberName("unknown")] Unknown,
    /// <summary>Undone.</summary>
    [JsonStringEnumMemberName("compensated")] Compensated,
    /// <summary>There was nothing to undo.</summary>
    [JsonStringEnumMemberName("not_needed")] NotNeeded,
    /// <summary>It could not be undone; a person has to look.</summary>
    [JsonStringEnumMemberName("cannot_compensate")] CannotCompensate,
}

/// <summary>One line of the effects ledger: a step of a run and what is known of its effect.</summary>
public sealed record StepEffect
{
    /// <summary>The step.</summary>
    public required PlanStep Step { get; init; }
    /// <summary>Stable over redelivery and restart; written into the record that the step creates.</summary>
    public required string EffectKey { get; init; }
    /// <summary>What is known.</summary>
    public EffectState State { get; init; }
    /// <summary>The record, once known.</summary>
    public string? RecordId { get; init; }
    /// <summary>The kind of the record that was written.</summary>
    public CrmObject? Object { get; init; }
    /// <summary>The record's version after our last write to it.</summary>
    public string? RecordVersion { get; init; }
    /// <summary>Whether the step created the record, rather than changed it.</summary>
    public bool Created { get; init; }
    /// <summary>Results that later steps refer to.</summary>
    public IReadOnlyDictionary<string, string> Data { get; init; } = new Dictionary<string, string>();
    /// <summary>The fields that the step overwrites, as they were; null value: empty.</summary>
    public IReadOnlyDictionary<string, string?>? Before { get; init; }
    /// <summary>The fields that the step writes into an existing record.</summary>
    public IReadOnlyDictionary<string, string?>? Wrote { get; init; }
    /// <summary>The record that those fields belong to, when it is not <see cref="RecordId"/>.</summary>
    public string? WroteTo { get; init; }
    /// <summary>SHA-256 over what is asked of the CRM; the same key with another hash is a conflict.</summary>
    public string? RequestHash { get; init; }
    /// <summary>Why it failed or was skipped: <c>code: message</c>.</summary>
    public string? Error { get; init; }
    /// <summary>Something a person should know.</summary>
    public string? Warning { get; init; }
    /// <summary>When a call of this step was last given up without an answer: the CRM may still carry it out, even if it was repeated since. Null: each was answered.</summary>
    public DateTimeOffset? UnansweredAt { get; init; }
    /// <summary>The writes to be sent; known only while the epoch runs.</summary>
    [JsonIgnore]
    public IReadOnlyList<CrmWrite> Writes { get; init; } = [];

    /// <summary>The arguments that the writes were decided by, references resolved; known only while the epoch runs.</summary>
    [JsonIgnore]
    public System.Text.Json.Nodes.JsonObject? Arguments { get; init; }

    /// <summary>Whether an earlier try may have been carried out, or may still be, without an answer to us; known only while the epoch runs.</summary>
    [JsonIgnore]
    public bool TriedBefore { get; init; }

    /// <summary>Whether there is something to send: writes, and nothing that has settled them.</summary>
    [JsonIgnore]
    public bool IsToBeSent => Writes.Count > 0 && !IsSettled;

    /// <summary>Whether the step needs nothing more while the plan goes forward.</summary>
    [JsonIgnore]
    public bool IsSettled => State is EffectState.Confirmed or EffectState.Unchanged or EffectState.Skipped or EffectState.Failed;
}

/// <summary>Names of ledger states as they are stored and shown.</summary>
public static class EffectStates
{
    private static readonly string[] Names =
        [.. Enum.GetValues<EffectState>().Select(s => JsonSerializer.Serialize(s).Trim('"'))];

    /// <summary>The name of a state, for example <c>not_needed</c>.</summary>
    public static string Name(this EffectState state) => Names[(int)state];

    /// <summary>The state with a name.</summary>
    public static EffectState Parse(string name) => (EffectState)Array.IndexOf(Names, name) is >= 0 and var state
        ? state
        : throw new FormatException($"'{name}' is not an effect state.");
}
