using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Mcp.Tools;

namespace LeadPipeline.Mcp.Execution;

/// <summary>
/// Decides all steps of a plan against one read of the CRM. Pure: the ledger and what was read in, the ledger with writes and
/// before-images out. It is asked again whenever the CRM turns out to have changed, or after a crash; a step whose effect is found in the
/// CRM then settles by itself.
/// </summary>
public static class PlanPreparer
{
    /// <summary>What has to be read before the steps can be decided.</summary>
    public static CrmQuery Ask(ToolRegistry tools, PlanRun run, Func<string, string> recordKey)
    {
        var query = new CrmQuery { RecordKey = recordKey(run.Email), Email = run.Email };
        var effects = new List<(CrmObject, string)>();
        foreach (var effect in run.Effects)
        {
            if (effect.IsSettled || tools.Find(effect.Step.Tool) is not { } tool || Waits(tools, tool, effect, run))
                continue;
            query = tool.Ask(query, WithKnownIds(tool, effect.Step.Arguments, run.Effects));
            if (effect.State != EffectState.Planned && tool.Creates is { } kind)
                effects.Add((kind, effect.EffectKey));
        }
        var account = MatchAccount.Identity(query.AccountDomain, query.AccountName);
        return query with { RecordKey = recordKey(run.Email), Email = run.Email, AccountKey = account is null ? null : recordKey(account), Effects = effects };
    }

    /// <summary>Decides every step that is not settled.</summary>
    public static PlanOutcome Decide(ToolRegistry tools, PlanRun run, CrmView view, DateTimeOffset now, Func<string, string> recordKey)
    {
        view = WithOurs(run, view);
        var done = new Dictionary<string, StepEffect>();
        var effects = new List<StepEffect>(run.Effects.Count);
        foreach (var effect in run.Effects)
        {
            var decided = effect.IsSettled ? effect : DecideStep(effect);
            if (decided.NeedsPerson is { } person)
                // What the read has found of the steps that follow is known, too: a person who decides sees it, and a later run need not ask.
                return person with { Effects = [.. effects, .. run.Effects.Skip(effects.Count).Select(e => Found(tools, e, view))] };
            effects.Add(decided.Effect);
            done[effect.Step.Id] = decided.Effect;
            if (decided.Effect is { State: EffectState.Failed, Step.Critical: true })
            {
                SeeVersions(run, effects, view);
                return new PlanOutcome.Failed([.. effects, .. run.Effects.Skip(effects.Count)]);
            }
        }
        SeeVersions(run, effects, view);
        return effects.TrueForAll(e => e.IsSettled) ? new PlanOutcome.Finished(effects)
            : effects.Exists(e => e.IsToBeSent) ? new PlanOutcome.Prepared(effects)
            : new PlanOutcome.Again(effects, PlanOutcome.Again.PivotNext);

        Decided DecideStep(StepEffect effect)
        {
            if (tools.Find(effect.Step.Tool) is not { } tool)
                return Fail(effect, CrmCodes.NotSupported, $"there is no tool {effect.Step.Tool}");
            // Nothing that is sent with it could be undone any more, so it waits until all else is settled and durable.
            if (Waits(tools, tool, effect, run))
                return effect with { Writes = [] };
            var unmet = effect.Step.When.FirstOrDefault(w => !WhenCondition.Parse(w).Evaluate(field => FieldValue(field, done)));
            // What we made in an earlier try is there, whatever its conditions say now: our own opportunity is an open one of the account.
            if (unmet is not null)
                return Made(effect, view) is { } made ? Settle(effect, tool, new(made.Id), view) : Skip(effect, $"condition not met: {unmet}");
            if (Resolve(tool, effect.Step.Arguments, done, out var missing) is not { } arguments)
                return Made(effect, view) is { } made ? Settle(effect, tool, new(made.Id), view) : effect.Step.Critical ? Fail(effect, CrmCodes.InvalidReference, $"{missing} has no value") : Skip(effect, $"{missing} has no value");
            if (tool.Parameters.Validate(arguments) is [var fault, ..])
                return Fail(effect, fault.Code, fault.ToString());

            return tool.Decide(new ToolCall(effect.Step.Id, arguments, effect.EffectKey, now, recordKey) { MayHaveBeenSent = effect.State != EffectState.Planned }, view) switch
            {
                ToolDecision.Write write => Send(effect with { Arguments = arguments }, tool, write, view),
                ToolDecision.Unchanged unchanged => Settle(effect, tool, unchanged, view),
                ToolDecision.Refuse { NeedsPerson: true } refuse => new(effect, new PlanOutcome.NeedsPerson([], refuse.Code, refuse.Candidates ?? [])),
                ToolDecision.Refuse refuse => Fail(effect, refuse.Code, refuse.Message),
                var other => throw new InvalidOperationException($"unknown decision {other.GetType().Name}"),
            };
        }
    }

