using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Execution;

namespace LeadPipeline.Worker.WhatIf;

/// <summary>A run of a lead as it stands on record: enough to decide about it again.</summary>
public sealed record RecordedRun
{
    /// <summary>The lead.</summary>
    public required Guid LeadId { get; init; }
    /// <summary>The run, from 1.</summary>
    public required int Run { get; init; }
    /// <summary>When it was planned; what the plan says of days counts from here.</summary>
    public required DateTimeOffset At { get; init; }
    /// <summary>The analyzer that answered.</summary>
    public required string Analyzer { get; init; }
    /// <summary>The version of the model, if there was one.</summary>
    public string? ModelVersion { get; init; }
    /// <summary>SHA-256 hex of the prompt, if there was one.</summary>
    public string? PromptHash { get; init; }
    /// <summary>The evidence.</summary>
    public required EvidenceSnapshot Snapshot { get; init; }
    /// <summary>The analyzer's answer, UTF-8 JSON; null when none could be used.</summary>
    public ReadOnlyMemory<byte>? Answer { get; init; }
    /// <summary>What was decided.</summary>
    public required Decided Then { get; init; }
    /// <summary>Whether a person had approved the run before, so that a signal of manipulation did not halt this one.</summary>
    public bool IsApproved { get; init; }
    /// <summary>What this run and the ones before have done or tried, the latest run first.</summary>
    public IReadOnlyList<LedgerLine> Ledger { get; init; } = [];
}

/// <summary>One effect on record.</summary>
/// <param name="Run">The run.</param>
/// <param name="Step">The step as it was planned.</param>
/// <param name="State">How far it came.</param>
/// <param name="RecordId">The record in the CRM, if known.</param>
public sealed record LedgerLine(int Run, PlanStep Step, EffectState State, string? RecordId);

/// <summary>A verdict and what follows from it.</summary>
/// <param name="Verdict">Null when there was no answer to ground.</param>
/// <param name="Plan">Null likewise.</param>
/// <param name="NoAnswer">Why there was none: a code.</param>
public sealed record Decided(GroundingResult? Verdict, ActionPlan? Plan, string? NoAnswer = null);
