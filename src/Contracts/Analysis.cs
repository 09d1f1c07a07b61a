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
/// <param name="ModelVersion">The model's own version string, when there is a model.</param>
/// <param name="PromptHash">SHA-256 hex of the prompt file, when there is one.</param>
/// <param name="Usage">Token counts and cost, when there is a model.</param>
public sealed record AnalyzerAnswer(
    string Analyzer,
    ReadOnlyMemory<byte> Json,
    string? ModelVersion = null,
    string? PromptHash = null,
    ModelUsage? Usage = null);

/// <summary>What a model call consumed.</summary>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="OutputTokens">Tokens of the answer.</param>
/// <param name="ThoughtsTokens">Tokens of the model's hidden reasoning.</param>
/// <param name="CachedTokens">Prompt tokens served from the vendor's cache.</param>
/// <param name="CostDollars">Tokens times the configured prices.</param>
public sealed record ModelUsage(int PromptTokens, int OutputTokens, int ThoughtsTokens, int CachedTokens, decimal CostDollars);