    /// <summary>
    /// A read is several questions, and a call that was given up may be carried out between two of them: its record is then found by its address, say, and not by its
    /// key. It carries the key all the same, and is ours.
    /// </summary>
    private static CrmView WithOurs(PlanRun run, CrmView view)
    {
        Dictionary<string, CrmRecord>? all = null;
        foreach (var record in view.Leads.Concat(view.Contacts).Concat(view.Accounts).Concat(view.OpenOpportunities).Concat(view.Records.Values))
        {
            if (record.EffectKey is { } key && !view.Effects.ContainsKey(key) && run.Effects.Any(e => e.EffectKey == key && e.State != EffectState.Planned))
                _ = (all ??= view.Effects.ToDictionary()).TryAdd(key, record);
        }
        return all is null ? view : view with { Effects = all };
    }

    /// <summary>Whether a step that cannot be undone has to wait for others, among several of its kind for the earlier ones.</summary>
    private static bool Waits(ToolRegistry tools, CrmTool tool, StepEffect effect, PlanRun run) => tool.IsPivot
        && run.Effects.Any(e => !e.IsSettled && e.Step.Id != effect.Step.Id && (tools.Find(e.Step.Tool) is not { IsPivot: true } || e.Step.Index < effect.Step.Index));

    private readonly record struct Decided(StepEffect Effect, PlanOutcome.NeedsPerson? NeedsPerson = null)
    {
        public static implicit operator Decided(StepEffect effect) => new(effect);
    }

    private static Decided Fail(StepEffect effect, string code, string message) =>
        effect with { State = EffectState.Failed, Error = $"{code}: {message}", Writes = [] };

    private static Decided Skip(StepEffect effect, string why) =>
        effect with { State = EffectState.Skipped, Warning = why, Writes = [] };

    private static Decided Send(StepEffect effect, CrmTool tool, ToolDecision.Write write, CrmView view)
    {
        var first = write.Writes[0];
        var update = write.Writes.OfType<UpdateRecord>().FirstOrDefault();
        // The record may be there from an earlier try that came no further; it is ours all the same.
        var made = Made(effect, view);
        var created = first is CreateRecord || made is not null;
        var (before, wrote) = Images(effect, write.Before, update, view);
        return effect with
        {
            // No answer came to the try before, and it is not there: that is known now, and is told before it is sent again. If its record is there it came half-way, and an undo must see that.
            State = made is not null ? EffectState.Unknown : effect.State is EffectState.Unknown or EffectState.Absent ? EffectState.Absent : EffectState.Planned,
            // Of another kind than the first write when the step's record is another than the one that is written.
            Object = first is not CreateRecord && write.Data?.ContainsKey("recordId") == true ? tool.Creates ?? first.Object : first.Object,
            Created = created,
            RecordId = first is CreateRecord ? null : made?.Id ?? write.Data?.GetValueOrDefault("recordId") ?? Target(first),
            RecordVersion = made?.Version ?? effect.RecordVersion,
            Data = write.Data ?? new Dictionary<string, string>(),
            Before = before,
            Wrote = wrote,
            WroteTo = update?.Target.ToString(),
            RequestHash = HashOf(write.Writes),
            Warning = write.Warning,
            Writes = write.Writes,
            TriedBefore = effect.State != EffectState.Planned,
            Error = null,
        };
    }

