using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Worker.WhatIf;

/// <summary>What a decision made again differs in from the one on record. Pure.</summary>
public sealed record WhatIfAnswer
{
    private WhatIfAnswer(RecordedRun run, Rehearsed now) => (Run, Now) = (run, now);

    /// <summary>The run as it stands on record.</summary>
    public RecordedRun Run { get; }

    /// <summary>What would be decided now.</summary>
    public Rehearsed Now { get; }

    /// <summary>Members of the verdict that differ.</summary>
    public required IReadOnlyList<Difference> Verdict { get; init; }

    /// <summary>Claims that differ in what is claimed or what came of it.</summary>
    public required IReadOnlyList<Difference> Claims { get; init; }

    /// <summary>Differences of the plan: its status, and its steps.</summary>
    public required IReadOnlyList<Difference> Plan { get; init; }

    /// <summary>What a replay would do.</summary>
    public required IReadOnlyList<ExpectedEffect> Effects { get; init; }

    /// <summary>Whether anything would be decided otherwise.</summary>
    public bool IsChanged => Verdict.Count + Claims.Count + Plan.Count > 0;

    /// <summary>Compares.</summary>
    public static WhatIfAnswer Of(RecordedRun run, Rehearsed now, ToolRegistry tools) => new(run, now)
    {
        Verdict = [.. Verdicts(run.Then, now.Decided)],
        Claims = [.. ClaimDifferences(run.Then.Verdict, now.Decided.Verdict)],
        Plan = PlanDifferences(run.Then.Plan, now.Decided.Plan),
        Effects = EffectForecast.Of(now.Decided.Plan, tools, run.Ledger),
    };

    private static IEnumerable<Difference> Verdicts(Decided then, Decided now) =>
    [
        .. Difference.Between("answer", then.NoAnswer ?? "usable", now.NoAnswer ?? "usable"),
        .. Difference.Between("status", then.Verdict?.Status.ToString(), now.Verdict?.Status.ToString()),
        .. Difference.Between("intent", then.Verdict?.Intent?.ToString(), now.Verdict?.Intent?.ToString()),
        .. Difference.Between("decision", then.Verdict?.Decision?.ToString(), now.Verdict?.Decision?.ToString()),
        .. Difference.Between("fitScore", then.Verdict?.FitScore, now.Verdict?.FitScore),
        .. Difference.Between("lowered", Lowered(then.Verdict), Lowered(now.Verdict)),
        .. Difference.Between("errors", Errors(then.Verdict), Errors(now.Verdict)),
        .. Difference.Between("signals", then.Verdict?.Signals.Count, now.Verdict?.Signals.Count),
    ];

    private static string Lowered(GroundingResult? verdict) => string.Join("; ", (verdict?.Lowered ?? []).Select(l => $"{l.What} {l.From} to {l.To} by {l.Rule}"));

    private static string Errors(GroundingResult? verdict) => string.Join("; ", (verdict?.Errors ?? []).Select(e => $"{e.Code} {e.Path}"));

    /// <summary>Paired by path, since another answer has other claims in another order.</summary>
    private static IEnumerable<Difference> ClaimDifferences(GroundingResult? then, GroundingResult? now)
    {
        var (before, after) = ((then?.Claims ?? []).ToLookup(c => c.FieldPath), (now?.Claims ?? []).ToLookup(c => c.FieldPath));
        return before.Select(g => g.Key).Union(after.Select(g => g.Key)).SelectMany(path => Difference.Between(path, Words(before[path]), Words(after[path])));
    }

    private static string? Words(IEnumerable<GroundedClaim> claims) =>
        string.Join("; ", claims.Select(c => $"{c.Claimed?.GetRawText() ?? "nothing"} {c.Verdict} by {c.Rule}")) is { Length: > 0 } words ? words : null;

    private static List<Difference> PlanDifferences(ActionPlan? then, ActionPlan? now)
    {
        var (before, after) = (then?.Steps ?? [], now?.Steps ?? []);
        var differences = Difference.Between("status", Status(then), Status(now)).ToList();
        foreach (var id in before.Select(s => s.Id).Union(after.Select(s => s.Id)))
        {
            var (was, isNow) = (before.FirstOrDefault(s => s.Id == id), after.FirstOrDefault(s => s.Id == id));
            if (was is null || isNow is null)
                differences.AddRange(Difference.Between(id, was?.Tool, isNow?.Tool));
            else
                differences.AddRange(StepDifferences(was, isNow));
        }
        var (kept, still) = (before.Where(s => after.Any(a => a.Id == s.Id)).Select(s => s.Id), after.Where(s => before.Any(b => b.Id == s.Id)).Select(s => s.Id));
        differences.AddRange(Difference.Between("order", string.Join(", ", kept), string.Join(", ", still)));
        return differences;
    }

    private static IEnumerable<Difference> StepDifferences(PlanStep then, PlanStep now) =>
    [
        .. Difference.Between($"{then.Id}.tool", then.Tool, now.Tool),
        .. Difference.Between($"{then.Id}.critical", then.Critical, now.Critical),
        .. Difference.Between($"{then.Id}.needsApproval", then.NeedsApproval, now.NeedsApproval),
        .. Difference.Between($"{then.Id}.when", string.Join(" and ", then.When), string.Join(" and ", now.When)),
        .. then.Arguments.Select(a => a.Key).Union(now.Arguments.Select(a => a.Key)).SelectMany(name => Difference.Between($"{then.Id}.{name}", then.Arguments[name], now.Arguments[name])),
    ];

    private static string? Status(ActionPlan? plan) => plan is null ? null : plan.Reason is null ? plan.Status.ToString() : $"{plan.Status} ({plan.Reason})";
}

/// <summary>One thing that is otherwise.</summary>
/// <param name="What">What it is.</param>
/// <param name="Then">On record; null: not there.</param>
/// <param name="Now">Decided again; null: not there.</param>
public sealed record Difference(string What, JsonNode? Then, JsonNode? Now)
{
    /// <summary>The difference of two values, if there is one.</summary>
    public static IEnumerable<Difference> Between(string what, JsonNode? then, JsonNode? now) =>
        JsonNode.DeepEquals(then, now) ? [] : [new Difference(what, then?.DeepClone(), now?.DeepClone())];
}
