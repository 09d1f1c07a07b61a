using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;

namespace LeadPipeline.Mcp.Execution;

/// <summary>
/// The backward side of a plan in memory: what has to be undone, last first, and whether it still can be. Three answers for each
/// step: done, not needed (the effect is not in the CRM), cannot (someone changed the record since, or the step has no undo). No I/O.
/// </summary>
internal sealed class UndoLedger(PlanRun run)
{
    private readonly StepEffect[] effects = [.. run.Effects];
    private readonly Dictionary<string, string> partly = [];
    private readonly Dictionary<(string Record, string Field), string?> restored = [];
    private readonly Dictionary<string, string> carried = [];
    private readonly HashSet<string> withdrawing = [];
    private readonly HashSet<string> stuck = [];
    private readonly HashSet<string> looked = [];

    /// <summary>The ledger as it is.</summary>
    public IReadOnlyList<StepEffect> Effects => effects;

    /// <summary>Why it cannot go on now, after <see cref="Record"/> left something open; null: the CRM was changed meanwhile or did not answer.</summary>
    public CrmOutcome.NotNow? Stopped { get; private set; }

    /// <summary>Whether every step is undone, needs no undoing, or cannot be undone.</summary>
    public bool IsSettled => effects.All(e => !IsOpen(e));

    /// <summary>Whether a step could not be undone.</summary>
    public bool Impossible => stuck.Count > 0 || effects.Any(e => e.State == EffectState.CannotCompensate);

    /// <summary>What to read: every record that was touched, and every effect whose outcome is unknown.</summary>
    public CrmQuery Ask()
    {
        var open = effects.Where(IsOpen).ToList();
        return new CrmQuery
        {
            Records = [.. open.SelectMany(Touched).Distinct()],
            Effects = [.. open.Where(e => e.Object is not null).SelectMany(e => ((CrmObject, string)[])[(e.Object!.Value, e.EffectKey), (e.Object.Value, UndoKey(e))]).Distinct()],
        };
    }

    /// <summary>The records that would be withdrawn: others may rely on them by now.</summary>
    public IReadOnlyList<string> ToBeWithdrawn(CrmView view) =>
        [.. effects.Where(e => IsOpen(e) && IsWithdrawn(e)).Select(e => Find(e, view)?.Id).OfType<string>().Distinct()];

    /// <summary>Decides what to write, last step first.</summary>
    /// <param name="view">What was read.</param>
    /// <param name="used">Records that other leads work with; they stay.</param>
    public CrmBatch Decide(CrmView view, IReadOnlySet<string> used)
    {
        Stopped = null;
        partly.Clear();
        restored.Clear();
        carried.Clear();
        var writes = new List<CrmWrite>();
        var withdrawn = new HashSet<string>();
        // What the conversion was made from must not be taken away from under it.
        if (Array.Find(effects, e => IsPivot(e) && (IsOpen(e) || e.State == EffectState.CannotCompensate) && TookEffect(e, view)) is { } pivot)
        {
            for (var i = 0; i < effects.Length; i++)
            {
                if (IsOpen(effects[i]))
                    End(i, effects[i].State is EffectState.Unchanged or EffectState.Planned ? effects[i] with { State = EffectState.NotNeeded } : Cannot(effects[i], $"{pivot.Step.Id} took effect, and it is final"));
            }
            return new CrmBatch(run.LeadId, run.Email, [], new HashSet<string>());
        }
        // A record that is withdrawn takes the fields with it that later steps wrote into it.
        foreach (var effect in effects.Where(e => IsOpen(e) && IsWithdrawn(e)))
        {
            if (Find(effect, view) is { } record && !used.Contains(record.Id) && !TouchedByOthers(record, effect))
                withdrawn.Add(record.Id);
        }

        for (var i = effects.Length - 1; i >= 0; i--)
        {
            if (IsOpen(effects[i]))
                End(i, DecideStep(effects[i], view, used, withdrawn, writes));
        }
        // An account goes last: as long as a lead that is to be withdrawn belongs to it, the CRM keeps it.
        return new CrmBatch(run.LeadId, run.Email, [.. writes.OrderBy(w => w is RemoveRecord { Object: CrmObject.Account })], new HashSet<string>());
    }

