using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Worker.Execution;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Planning;

/// <summary>Finds out what the earlier runs of a lead left in the CRM, so that a later one does not do it twice.</summary>
public sealed class EarlierRuns(LeadStore store, ICrm crm, ToolRegistry tools)
{
    /// <summary>
    /// The effects that are in the CRM, the latest run first. Where an earlier run ended without knowing, the CRM is asked now: its record carries
    /// the effect key of that run.
    /// </summary>
    /// <exception cref="CrmUnavailableException">The CRM did not answer, or not now.</exception>
    public async Task<IReadOnlyList<EarlierEffect>> InCrmAsync(LeadWork work, CancellationToken cancellationToken)
    {
        if (work.Saga is { Run: 1 } or { Again: true })
            return [];
        var effects = new List<EarlierEffect>();
        foreach (var (run, plan) in await store.EarlierPlansAsync(work, cancellationToken))
        {
            var rows = (await store.EffectsAsync(work.Saga.LeadId, run, cancellationToken)).ToDictionary(r => r.Step);
            effects.AddRange(plan.Steps.Where(s => rows.ContainsKey(s.Id)).Select(s => new EarlierEffect(run, rows[s.Id].ToEffect(s, work))));
        }
        return await KeepWhatIsThereAsync(effects, cancellationToken);
    }

    private async Task<IReadOnlyList<EarlierEffect>> KeepWhatIsThereAsync(List<EarlierEffect> effects, CancellationToken cancellationToken)
    {
        var unsure = effects.FindAll(e => e.Effect.State is EffectState.Sent or EffectState.Unknown);
        var asked = unsure.Where(e => tools.Find(e.Effect.Step.Tool)?.Creates is not null).Select(e => (tools.Find(e.Effect.Step.Tool)!.Creates!.Value, e.Effect.EffectKey)).ToList();
        var found = asked.Count == 0 ? new CrmView() : await crm.ReadAsync(new CrmQuery { Effects = asked }, cancellationToken);
        var there = new List<EarlierEffect>();
        foreach (var earlier in effects)
        {
            if (IsThere(earlier.Effect))
                there.Add(earlier);
            else if (found.Effects.TryGetValue(earlier.Effect.EffectKey, out var record))
                there.Add(earlier with { Effect = earlier.Effect with { RecordId = record.Id, Object = record.Object } });
        }
        return there;
    }

    /// <summary>What could not be undone is still there. What was there already is not ours, but need not be done again either.</summary>
    private static bool IsThere(StepEffect effect) =>
        effect.State is EffectState.Confirmed or EffectState.CannotCompensate || (effect.State == EffectState.Unchanged && effect.RecordId is not null);
}
