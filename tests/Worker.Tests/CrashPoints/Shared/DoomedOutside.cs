using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Worker.Analysis;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Messaging;
using LeadPipeline.Worker.Saga;

namespace LeadPipeline.Worker.Tests.CrashPoints;

/// <summary>The CRM as a process sees it that may end before, in the middle of and after each call. Counts what it is asked to make.</summary>
public sealed class DoomedCrm(ICrm inner, DoomedProcess process, MadeRecords made) : ICrm
{
    public string Provider => inner.Provider;

    public async Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken)
    {
        process.Pass("before reading the CRM");
        var view = await inner.ReadAsync(query, cancellationToken);
        process.Pass("after reading the CRM");
        return view;
    }

    public async Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken)
    {
        process.Pass("before writing to the CRM");
        try
        {
            process.Pass("in the middle of writing to the CRM");
        }
        catch (ProcessEndedException)
        {
            // The first half has arrived, and nobody is there any more to send the rest or to hear of it.
            _ = await SendAsync(batch with { Writes = [.. batch.Writes.Take((batch.Writes.Count + 1) / 2)] }, cancellationToken);
            throw;
        }
        var outcomes = await SendAsync(batch, cancellationToken);
        process.Pass("after writing to the CRM");
        return outcomes;
    }

    private async Task<IReadOnlyList<CrmOutcome>> SendAsync(CrmBatch batch, CancellationToken cancellationToken)
    {
        var outcomes = await inner.WriteAsync(batch, cancellationToken);
        made.Count(batch, outcomes);
        return outcomes;
    }
}

/// <summary>What the CRM was asked to make, by whatever processes came and went.</summary>
public sealed class MadeRecords
{
    private readonly HashSet<string> again = [];

    /// <summary>Keys that were sent once more although their record was there: a CRM that does not know keys would have made a second one.</summary>
    public IReadOnlyCollection<string> SentAgain => again;

    public void Count(CrmBatch batch, IReadOnlyList<CrmOutcome> outcomes) =>
        again.UnionWith(batch.Writes.Zip(outcomes).Where(w => w is (CreateRecord, CrmOutcome.Done { Replayed: true })).Select(w => ((CreateRecord)w.First).EffectKey));
}

/// <summary>An analyzer as a process sees it that may end before and after it is asked.</summary>
public sealed class DoomedAnalyzer(IAnalyzer inner, DoomedProcess process, bool isRemote, Func<Task> beforeTheTurn) : IAnalyzer
{
    public string Name => inner.Name;

    public bool IsRemote => isRemote;

    public async ValueTask<AnalysisTurn> EnterAsync(string? deferredFor, CancellationToken cancellationToken)
    {
        process.Pass("before the turn for the analyzer");
        await beforeTheTurn();
        return await inner.EnterAsync(deferredFor, cancellationToken);
    }

    public async Task<AnalysisOutcome> AnalyzeAsync(AnalysisRequest request, CancellationToken cancellationToken)
    {
        process.Pass("before the analyzer");
        var outcome = await inner.AnalyzeAsync(request, cancellationToken);
        process.Pass("after the analyzer");
        return outcome;
    }
}

/// <summary>The queues as a process sees them that may end before and after it sends.</summary>
public sealed class DoomedBus(Queue<object> queue, DoomedProcess process) : ILeadBus
{
    public Task<IntakeResult?> SubmitAsync(LeadSubmitted submitted, CancellationToken cancellationToken) => throw new NotSupportedException("No door is open here.");

    public Task SendAsync(StageCommand command, CancellationToken cancellationToken)
    {
        process.Pass("before sending");
        // What goes over the wire has no lead in its pocket.
        queue.Enqueue(command with { Warm = null });
        process.Pass("after sending");
        return Task.CompletedTask;
    }
}
