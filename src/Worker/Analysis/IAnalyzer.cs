using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Analysis;

/// <summary>One lead to be judged.</summary>
/// <param name="Snapshot">What is known of it.</param>
/// <param name="Turn">What <see cref="IAnalyzer.EnterAsync"/> gave.</param>
public sealed record AnalysisRequest(EvidenceSnapshot Snapshot, AnalysisTurn Turn);

/// <summary>A lead's turn to be judged.</summary>
/// <param name="DeferredFor">Why it was put off the last time, if it was: one of <see cref="NotNowReasons"/>, or another reason.</param>
/// <param name="TokensHeld">What the turn holds of the limit of tokens, until it is known how many it takes.</param>
public sealed record AnalysisTurn(string? DeferredFor, int TokensHeld = 0)
{
    /// <summary>Set when the analyzer cannot be asked now: it is not this lead's turn.</summary>
    public AnalysisOutcome.NotNow? NotNow { get; init; }
}

/// <summary>Judges a lead by its evidence. What it says is data: nothing of it is believed before grounding.</summary>
public interface IAnalyzer
{
    /// <summary>Name and version, part of every result: <c>rules/1</c>.</summary>
    string Name { get; }

    /// <summary>Whether it is asked over a network, so that the lead is recorded as <c>Analyzing</c> meanwhile.</summary>
    bool IsRemote { get; }

    /// <summary>
    /// Asks for a lead's turn, before its evidence is gathered: a lead that has to wait anyway costs no call to the CRM.
    /// </summary>
    /// <param name="deferredFor">Why the lead was put off the last time; who has waited goes before newcomers.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    ValueTask<AnalysisTurn> EnterAsync(string? deferredFor, CancellationToken cancellationToken) => ValueTask.FromResult(new AnalysisTurn(deferredFor));

    /// <summary>Judges one lead.</summary>
    Task<AnalysisOutcome> AnalyzeAsync(AnalysisRequest request, CancellationToken cancellationToken);
}

/// <summary>An analyzer that can say whether it works, without judging anything.</summary>
public interface IAnalyzerProbe
{
    /// <summary>Tries the analyzer in the cheapest way there is.</summary>
    /// <returns>Whether it works, and what was seen or what to mend; without secrets.</returns>
    Task<(bool Well, string Says)> ProbeAsync(CancellationToken cancellationToken);
}
