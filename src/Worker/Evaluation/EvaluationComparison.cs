namespace LeadPipeline.Worker.Evaluation;

/// <summary>A lead that two runs decided or scored otherwise.</summary>
/// <param name="Id">The lead.</param>
/// <param name="Change"><c>fixed</c>, <c>broken</c>, <c>other</c> (both wrong, or nobody knows what is right) or <c>score</c> (the same decision).</param>
/// <param name="Before">In the run before.</param>
/// <param name="Now">In this one.</param>
public sealed record ChangedLead(string Id, string Change, EvaluatedLead Before, EvaluatedLead Now);

/// <summary>Two runs over the same leads, lead by lead. Pure.</summary>
/// <param name="Compared">Leads that are in both.</param>
/// <param name="OnlyBefore">Leads that only the run before has.</param>
/// <param name="OnlyNow">Leads that only this run has.</param>
/// <param name="Changed">Those that differ, in the order of this run.</param>
public sealed record EvaluationComparison(int Compared, int OnlyBefore, int OnlyNow, IReadOnlyList<ChangedLead> Changed)
{
    /// <summary>Wrong before and right now.</summary>
    public int Fixed => Changed.Count(c => c.Change == "fixed");

    /// <summary>Right before and wrong now.</summary>
    public int Broken => Changed.Count(c => c.Change == "broken");

    /// <summary>How likely such an imbalance of fixed and broken is when in truth neither run is better (McNemar, exact); small: they do differ.</summary>
    public double Chance => Sign(Fixed, Broken);

    /// <summary>Compares.</summary>
    public static EvaluationComparison Of(IReadOnlyList<EvaluatedLead> before, IReadOnlyList<EvaluatedLead> now)
    {
        var known = before.ToDictionary(l => l.Id, StringComparer.Ordinal);
        var both = now.Where(l => known.ContainsKey(l.Id)).ToList();
        var changed = both.Select(l => (Before: known[l.Id], Now: l)).Where(p => p.Before.Actual != p.Now.Actual || p.Before.Score != p.Now.Score)
            .Select(p => new ChangedLead(p.Now.Id, Change(p.Before, p.Now), p.Before, p.Now));
        return new EvaluationComparison(both.Count, before.Count - both.Count, now.Count - both.Count, [.. changed]);
    }

    private static string Change(EvaluatedLead before, EvaluatedLead now) => (before.Actual == now.Actual, IsRight(before, now.Expected), now.IsRight) switch
    {
        (true, _, _) => "score",
        (_, false, true) => "fixed",
        (_, true, false) => "broken",
        _ => "other",
    };

    /// <summary>By what is held to be right now: labels may have been corrected since.</summary>
    private static bool? IsRight(EvaluatedLead before, string? expected) => expected is null ? null : before.Actual == expected;

    private static double Sign(int a, int b)
    {
        var n = a + b;
        if (n == 0)
            return 1;
        // Powers of two go out of range long before the sum does: added up by logarithms.
        double sum = 0, logarithm = -n * Math.Log(2);
        for (var i = 0; i <= Math.Min(a, b); i++)
        {
            sum += Math.Exp(logarithm);
            logarithm += Math.Log(n - i) - Math.Log(i + 1);
        }
        return Math.Min(1, 2 * sum);
    }
}
