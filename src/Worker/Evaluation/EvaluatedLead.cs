using LeadPipeline.Contracts;
using LeadPipeline.Worker.WhatIf;

namespace LeadPipeline.Worker.Evaluation;

/// <summary>What was decided about a labelled lead. Nothing of the lead itself is in it, so that a run can be kept and passed on.</summary>
public sealed record EvaluatedLead
{
    /// <summary>The lead's name in the file.</summary>
    public required string Id { get; init; }
    /// <summary>What is right, if the file says.</summary>
    public string? Expected { get; init; }
    /// <summary>Whether it was won, if the file says.</summary>
    public bool? Won { get; init; }
    /// <summary>What was decided: one of <see cref="LabelledLead.Decisions"/>.</summary>
    public required string Actual { get; init; }
    /// <summary>Why a person is to decide, if so: a stable code.</summary>
    public string? Reason { get; init; }
    /// <summary>How the analysis was grounded; null when there was none.</summary>
    public string? Grounding { get; init; }
    /// <summary>The score that was left, 0–100; null when the analysis was rejected or missing.</summary>
    public int? Score { get; init; }
    /// <summary>Claims by verdict.</summary>
    public IReadOnlyDictionary<string, int> Claims { get; init; } = new Dictionary<string, int>();
    /// <summary>What the model cost, in dollars.</summary>
    public decimal Cost { get; init; }
    /// <summary>Tokens of the model.</summary>
    public int Tokens { get; init; }
    /// <summary>How long the analyzer took, in milliseconds.</summary>
    public double Milliseconds { get; init; }

    /// <summary>Whether the decision is right; null when the file does not say what is.</summary>
    public bool? IsRight => Expected is null ? null : Expected == Actual;

    /// <summary>A lead and what came of it.</summary>
    public static EvaluatedLead Of(LabelledLead lead, Rehearsed answer)
    {
        var (verdict, plan) = (answer.Decided.Verdict, answer.Decided.Plan);
        var isPlanned = plan?.Status == PlanStatus.Planned;
        return new EvaluatedLead
        {
            Id = lead.Id,
            Expected = lead.Decision,
            Won = lead.Won,
            Actual = isPlanned ? verdict!.Decision!.Value.ToString() : LabelledLead.Review,
            Reason = isPlanned ? null : answer.Decided.NoAnswer ?? plan?.Reason,
            Grounding = verdict?.Status.ToString(),
            Score = verdict?.FitScore,
            Claims = (verdict?.Claims ?? []).GroupBy(c => c.Verdict.ToString()).OrderBy(g => g.Key, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Count()),
            Cost = answer.Call?.Usage.CostDollars ?? 0,
            Tokens = answer.Call?.Usage.TotalTokens() ?? 0,
            Milliseconds = Math.Round(answer.Took.TotalMilliseconds, 3),
        };
    }
}
