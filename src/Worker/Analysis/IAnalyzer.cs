using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Analysis;

/// <summary>
/// Judges a lead by its evidence. What it says is data: nothing of it is believed before grounding. A remote analyzer throws
/// when it cannot be asked now, and the lead is deferred.
/// </summary>
public interface IAnalyzer
{
    /// <summary>Name and version, part of every result: <c>rules/1</c>.</summary>
    string Name { get; }

    /// <summary>Whether it is asked over a network, so that the lead is recorded as <c>Analyzing</c> meanwhile.</summary>
    bool IsRemote { get; }

    /// <summary>Judges one lead.</summary>
    Task<AnalysisOutcome> AnalyzeAsync(EvidenceSnapshot snapshot, CancellationToken cancellationToken);
}
