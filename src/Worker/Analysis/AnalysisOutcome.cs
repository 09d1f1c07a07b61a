using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Analysis;

/// <summary>What came of asking an analyzer.</summary>
public abstract record AnalysisOutcome
{
    private AnalysisOutcome() { }

    /// <summary>One JSON object; grounding says what it is worth.</summary>
    /// <param name="Answer">The answer as received.</param>
    public sealed record Answered(AnalyzerAnswer Answer) : AnalysisOutcome;

    /// <summary>No JSON object even after asking again; the lead goes to a person.</summary>
    /// <param name="Reason">What was wrong, in words.</param>
    public sealed record Unusable(string Reason) : AnalysisOutcome;

    /// <summary>The model refused to answer; the lead goes to a person at once.</summary>
    /// <param name="Reason">The reason that the vendor gave.</param>
    public sealed record Blocked(string Reason) : AnalysisOutcome;
}
