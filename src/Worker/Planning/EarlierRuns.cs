using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Worker.Execution;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Planning;

/// <summary>Finds out what the earlier runs of a lead left in the CRM, so that a later one does not do it twice.</summary>
/// <param name="store">Leads.</param>
/// <param name="crm">The CRM.</param>
/// <param name="tools">The tools.</param>
/// <param name="settleTime">How long the CRM may still carry out a call that was given up without an answer.</param>
public sealed class EarlierRuns(LeadStore store, ICrm crm, ToolRegistry tools, TimeSpan settleTime)
{
    /// <summary>The ledgers of the runs before this one, the latest first.</summary>
    public async Task<IReadOnlyList<EarlierEffect>> LedgerAsync(LeadWork work, CancellationToken cancellationToken)
    {
        if (work.Saga.Run == 1)
            return [];
        var effects = new List<EarlierEffect>();
        foreach (var (run, plan) in await store.EarlierPlansAsync(work, cancellationToken))
        {
            var rows = (await store.EffectsAsync(work.Saga.LeadId, run, cancellationToken)).ToDictionary(r => r.Step);
            effects.AddRange(plan.Steps.Where(s => rows.ContainsKey(s.Id)).Select(s => new EarlierEffect(run, rows[s.Id].ToEffect(s, work))));
        }
        return effects;
    }

    /// <summary>From when on no call of an earlier run can be carried out any more of which nobody knows the outcome; null: there is none. Before that a later run could do the same under a key of its own.</summary>
    public DateTimeOffset? SettledAt(IReadOnlyList<EarlierEffect> ledger) => ledger.Where(e => IsUnsure(e.Effect)).Max(e => e.Effect.UnansweredAt) + settleTime;

    /// <summary>
    /// The effects that are in the CRM; none count when this run is to do everything once more. Where an earlier run ended without knowing, the CRM is asked now: its record carries the effect key of that run.
    /// </summary>
    /// <exception cref="CrmUnavailableException">The CRM did not answer, or not now.</exception>
    public async Task<IReadOnlyList<EarlierEffect>> InCrmAsync(LeadWork work, IReadOnlyList<EarlierEffect> effects, CancellationToken cancellationToken)
    {
        if (work.Saga.Again)
            return [];
        var asked = effects.Where(e => IsUnsure(e.Effect)).SelectMany(e => tools.Find(e.Effect.Step.Tool)?.Creates is { } kind ? [(kind, e.Effect.EffectKey)] : Array.Empty<(CrmObject, string)>()).ToList();
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

    /// <summary>Whether it may be in the CRM although the run did not see it there: a call had no answer, and none that was repeated later has settled it.</summary>
    private static bool IsUnsure(StepEffect effect) => effect.State is EffectState.Sent or EffectState.Unknown
        || (effect.UnansweredAt is not null && effect.State is EffectState.Planned or EffectState.Absent or EffectState.Skipped or EffectState.Failed);

    /// <summary>What could not be undone is still there. What was there already is not ours, but need not be done again either.</summary>
    private static bool IsThere(StepEffect effect) =>
        effect.State is EffectState.Confirmed or EffectState.CannotCompensate || (effect.State == EffectState.Unchanged && effect.RecordId is not null);
}
