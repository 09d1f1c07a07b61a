using System.ComponentModel.DataAnnotations;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Planning;

/// <summary>Which policy plans are made by.</summary>
public sealed class PolicyOptions : IValidatableObject
{
    /// <summary>Where these options stand in the configuration.</summary>
    public const string Section = "Policy";

    /// <summary>The policy file; relative paths count from the content root. Default: <c>policies/{Environment}.yaml</c> when it is there, else the built-in policy.</summary>
    public string? File { get; set; }

    /// <summary>The time zone in which "today" and "next business day" are meant, as an IANA name. Default <c>UTC</c>.</summary>
    public string TimeZone { get; set; } = "UTC";

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(TimeZone, out _))
            yield return new ValidationResult($"{Section}:TimeZone is '{TimeZone}', which is not a time zone; use an IANA name such as Europe/Berlin, or UTC.", [nameof(TimeZone)]);
    }

    /// <summary>What the planner needs of these options.</summary>
    public PlanningOptions ToPlanning() => new(TimeZoneInfo.FindSystemTimeZoneById(TimeZone));
}

/// <summary>What the planner has to know besides the lead and the policy.</summary>
/// <param name="TimeZone">Where days begin and end.</param>
public sealed record PlanningOptions(TimeZoneInfo TimeZone)
{
    /// <summary>UTC and the time to live of the grounding rules.</summary>
    public static PlanningOptions Default { get; } = new(TimeZoneInfo.Utc);

    /// <summary>Company facts older than this are not written anywhere. Default 30 days, as in the grounding rules.</summary>
    public TimeSpan EnrichmentTimeToLive { get; init; } = TimeSpan.FromDays(30);

    /// <summary>The same for single providers, where it differs; as in the grounding rules.</summary>
    public IReadOnlyDictionary<string, TimeSpan> ProviderTimesToLive { get; init; } = new Dictionary<string, TimeSpan>();

    /// <summary>How long a company fact holds.</summary>
    public TimeSpan TimeToLive(EvidenceLeaf leaf) => ProviderTimesToLive.TryGetValue(leaf.Provider, out var own) ? own : EnrichmentTimeToLive;
}
