using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;

namespace LeadPipeline.Mcp.Execution;

/// <summary>One run of a plan: what to do, for whom, and what is known of it so far.</summary>
/// <param name="LeadId">The lead.</param>
/// <param name="Run">The run, from 1.</param>
/// <param name="Email">The lead's address, lower case.</param>
/// <param name="Effects">The ledger, one line a step, in order.</param>
/// <param name="FirstFailedAt">When this plan first met a failure that it still waits for; null: not yet.</param>
public sealed record PlanRun(Guid LeadId, int Run, string Email, IReadOnlyList<StepEffect> Effects, DateTimeOffset? FirstFailedAt)
{
    /// <summary>A run that has not begun.</summary>
    public static PlanRun New(Guid leadId, int run, string email, ActionPlan plan) =>
        new(leadId, run, email, [.. plan.Steps.Select(s => new StepEffect { Step = s, EffectKey = KeyOf(leadId, run, s.Id) })], null);

    /// <summary>The step's stable key: lead, run and step, nothing that changes from try to try.</summary>
    public static string KeyOf(Guid leadId, int run, string step) => $"{KeyPrefix(leadId)}{run}.{step}";

    /// <summary>What the keys of all runs of a lead begin with.</summary>
    public static string KeyPrefix(Guid leadId) => $"{leadId:N}.";

    /// <summary>The critical step that failed, if one did: the plan goes backward from then on.</summary>
    public StepEffect? Failure => Effects.FirstOrDefault(e => e.State == EffectState.Failed && e.Step.Critical);
}

/// <summary>How far a plan came. A closed family; each carries the ledger as it is then.</summary>
/// <param name="Effects">The ledger.</param>
public abstract record PlanOutcome(IReadOnlyList<StepEffect> Effects)
{
    /// <summary>Decided and ready; nothing was sent yet.</summary>
    public sealed record Prepared(IReadOnlyList<StepEffect> Effects) : PlanOutcome(Effects);

    /// <summary>Every step is settled.</summary>
    public sealed record Finished(IReadOnlyList<StepEffect> Effects) : PlanOutcome(Effects);

    /// <summary>A critical step failed for good: what was done is to be undone.</summary>
    public sealed record Failed(IReadOnlyList<StepEffect> Effects) : PlanOutcome(Effects);

    /// <summary>The CRM is not as it was when the steps were decided, or an answer was lost: read and decide again.</summary>
    /// <param name="Effects">The ledger.</param>
    /// <param name="Why">Why, as a code.</param>
    public sealed record Again(IReadOnlyList<StepEffect> Effects, string Why) : PlanOutcome(Effects)
    {
        /// <summary>Nothing went wrong: all is settled but the step that cannot be undone, and that one is decided and sent by itself.</summary>
        public const string PivotNext = "pivot-next";
    }

    /// <summary>It cannot go on now.</summary>
    /// <param name="Effects">The ledger.</param>
    /// <param name="Reason">Why, as a code.</param>
    /// <param name="CountsAsFailure">Whether this uses up a try: a fault does, a limit or an open breaker does not.</param>
    /// <param name="RetryAfter">How long the CRM asks us to wait, if it said.</param>
    public sealed record NotNow(IReadOnlyList<StepEffect> Effects, string Reason, bool CountsAsFailure, TimeSpan? RetryAfter) : PlanOutcome(Effects)
    {
        /// <summary>The reason for which waiting does not help: a person has to mend the credentials first.</summary>
        public const string Unauthorized = "crm-unauthorized";

        /// <summary>The reason for which a plan that failed is not undone yet: the CRM may still carry out a call that it never answered.</summary>
        public const string Settling = "crm-settling";

        /// <summary>What kind of trouble it was, for the meters.</summary>
        public CrmFault Fault { get; init; }
    }

    /// <summary>A person has to decide.</summary>
    /// <param name="Effects">The ledger.</param>
    /// <param name="Reason">Why, as a code.</param>
    /// <param name="Candidates">Records to choose from.</param>
    public sealed record NeedsPerson(IReadOnlyList<StepEffect> Effects, string Reason, IReadOnlyList<string> Candidates) : PlanOutcome(Effects);

    /// <summary>Everything that was done is undone, or there was nothing to undo.</summary>
    public sealed record Undone(IReadOnlyList<StepEffect> Effects) : PlanOutcome(Effects);

    /// <summary>Something could not be undone.</summary>
    public sealed record NotUndone(IReadOnlyList<StepEffect> Effects) : PlanOutcome(Effects);
}
