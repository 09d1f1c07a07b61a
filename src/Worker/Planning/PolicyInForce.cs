using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Worker.Planning;

/// <summary>The policy that this process plans by, checked against the tools that it has.</summary>
/// <param name="Policy">The policy.</param>
/// <param name="Tools">The tools.</param>
/// <param name="Planning">Time zone and the like.</param>
public sealed record PolicyInForce(Policy Policy, ToolRegistry Tools, PlanningOptions Planning);