    /// <summary>
    /// What a restore has to bring back, and what it may overwrite for that. A field that is written now stands there as someone left it; one
    /// that an earlier try wrote and that still stands so keeps its image from before that try.
    /// </summary>
    private static (IReadOnlyDictionary<string, string?>? Before, IReadOnlyDictionary<string, string?>? Wrote) Images(
        StepEffect effect, IReadOnlyDictionary<string, string?>? before, UpdateRecord? update, CrmView view)
    {
        if (before is null || update is null || effect is not { State: EffectState.Sent or EffectState.Unknown or EffectState.Absent, Before: { } earlier, Wrote: { } written }
            || effect.WroteTo != update.Target.ToString() || update.Target.Id is not { } id || view.Find(update.Object, id) is not { } record)
        {
            return (before, update?.Fields);
        }
        var kept = earlier.Where(f => !before.ContainsKey(f.Key) && written.TryGetValue(f.Key, out var value) && record[f.Key] == value).ToList();
        return kept.Count == 0
            ? (before, update.Fields)
            : (before.Concat(kept).ToDictionary(f => f.Key, f => f.Value),
                update.Fields.Concat(kept.Select(f => KeyValuePair.Create(f.Key, written[f.Key]))).ToDictionary(f => f.Key, f => f.Value));
    }

    private static Decided Settle(StepEffect effect, CrmTool tool, ToolDecision.Unchanged unchanged, CrmView view)
    {
        // Found as we want it after a try without an answer: it was us. But a record that we were to create is ours only if it carries our
        // key: one that someone else created meanwhile must not be withdrawn when the plan is undone.
        var ours = effect.State is EffectState.Sent or EffectState.Unknown or EffectState.Absent && (!effect.Created || view.Effects.ContainsKey(effect.EffectKey));
        return effect with
        {
            State = ours ? EffectState.Confirmed : EffectState.Unchanged,
            Created = ours && effect.Created,
            RecordId = unchanged.RecordId,
            Object = effect.Object ?? tool.Creates,
            Data = unchanged.Data ?? effect.Data,
            Warning = ours ? null : unchanged.Warning,
            Error = null,
            Writes = [],
        };
    }

    /// <summary>
    /// A write whose answer was lost and that is found in the CRM has raised its record's version without our knowing. What was read with it
    /// is the version that counts as ours from now on, or an undo would take our own write for somebody else's.
    /// </summary>
    private static void SeeVersions(PlanRun run, List<StepEffect> effects, CrmView view)
    {
        var found = effects.Where((e, i) => e.State == EffectState.Confirmed && !run.Effects[i].IsSettled)
            .SelectMany(e => (string?[])[e.RecordId, e.WroteTo is { } to ? RecordRef.Parse(to).Id : e.RecordId]).OfType<string>().ToHashSet();
        if (found.Count == 0)
            return;
        var records = view.Leads.Concat(view.Accounts).Concat(view.OpenOpportunities).Concat(view.Effects.Values).Concat(view.Records.Values)
            .Where(r => found.Contains(r.Id)).DistinctBy(r => r.Id).ToDictionary(r => r.Id, r => r.Version);
        for (var i = 0; i < effects.Count; i++)
        {
            if (effects[i].RecordId is { } id && records.TryGetValue(id, out var version))
                effects[i] = effects[i] with { RecordVersion = version };
        }
    }

    /// <summary>The step as it is known to be without being decided: done, where its record was found.</summary>
    private static StepEffect Found(ToolRegistry tools, StepEffect effect, CrmView view) =>
        !effect.IsSettled && tools.Find(effect.Step.Tool) is { } tool && Made(effect, view) is { } made ? Settle(effect, tool, new(made.Id), view).Effect : effect;

    private static CrmRecord? Made(StepEffect effect, CrmView view) =>
        effect.State == EffectState.Planned ? null : view.Effects.GetValueOrDefault(effect.EffectKey);

    private static string? Target(CrmWrite write) => write switch
    {
        UpdateRecord update => update.Target.Id,
        ConvertLead convert => convert.Lead.Id,
        _ => null,
    };

