using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.DeadLetters;

/// <summary>What a replay would do with one step.</summary>
/// <param name="Step">The step; <c>analysis</c> or a queue when there is no plan yet.</param>
/// <param name="Tool">Its tool, if any.</param>
/// <param name="Action">
/// <c>skip</c>, <c>run</c>, <c>read-back-first</c>; of a plan that has turned back <c>undo</c>, <c>read-back-then-undo</c>, <c>leave</c>; without a plan
/// <c>analyze</c> or <c>return-to-queue</c>; of a lead that cannot be read <c>unreadable</c>.
/// </param>
public sealed record WouldDo(string Step, string? Tool, string Action);

/// <summary>Foretells a replay from the plan and the ledger, without a call to the CRM. Pure.</summary>
public static class ReplayPreview
{
    /// <summary>What would be done with each step.</summary>
    /// <param name="plan">The run's plan; null: the lead failed before it had one.</param>
    /// <param name="effects">The run's ledger as it is stored.</param>
    public static IReadOnlyList<WouldDo> Of(ActionPlan? plan, IReadOnlyList<EffectRow> effects)
    {
        if (plan is null)
            return [new WouldDo("analysis", null, "analyze")];
        var states = effects.ToDictionary(e => e.Step, e => EffectStates.Parse(e.State));
        // A critical step that failed has turned the plan back, and it goes on backward.
        var turned = plan.Steps.Any(s => s.Critical && states.TryGetValue(s.Id, out var state) && state == EffectState.Failed);
        var would = plan.Steps.Select(s => new WouldDo(s.Id, s.Tool, turned ? Backward(states.GetValueOrDefault(s.Id)) : Forward(states.GetValueOrDefault(s.Id))));
        return [.. turned ? would.Reverse() : would];
    }

    private static string Forward(EffectState state) => state switch
    {
        EffectState.Confirmed or EffectState.Unchanged or EffectState.Skipped or EffectState.Failed => "skip",
        EffectState.Sent or EffectState.Unknown => "read-back-first",
        _ => "run",
    };

    private static string Backward(EffectState state) => state switch
    {
        EffectState.Confirmed => "undo",
        EffectState.Sent or EffectState.Unknown => "read-back-then-undo",
        _ => "leave",
    };
}
