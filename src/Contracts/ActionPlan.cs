using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace LeadPipeline.Contracts;

/// <summary>What came of planning.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<PlanStatus>))]
public enum PlanStatus
{
    /// <summary>There is a plan to run.</summary>
    Planned,
    /// <summary>A gate or the policy forbids acting on this lead.</summary>
    Blocked,
    /// <summary>A person decides: rejected, manual review, or signs of manipulation on a lead to be routed.</summary>
    Halted,
}

/// <summary>How a step is undone.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Compensation>))]
public enum Compensation
{
    /// <summary>The record that we created is taken back.</summary>
    [JsonStringEnumMemberName("withdraw")] Withdraw,
    /// <summary>The fields that we wrote get their former values.</summary>
    [JsonStringEnumMemberName("restore")] Restore,
    /// <summary>The task is cancelled.</summary>
    [JsonStringEnumMemberName("cancel")] Cancel,
    /// <summary>A correcting entry is appended.</summary>
    [JsonStringEnumMemberName("correct")] Correct,
    /// <summary>Cannot be undone.</summary>
    [JsonStringEnumMemberName("none")] None,
}

/// <summary>One step of a plan.</summary>
public sealed record PlanStep
{
    /// <summary>Unique within the plan; later steps refer to it.</summary>
    public required string Id { get; init; }
    /// <summary>Position, from 0; the order of execution.</summary>
    public required int Index { get; init; }
    /// <summary>The registered tool.</summary>
    public required string Tool { get; init; }
    /// <summary>Complete arguments; a string <c>$steps.ID.RESULT</c> refers to an earlier step's result.</summary>
    public required JsonObject Arguments { get; init; }
    /// <summary>Whether the plan fails, and is undone, when this step fails for good.</summary>
    public required bool Critical { get; init; }
    /// <summary>Conditions on run-time values, all of which must hold; empty when there are none.</summary>
    public IReadOnlyList<string> When { get; init; } = [];
    /// <summary>How it would be undone.</summary>
    public required Compensation Compensation { get; init; }
    /// <summary>Whether the policy wants a person's approval before the step runs; left out when not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool NeedsApproval { get; init; }
}

/// <summary>The policy that a plan was made by.</summary>
/// <param name="Name">The name in the file.</param>
/// <param name="Hash">SHA-256 hex of the file's bytes.</param>
public sealed record PolicyIdentity(string Name, string Hash);

/// <summary>The answer of planning: an ordered list of tool calls, or why there is none.</summary>
public sealed record ActionPlan
{
    /// <summary>Whether there is something to run.</summary>
    public required PlanStatus Status { get; init; }
    /// <summary>Stable code of why not; null when planned: <c>rejected</c>, <c>manual-review</c>, <c>injection-signal</c>, <c>no-email</c>, <c>policy</c>, <c>differs-from-earlier-run</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Reason { get; init; }
    /// <summary>For <c>differs-from-earlier-run</c>: each step that an earlier run did with other arguments, with their names; else left out.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Differences { get; init; }
    /// <summary>The policy that decided.</summary>
    public required PolicyIdentity Policy { get; init; }
    /// <summary>The steps in order; empty unless planned.</summary>
    public required IReadOnlyList<PlanStep> Steps { get; init; }
    /// <summary>SHA-256 hex over the canonical steps without values derived from the time of planning.</summary>
    public required string PlanHash { get; init; }
}
