using System.Text.Json;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Grounding;

/// <summary>One item of the analysis's evidence as far as it could be read.</summary>
/// <param name="Index">Position in the list, from 0.</param>
/// <param name="WellShaped">Whether the item passed the strict shape (G1).</param>
internal sealed record EvidenceItem(int Index, bool WellShaped)
{
    /// <summary>The source as received.</summary>
    public string? Source { get; init; }
    /// <summary>The path as received; empty when there is none.</summary>
    public string FieldPath { get; init; } = "";
    /// <summary>The claim type as received.</summary>
    public string? ClaimTypeText { get; init; }
    /// <summary>The claim type, when it is one.</summary>
    public ClaimType? ClaimType { get; init; }
    /// <summary>The claimed value as received.</summary>
    public JsonElement? Value { get; init; }
    /// <summary>The central flag; null when missing.</summary>
    public bool? Central { get; init; }
}

/// <summary>An analysis as far as it could be read. Without errors, everything is there.</summary>
internal sealed record AnalysisReading
{
    /// <summary>The claims, in order; empty when the list itself cannot be used.</summary>
    public IReadOnlyList<EvidenceItem> Items { get; init; } = [];
    /// <summary>The reasoning.</summary>
    public string Reasoning { get; init; } = "";
    /// <summary>The intent, when it is one.</summary>
    public LeadIntent? Intent { get; init; }
    /// <summary>The decision, when it is one.</summary>
    public LeadDecision? Decision { get; init; }
    /// <summary>The score, when it is an integer of 0–100.</summary>
    public int? FitScore { get; init; }
    /// <summary>What the analyzer said, valid or not.</summary>
    public ModelOpinion Model { get; init; } = new(null, null, null);
    /// <summary>Faults of the shape (G1).</summary>
    public required IReadOnlyList<GroundingError> Errors { get; init; }
}
