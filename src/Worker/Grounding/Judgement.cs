using System.Text.Json;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Grounding;

/// <summary>The verdict over one claim, before it is known what it means for the whole.</summary>
/// <param name="Verdict">What came of it.</param>
/// <param name="Rule">The rule that decided.</param>
/// <param name="Truth">The value in the snapshot.</param>
internal readonly record struct Judgement(ClaimVerdict Verdict, string Rule, JsonElement? Truth)
{
    private readonly bool refused;

    /// <summary>The comparison that was made, if it came to one.</summary>
    public string? Comparator { get; init; }

    /// <summary>Why, in words, when it is not support.</summary>
    public string? Why { get; init; }

    /// <summary>Whether the whole analysis falls with this claim: an invented field does, a merely absent one does not.</summary>
    public bool Rejects
    {
        get => refused || Verdict == ClaimVerdict.CONTRADICTED;
        init => refused = value;
    }
}
