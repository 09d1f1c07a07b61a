namespace LeadPipeline.Worker.WhatIf;

/// <summary>What came of one lead: an answer, or why there is none.</summary>
/// <param name="LeadId">The lead.</param>
/// <param name="Answer">The comparison.</param>
/// <param name="Skipped">A code: <c>not-found</c>, <c>erased</c>, <c>no-run</c> (nothing was decided yet), <c>no-answer</c> (nothing on record to decide from; ask an analyzer), or why the analyzer gave no answer.</param>
public sealed record WhatIfOutcome(Guid LeadId, WhatIfAnswer? Answer, string? Skipped);

/// <summary>Decides about recorded leads again and compares. Reads only; calls nobody but the analyzer, when one is to be asked.</summary>
public sealed class WhatIfRun(RecordedRuns runs, Rehearsal rehearsal)
{
    private const int AtOnce = 4;

    /// <summary>One lead.</summary>
    public async Task<WhatIfOutcome> OfAsync(Guid leadId, CancellationToken cancellationToken)
    {
        var (run, why) = await runs.FindAsync(leadId, cancellationToken);
        if (run is null)
            return new WhatIfOutcome(leadId, null, why);
        var now = await rehearsal.DecideAsync(run, cancellationToken);
        return now.Decided.NoAnswer is { } none
            ? new WhatIfOutcome(run.LeadId, null, none)
            : new WhatIfOutcome(run.LeadId, WhatIfAnswer.Of(run, now, rehearsal.Policy.Tools), null);
    }

    /// <summary>Many leads, in their order, few at once.</summary>
    public async IAsyncEnumerable<WhatIfOutcome> OfAsync(IEnumerable<Guid> leads, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var inHand = new Queue<Task<WhatIfOutcome>>(AtOnce);
        foreach (var lead in leads)
        {
            if (inHand.Count == AtOnce)
                yield return await inHand.Dequeue();
            inHand.Enqueue(OfAsync(lead, cancellationToken));
        }
        while (inHand.Count > 0)
            yield return await inHand.Dequeue();
    }
}
