using System.Text.Json;
using System.Text.Json.Serialization;

namespace LeadPipeline.Contracts;

/// <summary>The verdict over a whole analysis.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<GroundingStatus>))]
public enum GroundingStatus
{
    /// <summary>Every claim that matters is supported; nothing was lowered.</summary>
    VALID,
    /// <summary>Something was lowered; the rest stands and the lead goes on.</summary>
    DOWNGRADED,
    /// <summary>The analysis may not be acted upon; a person looks at it.</summary>
    REJECTED,
}

/// <summary>The verdict over one claim.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ClaimVerdict>))]
public enum ClaimVerdict
{
    /// <summary>The snapshot says so.</summary>
    SUPPORTED,
    /// <summary>The snapshot says otherwise.</summary>
    CONTRADICTED,
    /// <summary>The snapshot does not say, or not as precisely.</summary>
    NOT_FOUND,
    /// <summary>The source may not be used for such a claim.</summary>
    SOURCE_NOT_ALLOWED,
    /// <summary>The claim's value is not a value of its field.</summary>
    MALFORMED,
    /// <summary>True once, but older than its source's time to live.</summary>
    STALE,
    /// <summary>Only the person says so.</summary>
    UNTRUSTED_ONLY,
}

/// <summary>One claim of the analysis beside the truth.</summary>
public sealed record GroundedClaim
{
    /// <summary>The path that the claim cites.</summary>
    public required string FieldPath { get; init; }
    /// <summary>What came of it.</summary>
    public required ClaimVerdict Verdict { get; init; }
    /// <summary>The rule that decided, <c>G1</c>…<c>G20</c>, or <c>MALFORMED</c>.</summary>
    public required string Rule { get; init; }
    /// <summary>The value that was claimed, as received.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public JsonElement? Claimed { get; init; }
    /// <summary>The value in the snapshot; null when there is none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public JsonElement? Truth { get; init; }
    /// <summary>The comparison that was made: <c>text</c>, <c>range</c>, <c>list</c>, <c>geo</c>, <c>number</c>, <c>time</c>, <c>boolean</c>, <c>id</c>; null when it did not come to one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Comparator { get; init; }
    /// <summary>The source that the claim named, as received.</summary>
    public string? Source { get; init; }
    /// <summary>The type that the claim named, as received.</summary>
    public string? ClaimType { get; init; }
    /// <summary>Whether losing this claim lowers the verdict.</summary>
    public bool Central { get; init; }
}

/// <summary>Something that grounding lowered.</summary>
/// <param name="What"><c>status</c>, <c>intent</c>, <c>decision</c>, <c>fitScore</c> or <c>reasoning</c>.</param>
/// <param name="From">Before.</param>
/// <param name="To">After.</param>
/// <param name="Rule">The rule that lowered it.</param>
public sealed record Lowered(string What, string From, string To, string Rule);

/// <summary>A fault of the analysis itself.</summary>
/// <param name="Code">Stable code: the rule id.</param>
/// <param name="Path">JSON path within the analysis, for example <c>evidence[2].value</c>.</param>
/// <param name="Message">What is wrong, in words.</param>
public sealed record GroundingError(string Code, string Path, string Message);

/// <summary>Something in the lead's own words that looks like an attempt to steer (G19).</summary>
/// <param name="Path">The lead field.</param>
/// <param name="Kind"><c>instruction</c>, <c>markup</c>, <c>link</c> or <c>hidden</c>.</param>
public sealed record InjectionSignal(string Path, string Kind);

/// <summary>What the analyzer itself had said; null members where it said nothing readable.</summary>
/// <param name="Intent">As received.</param>
/// <param name="Decision">As received.</param>
/// <param name="FitScore">As received.</param>
public sealed record ModelOpinion(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Intent,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Decision,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] JsonElement? FitScore);

/// <summary>The analysis after every claim was held against the snapshot.</summary>
public sealed record GroundingResult
{
    /// <summary>The verdict over the whole.</summary>
    public required GroundingStatus Status { get; init; }
    /// <summary>Intent after lowering; null when rejected.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public LeadIntent? Intent { get; init; }
    /// <summary>Decision after lowering; null when rejected.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public LeadDecision? Decision { get; init; }
    /// <summary>Score 0–100 after lowering; null when rejected.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public int? FitScore { get; init; }
    /// <summary>The claims in the order of the analysis.</summary>
    public required IReadOnlyList<GroundedClaim> Claims { get; init; }
    /// <summary>What was lowered, in the order in which it happened.</summary>
    public required IReadOnlyList<Lowered> Lowered { get; init; }
    /// <summary>Faults that led to a rejection.</summary>
    public required IReadOnlyList<GroundingError> Errors { get; init; }
    /// <summary>Claims that were dropped without lowering anything, in words.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
    /// <summary>Attempts to steer, found in the lead's own words.</summary>
    public IReadOnlyList<InjectionSignal> Signals { get; init; } = [];
    /// <summary>What the analyzer said before grounding; always present.</summary>
    public required ModelOpinion Model { get; init; }
    /// <summary>Version of the rules and their data files.</summary>
    public required string RulesVersion { get; init; }
    /// <summary>SHA-256 hex over canonical JSON of the verdict with claims sorted; signals do not enter.</summary>
    public required string VerdictHash { get; init; }
}
