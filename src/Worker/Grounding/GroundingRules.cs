using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Grounding;

/// <summary>What the rules measure against. Immutable; part of what makes a verdict repeatable.</summary>
public sealed record GroundingRules
{
    /// <summary>The rules as shipped.</summary>
    public static GroundingRules Default { get; } = new();

    /// <summary>The lowest score, 0–100, at which a Medium Fit may be routed to a person.</summary>
    public int RouteThreshold { get; init; } = 60;

    /// <summary>How long company facts hold.</summary>
    public TimeSpan EnrichmentTimeToLive { get; init; } = TimeSpan.FromDays(30);

    /// <summary>How long company facts of single providers hold, by <see cref="EvidenceLeaf.Provider"/>, where it differs.</summary>
    public IReadOnlyDictionary<string, TimeSpan> ProviderTimesToLive { get; init; } = new Dictionary<string, TimeSpan>();

    /// <summary>How long marketing and product signals hold.</summary>
    public TimeSpan SignalsTimeToLive { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How long what was read from the CRM holds.</summary>
    public TimeSpan CrmTimeToLive { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>The time to live of a leaf; null when it does not age.</summary>
    public TimeSpan? TimeToLive(EvidenceSource source, EvidenceLeaf leaf) => source switch
    {
        EvidenceSource.ENRICHMENT => ProviderTimesToLive.TryGetValue(leaf.Provider, out var own) ? own : EnrichmentTimeToLive,
        EvidenceSource.MARKETING or EvidenceSource.PRODUCT => SignalsTimeToLive,
        EvidenceSource.CRM => CrmTimeToLive,
        _ => null,
    };
}
