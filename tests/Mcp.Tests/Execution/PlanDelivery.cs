using LeadPipeline.Mcp.Execution;

namespace LeadPipeline.Mcp.Tests.Execution;

/// <summary>What the worker does with one delivery of the command to execute a plan.</summary>
internal static class PlanDelivery
{
    /// <summary>Goes on until the plan ends or has to wait.</summary>
    /// <param name="executor">Carries it out.</param>
    /// <param name="run">The run as it is stored.</param>
    /// <param name="store">Stores its ledger.</param>
    public static async Task<PlanOutcome> RunAsync(PlanExecutor executor, Func<PlanRun> run, Action<IReadOnlyList<StepEffect>> store)
    {
        for (var decisions = 0; decisions < 5; decisions++)
        {
            var outcome = await executor.PrepareAsync(run(), CancellationToken.None);
            if (outcome is PlanOutcome.Prepared)
            {
                var sent = run() with { Effects = [.. outcome.Effects.Select(e => e.Writes.Count > 0 ? e with { State = EffectState.Sent } : e)] };
                store(sent.Effects);
                outcome = await executor.WriteAsync(sent, CancellationToken.None);
            }
            store(outcome.Effects);
            if (outcome is PlanOutcome.Again)
                continue;
            if (outcome is PlanOutcome.Failed)
            {
                outcome = await executor.UndoAsync(run(), CancellationToken.None);
                store(outcome.Effects);
            }
            return outcome;
        }
        throw new InvalidOperationException("the plan is decided again and again");
    }
}
