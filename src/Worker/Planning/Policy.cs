using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Execution;

namespace LeadPipeline.Worker.Planning;

/// <summary>What people decided should happen with leads: the steps of each decision, checked and ready to plan by.</summary>
/// <param name="Identity">Name, and hash of the file's bytes.</param>
/// <param name="Version">The version that its authors gave it.</param>
/// <param name="Plans">Steps in order of execution; a decision that is missing is blocked.</param>
public sealed record Policy(PolicyIdentity Identity, string Version, IReadOnlyDictionary<LeadDecision, IReadOnlyList<PolicyStep>> Plans);

/// <summary>A step as the policy has it, before it is filled in for a lead.</summary>
/// <param name="Id">Unique within its plan.</param>
/// <param name="Tool">A registered tool.</param>
/// <param name="Arguments">What each parameter is given.</param>
/// <param name="Critical">Whether the plan fails when the step does.</param>
/// <param name="When">Conditions, all of which must hold.</param>
/// <param name="NeedsApproval">Whether a person has to approve it first.</param>
public sealed record PolicyStep(
    string Id, string Tool, IReadOnlyList<PolicyArgument> Arguments, bool Critical, IReadOnlyList<WhenCondition> When, bool NeedsApproval);

/// <summary>What a parameter is given.</summary>
/// <param name="Name">The parameter.</param>
/// <param name="Expression">Its value, or where it comes from.</param>
public sealed record PolicyArgument(string Name, ArgumentExpression Expression);

/// <summary>A policy that cannot be used, with everything that is wrong with it.</summary>
public sealed class PolicyException(IReadOnlyList<string> faults) : Exception(string.Join(Environment.NewLine, faults))
{
    /// <summary>The faults in the order of the file, each <c>file:line: message</c>.</summary>
    public IReadOnlyList<string> Faults { get; } = faults;
}
