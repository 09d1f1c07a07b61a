using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Worker.Planning;

namespace LeadPipeline.Worker.WhatIf;

/// <summary>What a replay by another plan would mean for one step.</summary>
/// <param name="Step">The step.</param>
/// <param name="Tool">Its tool.</param>
/// <param name="Would">
/// <c>new</c>: it would be done; <c>done</c>: an earlier run has done just that; <c>update</c>: its record would get other values; <c>conflict</c>: a second record
/// would come of it, so that the replay is blocked unless the operator says again; <c>read-back</c>: the CRM has to be asked first; <c>stays</c>: it is in the
/// CRM, the plan no longer has it, and nobody would take it back.
/// </param>
/// <param name="RecordId">The record that there is, if known.</param>
/// <param name="Run">The run that did it, if one did.</param>
public sealed record ExpectedEffect(string Step, string Tool, string Would, string? RecordId = null, int? Run = null);

/// <summary>Foretells what a plan would do, given what earlier runs left. From the ledger alone: nobody is called. Pure.</summary>
public static class EffectForecast
{
    /// <summary>The steps of the plan in their order, then what stays.</summary>
    /// <param name="plan">The plan; null: there would be none.</param>
    /// <param name="tools">The tools.</param>
    /// <param name="ledger">What is on record, the latest run first.</param>
    public static IReadOnlyList<ExpectedEffect> Of(ActionPlan? plan, ToolRegistry tools, IReadOnlyList<LedgerLine> ledger)
    {
        var steps = plan?.Steps ?? [];
        var standing = ledger.Where(l => l.State is EffectState.Confirmed or EffectState.CannotCompensate or EffectState.Sent or EffectState.Unknown || (l.State == EffectState.Unchanged && l.RecordId is not null)).ToList();
        var expected = steps.Select(s => Of(s, tools, standing.Find(l => l.Step.Id == s.Id && l.Step.Tool == s.Tool))).ToList();
        expected.AddRange(standing
            .Where(l => !steps.Any(s => s.Id == l.Step.Id && s.Tool == l.Step.Tool))
            .DistinctBy(l => (l.Step.Id, l.Step.Tool))
            .Select(l => new ExpectedEffect(l.Step.Id, l.Step.Tool, "stays", l.RecordId, l.Run)));
        return expected;
    }

    private static ExpectedEffect Of(PlanStep step, ToolRegistry tools, LedgerLine? before)
    {
        if (before is null || tools.Find(step.Tool) is not { } tool)
            return new ExpectedEffect(step.Id, step.Tool, "new");
        var would = before.State is EffectState.Sent or EffectState.Unknown ? "read-back"
            : RunComparison.Differing(tool.Parameters, before.Step.Arguments, step.Arguments).Count == 0 ? "done"
            : tool is { FindsOrCreates: false, Creates: not null } ? "conflict"
            : "update";
        return new ExpectedEffect(step.Id, step.Tool, would, before.RecordId, before.Run);
    }
}
