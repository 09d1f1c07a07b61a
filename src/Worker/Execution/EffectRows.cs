using System.Text.Json.Serialization;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Execution;

/// <summary>What a ledger row keeps sealed: values that belong to a person.</summary>
internal sealed record EffectDetails(
    bool Created,
    IReadOnlyDictionary<string, string> Data,
    IReadOnlyDictionary<string, string?>? Before,
    IReadOnlyDictionary<string, string?>? Wrote,
    string? WroteTo,
    string? Warning,
    DateTimeOffset? UnansweredAt);

/// <summary>Of <see cref="EffectDetails"/> the part that is told to people.</summary>
internal sealed record EffectWarning(string? Warning);

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(EffectDetails))]
[JsonSerializable(typeof(EffectWarning))]
internal sealed partial class EffectJson : JsonSerializerContext;

/// <summary>What the rows of one lead keep sealed. What has not changed is not sealed anew: most of it is the same before a call and after it.</summary>
internal sealed class EffectSeals
{
    private readonly Dictionary<string, (EffectDetails Details, byte[] Sealed)> last = [];

    public byte[] Seal(StepEffect effect, LeadWork work)
    {
        var details = new EffectDetails(effect.Created, effect.Data, effect.Before, effect.Wrote, effect.WroteTo, effect.Warning, effect.UnansweredAt);
        // Equal here means the same dictionaries, which nobody changes once they are made.
        if (last.TryGetValue(effect.EffectKey, out var before) && before.Details == details)
            return before.Sealed;
        var bytes = SealedJson.Seal(work.Key, details, work.Saga.LeadId, EffectJson.Default.EffectDetails);
        last[effect.EffectKey] = (details, bytes);
        return bytes;
    }
}

/// <summary>Turns the ledger in memory into rows and back.</summary>
internal static class EffectRows
{
    public static EffectRow ToRow(this StepEffect effect, LeadWork work, int run, DateTimeOffset now, EffectSeals seals) => new()
    {
        EffectKey = effect.EffectKey,
        LeadId = work.Saga.LeadId,
        Run = run,
        StepIndex = effect.Step.Index,
        Step = effect.Step.Id,
        Tool = effect.Step.Tool,
        State = effect.State.Name(),
        Object = effect.Object?.ToString(),
        RecordId = effect.RecordId,
        RecordVersion = effect.RecordVersion,
        RequestHash = effect.RequestHash,
        Sealed = seals.Seal(effect, work),
        Error = effect.Error,
        UpdatedAt = now,
    };

    public static StepEffect ToEffect(this EffectRow row, PlanStep step, LeadWork work)
    {
        var details = row.Sealed is null ? null : SealedJson.Open(work.Key, row.Sealed, work.Saga.LeadId, EffectJson.Default.EffectDetails);
        return new StepEffect
        {
            Step = step,
            EffectKey = row.EffectKey,
            State = EffectStates.Parse(row.State),
            RecordId = row.RecordId,
            Object = row.Object is null ? null : Enum.Parse<CrmObject>(row.Object),
            RecordVersion = row.RecordVersion,
            Created = details?.Created ?? false,
            Data = details?.Data ?? new Dictionary<string, string>(),
            Before = details?.Before,
            Wrote = details?.Wrote,
            WroteTo = details?.WroteTo,
            RequestHash = row.RequestHash,
            Error = row.Error,
            Warning = details?.Warning,
            UnansweredAt = details?.UnansweredAt,
        };
    }
}
