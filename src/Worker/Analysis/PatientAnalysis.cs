using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Analysis;

/// <summary>
/// Asks an analyzer outside of the pipeline, where nobody defers a lead: what is only not now is waited for, within reason. A model's limits hold here as
/// anywhere, so that a trial takes nothing away from the leads that are under way but their turn.
/// </summary>
public sealed class PatientAnalysis(IAnalyzer analyzer, TimeProvider time)
{
    private const int MostFailures = 3;

    /// <summary>The longest wait in all for one lead. Default 5 min.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The wait when nobody says how long. Default 5 s.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Name and version of the analyzer.</summary>
    public string Name => analyzer.Name;

    /// <summary>Whether it is asked over a network.</summary>
    public bool IsRemote => analyzer.IsRemote;

    /// <summary>Judges one lead by its evidence.</summary>
    /// <param name="snapshot">The evidence.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    /// <returns>What came of it, <see cref="AnalysisOutcome.NotNow"/> when waiting was of no use; and how long the last asking took, waits left out.</returns>
    public async Task<(AnalysisOutcome Outcome, TimeSpan Took)> AskAsync(EvidenceSnapshot snapshot, CancellationToken cancellationToken)
    {
        string? deferredFor = null;
        var (failures, waited) = (0, TimeSpan.Zero);
        while (true)
        {
            var turn = await analyzer.EnterAsync(deferredFor, cancellationToken);
            var began = time.GetTimestamp();
            var outcome = turn.NotNow ?? await analyzer.AnalyzeAsync(new AnalysisRequest(snapshot, turn), cancellationToken);
            if (outcome is not AnalysisOutcome.NotNow notNow)
                return (outcome, time.GetElapsedTime(began));
            failures += notNow.Failed ? 1 : 0;
            var wait = Wait(notNow);
            // Refused credentials do not get better by waiting.
            if (failures >= MostFailures || waited + wait > Patience || notNow.Reason == NotNowReasons.Refused)
                return (outcome, time.GetElapsedTime(began));
            await Task.Delay(wait, time, cancellationToken);
            waited += wait;
            deferredFor = notNow.Reason;
        }
    }

    private TimeSpan Wait(AnalysisOutcome.NotNow notNow)
    {
        var wait = (notNow.Until - time.GetUtcNow()) ?? notNow.AtLeast ?? Pause;
        return wait > TimeSpan.Zero ? wait : TimeSpan.FromMilliseconds(1);
    }
}