    /// <summary>Takes the answers.</summary>
    public void Record(CrmBatch batch, IReadOnlyList<CrmOutcome> outcomes)
    {
        foreach (var (step, answers) in batch.Writes.Zip(outcomes, (w, o) => (w.Step, Outcome: o)).GroupBy(x => x.Step, x => x.Outcome).Select(g => (g.Key, g.ToList())))
        {
            var index = Array.FindIndex(effects, e => e.Step.Id == step);
            if (!IsOpen(effects[index]))
                continue;
            if (answers.TrueForAll(a => a is CrmOutcome.Done))
                End(index, partly.TryGetValue(step, out var why) ? Cannot(effects[index], why) : effects[index] with { State = EffectState.Compensated });
            else if (answers.OfType<CrmOutcome.Refused>().FirstOrDefault() is { Code: not CrmCodes.ChangedSince } refused)
                End(index, Cannot(effects[index], refused.Message));
            else
                // The first one tells why; what follows it was not tried.
                Stopped ??= answers.OfType<CrmOutcome.NotNow>().FirstOrDefault();
        }
        withdrawing.UnionWith(batch.Writes.Zip(outcomes).Where(x => x is { First: RemoveRecord, Second: CrmOutcome.Unknown }).Select(x => x.First.Step));
        SettleCarried(batch.Writes.Zip(outcomes).Where(x => x is { First: RemoveRecord, Second: CrmOutcome.Done }).Select(x => ((RemoveRecord)x.First).Id));
    }

    private void SettleCarried(IEnumerable<string> gone)
    {
        foreach (var id in gone)
        {
            for (var i = 0; i < effects.Length; i++)
            {
                if (IsOpen(effects[i]) && carried.GetValueOrDefault(effects[i].Step.Id) == id)
                    End(i, effects[i] with { State = EffectState.Compensated });
            }
        }
    }

    /// <summary>
    /// A step that has failed has failed, whatever becomes of what it had made before: it is by that that the plan goes backward, after a crash as well.
    /// </summary>
    private void End(int i, StepEffect after)
    {
        var before = effects[i];
        effects[i] = (before.State, after.State) switch
        {
            (EffectState.Failed or EffectState.Skipped, EffectState.CannotCompensate) => before with { Warning = after.Warning },
            (EffectState.Failed or EffectState.Skipped, EffectState.NotNeeded) when !IsLeft(before) => before,
            (EffectState.Failed or EffectState.Skipped, EffectState.Compensated or EffectState.NotNeeded) => before with { Created = false, RecordId = null, UnansweredAt = null, Warning = "what it had made was taken back" },
            _ => after,
        };
        if (before.State is EffectState.Failed or EffectState.Skipped && after.State is EffectState.Compensated or EffectState.NotNeeded)
            _ = looked.Add(before.Step.Id);
        if (before.State is EffectState.Failed or EffectState.Skipped && after.State == EffectState.CannotCompensate)
            _ = stuck.Add(before.Step.Id);
    }

    /// <summary>Whether a step failed after it had made its record.</summary>
    private static bool IsLeft(StepEffect e) => e is { State: EffectState.Failed, Created: true, RecordId: not null };

    /// <summary>Whether a step may have been done after all: one of its calls had no answer, whatever became of those that came after.</summary>
    private static bool IsDoubtful(StepEffect e) => e is { Object: not null, UnansweredAt: not null } && (e.Created || e is { Before: not null, Wrote: not null });

    /// <summary>Whether it was most likely not done, so that a field which reads otherwise is nobody's loss.</summary>
    private static bool IsUnlikely(StepEffect e) => IsDoubtful(e) && e.State is EffectState.Failed or EffectState.Skipped or EffectState.Planned;

