using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Worker.Audit;

namespace LeadPipeline.Worker.Execution;

/// <summary>What the audit is told of a plan's steps. Pure.</summary>
internal static class PlanEvents
{
    /// <summary>What is said before anything is sent: what a read has found not to be there, the steps, and by itself the one that is final.</summary>
    public static List<AuditFact> Started(IReadOnlyList<StepEffect> effects)
    {
        var sent = effects.Where(e => e.IsToBeSent).ToList();
        var facts = new List<AuditFact>(sent.Where(e => e.State == EffectState.Absent).Select(e => new AuditFact("tool", "resolved", Payload(e))))
        {
            new("execution", "started", new JsonObject { ["steps"] = new JsonArray([.. sent.Select(e => (JsonNode)e.Step.Id)]) }),
        };
        facts.AddRange(sent.Where(e => e.Writes.Any(w => w is ConvertLead)).Select(e => new AuditFact("tool", "started", new JsonObject { ["step"] = e.Step.Id, ["tool"] = e.Step.Tool })));
        return facts;
    }

    /// <summary>The lead waits.</summary>
    public static AuditFact Deferred(string reason, DateTimeOffset until) =>
        new("execution", "deferred", new JsonObject { ["reason"] = reason, ["until"] = until.ToString("O", CultureInfo.InvariantCulture) });

    /// <summary>What became of a step since it was told of last; null: nothing to tell.</summary>
    /// <param name="effect">The step as it is.</param>
    /// <param name="before">The state that was told; null: none.</param>
    public static AuditFact? Became(StepEffect effect, EffectState? before) => Name(effect, before) is { } name ? new AuditFact(name.Stage, name.Kind, Payload(effect)) : null;

    private static JsonObject Payload(StepEffect effect)
    {
        var payload = new JsonObject { ["step"] = effect.Step.Id, ["tool"] = effect.Step.Tool, ["state"] = effect.State.Name() };
        if (effect.RecordId is { } record)
            payload["recordId"] = record;
        if ((effect.Error ?? effect.Warning) is { } why)
            payload["why"] = why;
        return payload;
    }

    private static (string Stage, string Kind)? Name(StepEffect effect, EffectState? before) => effect.State switch
    {
        EffectState.Confirmed when before == EffectState.Unknown => ("tool", "resolved"),
        EffectState.Confirmed => ("tool", "completed"),
        EffectState.Unchanged => ("tool", effect.Warning == CrmCodes.Replayed ? "replayed" : "completed"),
        EffectState.Skipped => ("tool", "skipped"),
        EffectState.Failed => ("tool", "failed"),
        EffectState.Unknown => ("tool", "unknown"),
        EffectState.Absent => ("tool", "resolved"),
        EffectState.Compensated => ("compensation", "done"),
        EffectState.NotNeeded => ("compensation", "not_needed"),
        EffectState.CannotCompensate => ("compensation", "cannot"),
        _ => null,
    };
}
