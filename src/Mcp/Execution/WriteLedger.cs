using LeadPipeline.Mcp.Crm;

namespace LeadPipeline.Mcp.Execution;

/// <summary>The forward side of a plan in memory: which writes are outstanding, and what the answers make of the steps. No I/O.</summary>
internal sealed class WriteLedger(PlanRun run)
{
    private readonly StepEffect[] effects = [.. run.Effects];
    private readonly Dictionary<string, string> created = run.Effects.Where(e => e is { Created: true, RecordId: not null }).ToDictionary(e => e.Step.Id, e => e.RecordId!);
    /// <summary>The ledger as it is.</summary>
    public IReadOnlyList<StepEffect> Effects => effects;

    /// <summary>How many steps are not settled.</summary>
    public int Open => effects.Count(e => !e.IsSettled);

    /// <summary>Why the CRM has to be read again before going on; null: it need not.</summary>
    public string? MustReadAgain { get; private set; }

    /// <summary>Whether a critical step was refused.</summary>
    public bool HasCriticalFailure { get; private set; }

    /// <summary>The step that cannot go on now, and why; null: none.</summary>
    public (string Step, CrmOutcome.NotNow Outcome)? Stopped { get; private set; }

    /// <summary>Whether the plan stands and falls with a step.</summary>
    public bool IsCritical(string step) => effects.Any(e => e.Step.Id == step && e.Step.Critical);

    /// <summary>The writes of all steps that are not settled, in order.</summary>
    public CrmBatch Outstanding()
    {
        Stopped = null;
        SettleDependents();
        var open = effects.Where(e => !e.IsSettled).ToList();
        return new CrmBatch(run.LeadId, run.Email,
            [.. open.SelectMany(e => e.Writes).Select(WithKnownIds)],
            open.Where(e => e.Step.Critical).Select(e => e.Step.Id).ToHashSet());
    }

    /// <summary>A step is not tried any longer.</summary>
    public void GiveUp(string step, string why) =>
        Change(step, e => e with { State = EffectState.Failed, Error = $"{CrmCodes.Permanent}: gave up, {why}", Warning = "not done: the CRM did not take it in time" });

    /// <summary>Takes the answers to a batch.</summary>
    public void Record(CrmBatch batch, IReadOnlyList<CrmOutcome> outcomes, DateTimeOffset now)
    {
        // Record id → the version that it had before the batch, as far as we asked for it, and the one that the batch left.
        var versions = new Dictionary<string, (string? Before, string After)>();
        foreach (var (step, answers) in batch.Writes.Zip(outcomes).GroupBy(x => x.First.Step).Select(g => (g.Key, g.ToList())))
        {
            foreach (var (write, outcome) in answers)
            {
                if (outcome is CrmOutcome.Done { Version: { } version } done)
                    versions[done.RecordId] = (versions.TryGetValue(done.RecordId, out var seen) ? seen.Before : write switch { UpdateRecord update => update.ExpectedVersion, ConvertLead convert => convert.ExpectedVersion, _ => null }, version);
            }
            RecordStep(step, answers, now);
        }
        // The last version that we wrote is the one that nobody else has touched, if nobody had touched the record before the batch.
        for (var i = 0; i < effects.Length; i++)
        {
            if (effects[i].RecordId is { } id && versions.TryGetValue(id, out var version) && (effects[i].RecordVersion is not { } known || version.Before is null || version.Before == known))
                effects[i] = effects[i] with { RecordVersion = version.After };
        }
    }

    /// <summary>A step that refers to a record which an earlier step failed to create cannot be done any more.</summary>
    private void SettleDependents()
    {
        for (var i = 0; i < effects.Length; i++)
        {
            if (effects[i].IsSettled || Missing(effects[i]) is not { } missing)
                continue;
            var why = $"$steps.{missing}.recordId has no value";
            var critical = effects[i].Step.Critical;
            effects[i] = critical
                ? effects[i] with { State = EffectState.Failed, Error = $"{CrmCodes.InvalidReference}: {why}", Writes = [] }
                : effects[i] with { State = EffectState.Skipped, Error = null, Warning = why, Writes = [] };
            HasCriticalFailure |= critical;
        }
    }

    /// <summary>The step that a step refers to and that has come to nothing; null: there is none.</summary>
    private string? Missing(StepEffect effect) => effect.Writes.SelectMany(w => w.References)
        .FirstOrDefault(s => s != effect.Step.Id && effects.Any(e => e.Step.Id == s && e.State is EffectState.Failed or EffectState.Skipped));