    private bool IsOpen(StepEffect e) => ((IsLeft(e) || (IsDoubtful(e) && e.State is EffectState.Failed or EffectState.Skipped && !looked.Contains(e.Step.Id))) && !stuck.Contains(e.Step.Id)) || e.State is EffectState.Confirmed or EffectState.Unchanged or EffectState.Sent or EffectState.Unknown or EffectState.Absent or EffectState.Planned;

    private static bool IsWithdrawn(StepEffect e) => e is { Created: true, Object: CrmObject.Lead or CrmObject.Account or CrmObject.Contact or CrmObject.Opportunity or CrmObject.CampaignMember };

    private static bool IsPivot(StepEffect e) => e.Step.Compensation == Compensation.None;

    private static bool TookEffect(StepEffect pivot, CrmView view) =>
        pivot.State is EffectState.Confirmed or EffectState.CannotCompensate
        || (pivot.State is EffectState.Sent or EffectState.Unknown or EffectState.Absent && pivot.RecordId is { } id && view.Records.GetValueOrDefault(id) is { } lead && lead[CrmFields.ConvertedContact] is { Length: > 0 });

    private static string UndoKey(StepEffect effect) => effect.EffectKey + "/undo";

    private StepEffect DecideStep(StepEffect effect, CrmView view, IReadOnlySet<string> used, HashSet<string> withdrawn, List<CrmWrite> writes)
    {
        if (effect.State == EffectState.Unchanged || (effect.State == EffectState.Planned && !IsDoubtful(effect)))
            return effect with { State = EffectState.NotNeeded };
        if (IsPivot(effect))
            return TookEffect(effect, view) ? Cannot(effect, "a conversion is final") : effect with { State = EffectState.NotNeeded };
        if (effect.Created)
            return UndoCreated(effect, view, used, withdrawn, writes);
        return UndoUpdate(effect, effect.WroteTo ?? effect.RecordId, view, withdrawn, writes, after: null);
    }

