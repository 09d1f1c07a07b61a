namespace LeadPipeline.Worker.Evaluation;

/// <summary>How often a decision was right.</summary>
/// <param name="Decision">The decision.</param>
/// <param name="Expected">Leads for which it is right.</param>
/// <param name="Made">Leads for which it was made, among those whose right decision is known.</param>
/// <param name="Right">Both.</param>
public sealed record DecisionQuality(string Decision, int Expected, int Made, int Right)
{
    /// <summary>Of those it was made for, the share for which it is right; null when it was made for none.</summary>
    public double? Precision => Made == 0 ? null : Right / (double)Made;

    /// <summary>Of those for which it is right, the share it was made for; null when it is right for none.</summary>
    public double? Recall => Expected == 0 ? null : Right / (double)Expected;
}

/// <summary>How many leads of a decision were won.</summary>
/// <param name="Decision">The decision that was made.</param>
/// <param name="Leads">Leads whose outcome is known.</param>
/// <param name="Won">Those that were won.</param>
public sealed record WonByDecision(string Decision, int Leads, int Won);

/// <summary>What a run over a labelled file says of analyzer and policy. Pure.</summary>
public sealed record EvaluationReport
{
    private EvaluationReport() { }

    /// <summary>Leads.</summary>
    public required int Leads { get; init; }
    /// <summary>Leads whose right decision is known.</summary>
    public required int Labelled { get; init; }
    /// <summary>The share of these for which it was made; null when there are none.</summary>
    public double? Accuracy { get; init; }
    /// <summary>Precision and recall by decision, in the order of <see cref="LabelledLead.Decisions"/>.</summary>
    public required IReadOnlyList<DecisionQuality> Decisions { get; init; }
    /// <summary>Leads by expected and actual decision.</summary>
    public required IReadOnlyDictionary<(string Expected, string Actual), int> Confusion { get; init; }
    /// <summary>How often a lead to be found has a higher score than another, ties counting half; 0.5 is chance. Null without both kinds.</summary>
    public double? RankingAuc { get; init; }
    /// <summary>Leads won by the decision that was made; empty when no outcome is known.</summary>
    public required IReadOnlyList<WonByDecision> Outcomes { get; init; }
    /// <summary>Leads by grounding status; <c>NO_ANSWER</c> where there was nothing to ground.</summary>
    public required IReadOnlyDictionary<string, int> Grounding { get; init; }
    /// <summary>Claims by verdict.</summary>
    public required IReadOnlyDictionary<string, int> Claims { get; init; }
    /// <summary>Leads for a person, by reason.</summary>
    public required IReadOnlyDictionary<string, int> Reviews { get; init; }
    /// <summary>Dollars in all.</summary>
    public decimal Cost { get; init; }
    /// <summary>Tokens in all.</summary>
    public long Tokens { get; init; }
    /// <summary>Milliseconds of the analyzer for a lead: the median, the 95th of a hundred, the longest.</summary>
    public (double Median, double P95, double Longest) Latency { get; init; }

    /// <summary>Measures a run.</summary>
    public static EvaluationReport Of(IReadOnlyList<EvaluatedLead> leads)
    {
        var labelled = leads.Where(l => l.Expected is not null).ToList();
        var known = leads.Where(l => l.Won is not null).ToList();
        var took = leads.Select(l => l.Milliseconds).Order().ToList();
        return new EvaluationReport
        {
            Leads = leads.Count,
            Labelled = labelled.Count,
            Accuracy = labelled.Count == 0 ? null : labelled.Count(l => l.IsRight == true) / (double)labelled.Count,
            Decisions = [.. LabelledLead.Decisions.Select(d => new DecisionQuality(d, labelled.Count(l => l.Expected == d), labelled.Count(l => l.Actual == d), labelled.Count(l => l.Expected == d && l.Actual == d)))],
            Confusion = labelled.GroupBy(l => (l.Expected!, l.Actual)).ToDictionary(g => g.Key, g => g.Count()),
            RankingAuc = Auc(leads),
            Outcomes = known.Count == 0 ? [] : [.. LabelledLead.Decisions.Select(d => new WonByDecision(d, known.Count(l => l.Actual == d), known.Count(l => l.Actual == d && l.Won == true)))],
            Grounding = Count(leads.Select(l => l.Grounding ?? "NO_ANSWER")),
            Claims = leads.SelectMany(l => l.Claims).GroupBy(c => c.Key).OrderBy(g => g.Key, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Sum(c => c.Value)),
            Reviews = Count(leads.Where(l => l.Actual == LabelledLead.Review).Select(l => l.Reason ?? "unknown")),
            Cost = leads.Sum(l => l.Cost),
            Tokens = leads.Sum(l => (long)l.Tokens),
            Latency = took.Count == 0 ? default : (At(took, 0.5), At(took, 0.95), took[^1]),
        };
    }

    /// <summary>By ranks (Mann and Whitney). A lead without a score ranks below all that have one: nobody would have called it.</summary>
    private static double? Auc(IReadOnlyList<EvaluatedLead> leads)
    {
        var judged = leads.Select(l => (Score: l.Score ?? -1, IsPositive: l.Won ?? (l.Expected is null ? null : l.Expected == LabelledLead.Decisions[0]))).Where(l => l.IsPositive is not null).OrderBy(l => l.Score).ToList();
        var positives = judged.Count(l => l.IsPositive == true);
        var negatives = judged.Count - positives;
        if (positives == 0 || negatives == 0)
            return null;
        var ranks = 0.0;
        for (var first = 0; first < judged.Count;)
        {
            var end = first;
            while (end < judged.Count && judged[end].Score == judged[first].Score)
                end++;
            // Equal scores share the mean of their ranks.
            ranks += (first + 1 + end) / 2.0 * judged[first..end].Count(l => l.IsPositive == true);
            first = end;
        }
        return (ranks - (positives * (positives + 1) / 2.0)) / ((double)positives * negatives);
    }

    /// <summary>The nearest rank.</summary>
    private static double At(List<double> sorted, double share) => sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Count) - 1, 0, sorted.Count - 1)];

    private static Dictionary<string, int> Count(IEnumerable<string> words) => words.GroupBy(w => w).OrderBy(g => g.Key, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Count());
}
