using System.Runtime.CompilerServices;
using LeadPipeline.Worker.WhatIf;

namespace LeadPipeline.Worker.Evaluation;

/// <summary>Decides about labelled leads. Nothing is recorded and no CRM is there.</summary>
public sealed class EvaluationRun(Rehearsal rehearsal)
{
    private const int AtOnce = 4;

    /// <summary>Each lead in the order of the file; a remote analyzer is asked about few at once.</summary>
    public async IAsyncEnumerable<EvaluatedLead> OfAsync(IReadOnlyList<LabelledLead> leads, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var inHand = new Queue<Task<EvaluatedLead>>(AtOnce);
        foreach (var lead in leads)
        {
            if (inHand.Count == AtOnce)
                yield return await inHand.Dequeue();
            inHand.Enqueue(OneAsync(lead, cancellationToken));
        }
        while (inHand.Count > 0)
            yield return await inHand.Dequeue();
    }

    private async Task<EvaluatedLead> OneAsync(LabelledLead lead, CancellationToken cancellationToken) =>
        EvaluatedLead.Of(lead, await rehearsal.AskAsync(lead.Snapshot, lead.At, isApproved: false, cancellationToken));
}