    private StepEffect UndoCreated(StepEffect effect, CrmView view, IReadOnlySet<string> used, HashSet<string> withdrawn, List<CrmWrite> writes)
    {
        // Gone since we tried to withdraw it and had no answer: by us. Otherwise it never was there, or a person has deleted it.
        if (Find(effect, view) is not { } record)
            return effect with { State = withdrawing.Contains(effect.Step.Id) ? EffectState.Compensated : EffectState.NotNeeded };
        var tool = effect.Step.Tool;
        switch (record.Object)
        {
            case CrmObject.Task:
                writes.Add(new UpdateRecord(effect.Step.Id, tool, record.Object, new(record.Id, null), new Dictionary<string, string?> { [CrmFields.Status] = "Cancelled" }, record.Version));
                return effect with { RecordId = record.Id };
            case CrmObject.Activity or CrmObject.Note:
                if (view.Effects.ContainsKey(UndoKey(effect)))
                    return effect with { State = EffectState.Compensated };
                writes.Add(new CreateRecord(effect.Step.Id, tool, record.Object, UndoKey(effect), null, Correction(record)));
                return effect with { RecordId = record.Id };
            default:
                // The link that the step wrote elsewhere goes first, or the record would be withdrawn under it.
                var linked = (!IsLeft(effect) || IsDoubtful(effect)) && effect is { Before: not null, WroteTo: { } to } && to != record.Id && !to.StartsWith('@')
                    ? UndoUpdate(effect, to, view, withdrawn, writes, after: effect)
                    : effect;
                if (linked.State == EffectState.CannotCompensate)
                    return linked;
                if (!withdrawn.Contains(record.Id))
                    return Cannot(linked, $"{record.Object} {record.Id} {(used.Contains(record.Id) ? "is another lead's by now, too" : "was changed since")}");
                writes.Add(new RemoveRecord(effect.Step.Id, tool, record.Object, record.Id, record.Version));
                return linked with { RecordId = record.Id };
        }
    }

    private StepEffect UndoUpdate(StepEffect effect, string? target, CrmView view, HashSet<string> withdrawn, List<CrmWrite> writes, StepEffect? after)
    {
        if (target is null || effect.Before is null || effect.Wrote is null)
            return after ?? Cannot(effect, "what stood there before is not known");
        if (!view.Records.TryGetValue(target, out var record))
            return after ?? effect with { State = EffectState.NotNeeded };
        if (withdrawn.Contains(record.Id))
        {
            // Undone when the record is gone, and not before: if it cannot be withdrawn after all, its fields have to be restored.
            if (after is null)
                carried[effect.Step.Id] = record.Id;
            return effect;
        }

        var restore = new Dictionary<string, string?>();
        var changed = new List<string>();
        foreach (var (field, before) in effect.Before)
        {
            // A later step that wrote the same field has been dealt with already; what it brings back is what this one finds.
            var now = restored.TryGetValue((record.Id, field), out var value) ? value : record[field];
            if (now == before)
                continue;
            if (effect.Wrote.TryGetValue(field, out var wrote) && now == Known(field, wrote, view))
                restored[(record.Id, field)] = restore[field] = before;
            else if (!IsUnlikely(effect))
                changed.Add(field);
        }
        if (restore.Count > 0)
            writes.Add(new UpdateRecord(effect.Step.Id, effect.Step.Tool, record.Object, new(record.Id, null), restore, record.Version));
        if (changed.Count > 0)
        {
            var why = $"{string.Join(", ", changed)} of {record.Object} {record.Id} changed since";
            if (restore.Count == 0)
                return Cannot(effect, why);
            // What can be restored still is; the step ends as "cannot" once that is written.
            partly[effect.Step.Id] = why;
            return effect;
        }
        return restore.Count > 0 || after is not null ? effect : effect with { State = EffectState.NotNeeded };
    }

    private bool TouchedByOthers(CrmRecord record, StepEffect effect)
    {
        // A version that we never saw was written by someone else. After a lost answer no version is known, and none of our own
        // later steps has been answered either: what is there is what we sent.
        var known = effect.RecordVersion ?? effects.Where(e => e.RecordId == record.Id).Select(e => e.RecordVersion).LastOrDefault(v => v is not null);
        return known is not null ? known != record.Version : effect.State == EffectState.Confirmed;
    }

    /// <summary>A link that was written as a reference stands in the CRM as the id of the record that the step created.</summary>
    private string? Known(string field, string? wrote, CrmView view) =>
        wrote is not null && CrmFields.IsLink(field) && RecordRef.Parse(wrote).Step is { } step && Array.Find(effects, e => e.Step.Id == step) is { } maker
            ? maker.RecordId ?? Find(maker, view)?.Id
            : wrote;

    private static CrmRecord? Find(StepEffect effect, CrmView view) =>
        (effect.RecordId is { } id ? view.Records.GetValueOrDefault(id) : null) ?? view.Effects.GetValueOrDefault(effect.EffectKey);

    private static IEnumerable<(CrmObject, string)> Touched(StepEffect effect)
    {
        if (effect is { RecordId: { } id, Object: { } kind })
            yield return (kind, id);
        if (effect.WroteTo is { } to && !to.StartsWith('@') && to != effect.RecordId)
            yield return (CrmObject.Lead, to);
    }

    private static Dictionary<string, string> Correction(CrmRecord record)
    {
        var fields = new Dictionary<string, string>
        {
            [record.Object == CrmObject.Note ? CrmFields.Title : CrmFields.Subject] = "Correction: the entry before was withdrawn",
            [CrmFields.Body] = "The automatic processing of this lead was undone, because a later step failed.",
            [CrmFields.Corrects] = record.Id,
        };
        if (record[CrmFields.Lead] is { } lead)
            fields[CrmFields.Lead] = lead;
        return fields;
    }

    private static StepEffect Cannot(StepEffect effect, string why) =>
        effect with { State = EffectState.CannotCompensate, Warning = $"could not be undone: {why}" };
}
