using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Guards;

/// <summary>Why a plan may not run.</summary>
/// <param name="Reason"><c>grounding</c>, <c>email</c> or <c>policy</c>.</param>
/// <param name="Tool">The tool that it is about; <c>plan</c> when it is about the whole.</param>
/// <param name="Why">In words, without personal data.</param>
public sealed record SafetyBlock(string Reason, string Tool, string Why);

/// <summary>
/// The last look at a plan before anything of it is done. The planner has looked at the same things; but plans are kept, restored and carried
/// from version to version, and what runs is what is in the database now.
/// </summary>
public static class SafetyGate
{
    /// <summary>Stands in for the tool when it is about the whole plan.</summary>
    public const string WholePlan = "plan";

    /// <summary>Looks at a plan of which nothing has been done. Pure.</summary>
    /// <param name="plan">The plan. One made by another policy than the one loaded now is let through: it is kept with its run, and says by what it was made.</param>
    /// <param name="grounding">How the analysis was grounded; null: nobody knows.</param>
    /// <param name="email">The lead's address.</param>
    /// <param name="tools">The tools that there are.</param>
    /// <returns>Null when it may run.</returns>
    public static SafetyBlock? Check(ActionPlan plan, GroundingStatus? grounding, string? email, ToolRegistry tools)
    {
        if (grounding is null or GroundingStatus.REJECTED)
            return new SafetyBlock("grounding", WholePlan, grounding is null ? "the analysis was never grounded" : "the analysis did not hold against the evidence");
        if (plan.Status != PlanStatus.Planned)
            return new SafetyBlock("policy", WholePlan, $"the plan is {plan.Status}");
        if (string.IsNullOrWhiteSpace(email))
            return new SafetyBlock("email", WholePlan, "the lead has no e-mail address");
        if (string.IsNullOrWhiteSpace(plan.Policy.Name) || string.IsNullOrWhiteSpace(plan.Policy.Hash))
            return new SafetyBlock("policy", WholePlan, "the plan does not say which policy made it");
        foreach (var step in plan.Steps)
        {
            // The registry takes no forbidden tool, so that only what it has not got needs to be looked at by name.
            if (tools.Find(step.Tool) is not null)
                continue;
            return ForbiddenTools.Find(step.Tool) is { } rule
                ? new SafetyBlock("policy", step.Tool, $"the tool is forbidden, because {rule.Reason}")
                : new SafetyBlock("policy", WholePlan, $"there is no tool for step {step.Id}");
        }
        return null;
    }
}
