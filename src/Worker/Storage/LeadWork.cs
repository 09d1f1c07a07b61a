using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Saga;

namespace LeadPipeline.Worker.Storage;

/// <summary>A lead in the hands of a stage: its state, itself, and the key that seals what is stored of it.</summary>
public sealed class LeadWork
{
    /// <summary>The state as last loaded, committed, or held.</summary>
    public required LeadSaga Saga { get; set; }

    /// <summary>When the sweeper looks at the lead unless something comes of it before, as far as is known here; null: not at all.</summary>
    public DateTimeOffset? SweepAt { get; set; }

    /// <summary>What has been decided about the lead and becomes durable with its next commit; null: all is on record.</summary>
    public HeldStep? Held { get; set; }

    /// <summary>Whether somebody else has done what was held, or the lead is gone: nothing that is known of it here counts any more, and it has to be loaded again.</summary>
    public bool IsLost { get; set; }

    /// <summary>The lead itself.</summary>
    public required Lead Lead { get; init; }

    /// <summary>Its data key.</summary>
    public required LeadDataKey Key { get; init; }

    /// <summary>Keyed hash of its e-mail.</summary>
    public required string RecordKey { get; init; }

    /// <summary>How the analysis of the current run was grounded, once it was.</summary>
    public GroundingStatus? Grounding { get; set; }

    /// <summary>What is to be done about the lead, once that is decided.</summary>
    public LeadDecision? Decision { get; set; }

    /// <summary>The plan of the current run, once there is one.</summary>
    public ActionPlan? Plan { get; set; }
}

/// <summary>
/// The end of an analysis that waits for the beginning of the plan, so that both are one commit. For everybody else it has not happened, and a crash takes it back.
/// </summary>
/// <param name="Before">The state on record.</param>
/// <param name="Message">What has happened since.</param>
/// <param name="Run">The run's record.</param>
/// <param name="Facts">What is told of it.</param>
/// <param name="Rows">The same, as it stands in the chain.</param>
/// <param name="Verdict">What grounding said, to be counted when it is durable.</param>
public sealed record HeldStep(LeadSaga Before, SagaMessage.AnalysisEnded Message, LeadRunRow Run, IReadOnlyList<AuditFact> Facts, IReadOnlyList<AuditRow> Rows, GroundingResult Verdict);

/// <summary>Seals and opens JSON documents: those of a lead with its key, others each with one of its own.</summary>
public static class SealedJson
{
    /// <summary>Opens a document.</summary>
    public static T Open<T>(LeadDataKey key, byte[] sealedBytes, Guid leadId, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(key.Open(sealedBytes, leadId), type)
        ?? throw new InvalidDataException($"A stored {typeof(T).Name} of lead {leadId} is empty.");

    /// <summary>Opens a document that has a key of its own.</summary>
    public static T Open<T>(LeadCipher cipher, byte[] sealedBytes, Guid boundTo, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(cipher.OpenWithOwnKey(sealedBytes, boundTo), type)
        ?? throw new InvalidDataException($"A stored {typeof(T).Name} of {boundTo} is empty.");

    /// <summary>Seals a document with a key of its own.</summary>
    public static byte[] Seal<T>(LeadCipher cipher, T value, Guid boundTo, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) =>
        cipher.SealWithOwnKey(JsonSerializer.SerializeToUtf8Bytes(value, type), boundTo);

    /// <summary>Seals a document.</summary>
    public static byte[] Seal<T>(LeadDataKey key, T value, Guid leadId, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) =>
        key.Seal(JsonSerializer.SerializeToUtf8Bytes(value, type), leadId);
}
