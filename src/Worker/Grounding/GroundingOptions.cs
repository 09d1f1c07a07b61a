using System.ComponentModel.DataAnnotations;

namespace LeadPipeline.Worker.Grounding;

/// <summary>What an operator may change about grounding.</summary>
public sealed class GroundingOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Grounding";

    /// <summary>The score from which a Medium Fit may be routed to a person; 60 unless set. Higher routes fewer leads. Allowed: 0 to 100.</summary>
    [Range(0, 100)]
    public int RouteThreshold { get; set; } = 60;

    /// <summary>The rules that these options stand for.</summary>
    public GroundingRules ToRules() => GroundingRules.Default with { RouteThreshold = RouteThreshold };
}
