using System.Text.Json.Serialization;

namespace LeadPipeline.Contracts;

/// <summary>How well a lead fits, as judged by an analyzer.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<LeadIntent>))]
public enum LeadIntent
{
    /// <summary>"Low Fit" in the CRM.</summary>
    LOW_FIT,
    /// <summary>"Medium Fit" in the CRM.</summary>
    MEDIUM_FIT,
    /// <summary>"High Fit" in the CRM.</summary>
    HIGH_FIT,
    /// <summary>"Manual Review": the analyzer asks for a person; no CRM effects.</summary>
    MANUAL_REVIEW,
}

/// <summary>What an analyzer would do with a lead.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<LeadDecision>))]
public enum LeadDecision
{
    /// <summary>Hand to a sales development representative.</summary>
    ROUTE_TO_SDR,
    /// <summary>Keep warm.</summary>
    NURTURE,
    /// <summary>Record as disqualified.</summary>
    IGNORE,
}

/// <summary>Where a claim says that its evidence stands.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<EvidenceSource>))]
public enum EvidenceSource
{
    /// <summary><c>enrichment.*</c></summary>
    ENRICHMENT,
    /// <summary><c>marketing.*</c></summary>
    MARKETING,
    /// <summary><c>product.*</c></summary>
    PRODUCT,
    /// <summary><c>crm.*</c></summary>
    CRM,
    /// <summary><c>computed.*</c></summary>
    COMPUTED,
    /// <summary><c>lead.*</c>: the person's own words, untrusted.</summary>
    LEAD,
}

/// <summary>What kind of statement a claim makes.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ClaimType>))]
public enum ClaimType
{
    /// <summary>A fact about the company.</summary>
    FIRMOGRAPHIC,
    /// <summary>Something the person or company did.</summary>
    BEHAVIOR,
    /// <summary>Something about the sales pipeline.</summary>
    PIPELINE,
    /// <summary>A computed score.</summary>
    SCORE,
}

/// <summary>What an analyzer gave back, before anything is believed of it.</summary>
/// <param name="Analyzer">Name and version, for example <c>rules/1</c>.</param>
/// <param name="Json">The answer as received: one JSON object in UTF-8.</param>
/// <param name="Call">How a model was asked, when there is one.</param>
public sealed record AnalyzerAnswer(string Analyzer, ReadOnlyMemory<byte> Json, ModelCall? Call = null);

/// <summary>How a model was asked for one analysis, and what that took. Kept with the analysis; without anything of the lead.</summary>
public sealed record ModelCall
{
    /// <summary>The model that was asked for.</summary>
    public required string Model { get; init; }

    /// <summary>The version that the answer says it is of; null when no answer came.</summary>
    public string? ModelVersion { get; init; }

    /// <summary>SHA-256 hex of the prompt file.</summary>
    public required string PromptHash { get; init; }

    /// <summary>SHA-256 hex of all that was asked: equal questions have equal hashes.</summary>
    public required string QuestionHash { get; init; }

    /// <summary>Why the model stopped, in the vendor's words: <c>STOP</c>, <c>MAX_TOKENS</c>…; null when no candidate came.</summary>
    public string? FinishReason { get; init; }

    /// <summary>How often it answered; 0 when an earlier answer was reused.</summary>
    public int Answers { get; init; }

    /// <summary>Tokens and cost of all its answers.</summary>
    public ModelUsage Usage { get; init; } = ModelUsage.None;
}

/// <summary>What a model consumed.</summary>
/// <param name="PromptTokens">Tokens of the prompt, those from the cache among them.</param>
/// <param name="OutputTokens">Tokens of the answer.</param>
/// <param name="ThoughtsTokens">Tokens of the model's hidden reasoning; paid for like the answer's.</param>
/// <param name="CachedTokens">Prompt tokens served from the vendor's cache.</param>
/// <param name="CostDollars">Tokens times the configured prices, a discount for cached tokens left out.</param>
public sealed record ModelUsage(int PromptTokens, int OutputTokens, int ThoughtsTokens, int CachedTokens, decimal CostDollars)
{
    /// <summary>Nothing.</summary>
    public static ModelUsage None { get; } = new(0, 0, 0, 0, 0);

    /// <summary>All tokens that a limit counts.</summary>
    public int TotalTokens() => PromptTokens + OutputTokens + ThoughtsTokens;

    /// <summary>Both together.</summary>
    public ModelUsage Plus(ModelUsage other) => new(
        PromptTokens + other.PromptTokens, OutputTokens + other.OutputTokens, ThoughtsTokens + other.ThoughtsTokens,
        CachedTokens + other.CachedTokens, CostDollars + other.CostDollars);
}