    private void RecordStep(string step, List<(CrmWrite Write, CrmOutcome Outcome)> answers, DateTimeOffset now)
    {
        // What the first of several writes has made is there, whatever came of the others: when the plan turns back it has to go.
        if (answers is [(CreateRecord, CrmOutcome.Done made), _, ..])
        {
            created[step] = made.RecordId;
            _ = Change(step, e => e with { RecordId = made.RecordId });
        }
        if (answers.Select(a => a.Outcome).OfType<CrmOutcome.Refused>().FirstOrDefault() is { } refused)
        {
            Refused(step, refused);
            return;
        }
        if (answers.Select(a => a.Outcome).OfType<CrmOutcome.Unknown>().FirstOrDefault() is { } unknown)
        {
            Change(step, e => e with { State = EffectState.Unknown, Error = unknown.Message, UnansweredAt = now });
            MustReadAgain ??= "unknown-outcome";
            return;
        }
        if (answers.Select(a => a.Outcome).OfType<CrmOutcome.NotNow>().FirstOrDefault() is { } notNow)
        {
            Stopped ??= (step, notNow);
            Change(step, e => e with { Error = notNow.Message });
            return;
        }
        if (answers.TrueForAll(a => a.Outcome is CrmOutcome.Done))
        {
            var first = (CrmOutcome.Done)answers[0].Outcome;
            if (answers[0].Write is CreateRecord)
                created[step] = first.RecordId;
            Change(step, e => e with
            {
                State = EffectState.Confirmed,
                RecordId = answers[0].Write is CreateRecord ? first.RecordId : e.RecordId ?? first.RecordId,
                Data = first.Data is { } more ? e.Data.Concat(more).DistinctBy(d => d.Key).ToDictionary() : e.Data,
                WroteTo = e.WroteTo is { } to ? Known(RecordRef.Parse(to)).ToString() : null,
                Error = null,
            });
        }
    }

    private void Refused(string step, CrmOutcome.Refused refused)
    {
        if (refused.Code == CrmCodes.ChangedSince)
        {
            MustReadAgain ??= refused.Code;
            // Not done by this call, so a conversion that is found now is somebody else's, unless an earlier call has reached the CRM late.
            _ = Change(step, e => e is { Writes: [ConvertLead], TriedBefore: false } ? e with { State = EffectState.Planned } : e);
            return;
        }
        if (refused.Code == CrmCodes.InvalidReference && effects.FirstOrDefault(e => e.Step.Id == step) is { Step.Critical: false } dependent
            && (dependent.State == EffectState.Skipped || Missing(dependent) is not null))
        {
            // Left to itself at the next look: it was not refused, it has nothing to refer to.
            SettleDependents();
            return;
        }
        var failed = Change(step, e => e with
        {
            State = EffectState.Failed,
            Error = $"{refused.Code}: {refused.Message}",
            Warning = e.Step.Critical ? null : $"not done: {refused.Message}",
        });
        HasCriticalFailure |= failed.Step.Critical;
    }

    private StepEffect Change(string step, Func<StepEffect, StepEffect> change)
    {
        var index = Array.FindIndex(effects, e => e.Step.Id == step);
        // What is settled has nothing left to send: a caller who decides again in memory must not send it along.
        var changed = change(effects[index]);
        return effects[index] = changed.IsSettled ? changed with { Writes = [] } : changed;
    }

    private CrmWrite WithKnownIds(CrmWrite write) => write switch
    {
        UpdateRecord update => update with { Target = Known(update.Target), Fields = Known(update.Fields) },
        CreateRecord create => create with { Fields = Known(create.Fields)! },
        ConvertLead convert => convert with { Lead = Known(convert.Lead), Account = Known(convert.Account) },
        _ => write,
    };

    private RecordRef Known(RecordRef target) =>
        target.Step is { } step && created.TryGetValue(step, out var id) ? new RecordRef(id, null) : target;

    private IReadOnlyDictionary<string, T> Known<T>(IReadOnlyDictionary<string, T> fields)
    {
        if (!fields.Any(f => f.Value is string s && s.StartsWith('@')))
            return fields;
        // Only link fields hold references; a company may well be called "@home".
        return fields.ToDictionary(f => f.Key, f =>
            CrmFields.IsLink(f.Key) && f.Value is string s ? (T)(object)Known(RecordRef.Parse(s)).ToString() : f.Value);
    }
}