    /// <summary>SHA-256 over one line a write: what it does to which record, and the fields in the order of their names.</summary>
    private static string HashOf(IReadOnlyList<CrmWrite> writes)
    {
        var text = lines ??= new StringBuilder(1024);
        text.Clear();
        foreach (var write in writes)
        {
            if (text.Length > 0)
                text.Append('\n');
            switch (write)
            {
                case CreateRecord create:
                    Fields(text.Append("create ").Append(create.Object).Append(' '), create.Fields);
                    break;
                case UpdateRecord update:
                    Fields(text.Append("update ").Append(update.Object).Append(' ').Append(update.Target).Append(' '), update.Fields);
                    break;
                case ConvertLead convert:
                    text.Append("convert ").Append(convert.Lead).Append(' ').Append(convert.Account).Append(' ').Append(convert.Owner);
                    break;
                case RemoveRecord remove:
                    text.Append("remove ").Append(remove.Object).Append(' ').Append(remove.Id);
                    break;
                default:
                    text.Append(write);
                    break;
            }
        }
        var characters = ArrayPool<char>.Shared.Rent(text.Length);
        var utf8 = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        text.CopyTo(0, characters, text.Length);
        var hash = CanonicalJson.Sha256Hex(utf8.AsSpan(0, Encoding.UTF8.GetBytes(characters.AsSpan(0, text.Length), utf8)));
        ArrayPool<char>.Shared.Return(characters);
        ArrayPool<byte>.Shared.Return(utf8);
        return hash;
    }

    // Ten times a lead, and as long as a note.
    [ThreadStatic]
    private static StringBuilder? lines;

    private static void Fields<T>(StringBuilder text, IReadOnlyDictionary<string, T> fields)
    {
        var first = true;
        foreach (var (name, value) in fields.OrderBy(f => f.Key, StringComparer.Ordinal))
        {
            if (!first)
                text.Append('\u001f');
            text.Append(name).Append('=').Append(value);
            first = false;
        }
    }

    private static string? FieldValue(string field, Dictionary<string, StepEffect> done)
    {
        if (field == "account")
            return done.Values.FirstOrDefault(e => e.Step.Tool == "match_account") is { } match ? Result(match, "recordId") : null;
        return field.Split('.') is ["steps", var step, var result] && done.TryGetValue(step, out var effect) ? Result(effect, result) : null;
    }

    /// <summary>
    /// The arguments with the records of settled steps in the place of references to them: what a step settled in an earlier try is not read
    /// on its own account any more, and a later step may have to look at it.
    /// </summary>
    private static JsonObject WithKnownIds(CrmTool tool, JsonObject arguments, IReadOnlyList<StepEffect> effects)
    {
        var known = arguments;
        foreach (var parameter in tool.Parameters.All)
        {
            if (parameter.IsRecordId && arguments[parameter.Name] is JsonValue text && text.TryGetValue<string>(out var s) && StepReference.Parse(s) is { } reference
                && effects.FirstOrDefault(e => e.Step.Id == reference.Step) is { IsSettled: true } step && Result(step, reference.Result) is { } id)
            {
                // A copy: the arguments belong to the plan.
                if (ReferenceEquals(known, arguments))
                    known = arguments.DeepClone().AsObject();
                known[parameter.Name] = id;
            }
        }
        return known;
    }

    /// <summary>A result of an earlier step: known, or, for a record that it is about to create, a reference to it.</summary>
    private static string? Result(StepEffect effect, string name) => effect.State switch
    {
        EffectState.Skipped or EffectState.Failed => null,
        _ when name != "recordId" => effect.Data.GetValueOrDefault(name),
        EffectState.Planned or EffectState.Absent when effect is { Created: true, RecordId: null } => RecordRef.CreatedBy(effect.Step.Id).ToString(),
        _ => effect.RecordId,
    };

    private static JsonObject? Resolve(CrmTool tool, JsonObject arguments, Dictionary<string, StepEffect> done, out string? missing)
    {
        missing = null;
        var resolved = new JsonObject();
        foreach (var (name, value) in arguments)
        {
            // Only ids refer to steps: a company may well be called "$steps.x.y".
            if (tool.Parameters.Find(name) is { IsRecordId: true } && value is JsonValue text && text.TryGetValue<string>(out var s) && StepReference.Parse(s) is { } reference)
            {
                if (!done.TryGetValue(reference.Step, out var effect) || Result(effect, reference.Result) is not { } result)
                {
                    missing = reference.ToString();
                    return null;
                }
                resolved[name] = result;
            }
            else
            {
                resolved[name] = value?.DeepClone();
            }
        }
        return resolved;
    }
}
