using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Reports;

/// <summary>What a report counts of a lead; nothing of the person.</summary>
/// <param name="Source">Where it came from.</param>
/// <param name="Status">Where it stands.</param>
/// <param name="ReceivedAt">When it was received.</param>
/// <param name="Run">Its latest run.</param>
/// <param name="Grounding">What grounding said; null: there is no analysis.</param>
/// <param name="IsPlanned">Whether a plan was made.</param>
/// <param name="InCrmAt">When the first effect of that run was in the CRM; null: none is.</param>
public sealed record LeadFact(string Source, LeadStatus Status, DateTimeOffset ReceivedAt, int Run, GroundingStatus? Grounding, bool IsPlanned, DateTimeOffset? InCrmAt);

/// <summary>What a run asked of a model.</summary>
/// <param name="At">When the run began.</param>
/// <param name="Model">The model.</param>
/// <param name="Answers">How often it answered.</param>
/// <param name="Usage">What that took.</param>
public sealed record ModelFact(DateTimeOffset At, string Model, int Answers, ModelUsage Usage);

/// <summary>A stage of the funnel.</summary>
/// <param name="Name"><c>received</c>, <c>analysed</c>, <c>grounded</c>, <c>planned</c>, <c>in CRM</c>, <c>completed</c>.</param>
/// <param name="Leads">How many came so far.</param>
public sealed record FunnelStep(string Name, int Leads);

/// <summary>Leads of one source.</summary>
/// <param name="Source">It.</param>
/// <param name="Statuses">Where they stand; those that there are.</param>
public sealed record SourceOutcome(string Source, IReadOnlyDictionary<LeadStatus, int> Statuses)
{
    /// <summary>All of them.</summary>
    public int Leads => Statuses.Values.Sum();
}

/// <summary>One day, UTC.</summary>
/// <param name="Date">It.</param>
/// <param name="Statuses">Leads that arrived on it, by where they stand now.</param>
/// <param name="CostDollars">What the model cost on it.</param>
public sealed record ReportDay(DateOnly Date, IReadOnlyDictionary<LeadStatus, int> Statuses, decimal CostDollars)
{
    /// <summary>All that arrived.</summary>
    public int Leads => Statuses.Values.Sum();
}

/// <summary>A model and what it took.</summary>
/// <param name="Model">It.</param>
/// <param name="Answers">How often it answered.</param>
/// <param name="Usage">Tokens and dollars.</param>
public sealed record ModelOutcome(string Model, int Answers, ModelUsage Usage);

/// <summary>Leads whose first effect was in the CRM within a time.</summary>
/// <param name="Below">The time; null: longer than all others.</param>
/// <param name="Leads">How many, those of shorter times left out.</param>
public sealed record TimeBucket(TimeSpan? Below, int Leads);

/// <summary>What became of the leads of some days.</summary>
public sealed record PipelineReport
{
    /// <summary>From when on leads were received.</summary>
    public required DateTimeOffset Since { get; init; }
    /// <summary>When it was made.</summary>
    public required DateTimeOffset Until { get; init; }
    /// <summary>How far they came.</summary>
    public required IReadOnlyList<FunnelStep> Funnel { get; init; }
    /// <summary>By source, the largest first.</summary>
    public required IReadOnlyList<SourceOutcome> Sources { get; init; }
    /// <summary>By day, the earliest first, without a gap.</summary>
    public required IReadOnlyList<ReportDay> Days { get; init; }
    /// <summary>What grounding said; those verdicts that there are.</summary>
    public required IReadOnlyDictionary<GroundingStatus, int> Grounding { get; init; }
    /// <summary>By model, the dearest first.</summary>
    public required IReadOnlyList<ModelOutcome> Models { get; init; }
    /// <summary>From receipt to the first effect in the CRM, of leads in their first run.</summary>
    public required IReadOnlyList<TimeBucket> TimeToCrm { get; init; }
    /// <summary>The middle one and the slowest but one in twenty of these, to the end of their bucket; null: there are none, or beyond all buckets.</summary>
    public required (TimeSpan? Median, TimeSpan? P95) TimeToCrmPercentiles { get; init; }

    /// <summary>All leads.</summary>
    public int Leads => Funnel[0].Leads;

    /// <summary>What all models cost.</summary>
    public decimal CostDollars => Models.Sum(m => m.Usage.CostDollars);
}

/// <summary>Counts leads into a report, one by one, so that there may be any number of them. No clock, no database.</summary>
public sealed class ReportBuilder(DateTimeOffset since, DateTimeOffset until)
{
    private const int MostDays = 366;

    private static readonly TimeSpan[] Bounds =
    [
        TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5),
        TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromDays(1),
    ];

    private static readonly string[] Steps = ["received", "analysed", "grounded", "planned", "in CRM", "completed"];

    private readonly int[] funnel = new int[Steps.Length];
    private readonly Dictionary<string, Dictionary<LeadStatus, int>> sources = new(StringComparer.Ordinal);
    private readonly Dictionary<DateOnly, Dictionary<LeadStatus, int>> days = [];
    private readonly Dictionary<DateOnly, decimal> costs = [];
    private readonly Dictionary<GroundingStatus, int> grounding = [];
    private readonly Dictionary<string, (int Answers, ModelUsage Usage)> models = new(StringComparer.Ordinal);
    private readonly int[] times = new int[Bounds.Length + 1];

    /// <summary>Counts a lead.</summary>
    public void Add(LeadFact lead)
    {
        for (var step = 0; step <= Reached(lead); step++)
            funnel[step]++;
        Count(Of(sources, lead.Source), lead.Status);
        Count(Of(days, Day(lead.ReceivedAt)), lead.Status);
        if (lead.Grounding is { } verdict)
            Count(grounding, verdict);
        // What was taken up again later says nothing about how fast leads are.
        if (lead is { Run: 1, InCrmAt: { } inCrm })
        {
            var index = Array.FindIndex(Bounds, bound => inCrm - lead.ReceivedAt < bound);
            times[index < 0 ? Bounds.Length : index]++;
        }
    }

    /// <summary>Counts what a model took.</summary>
    public void Add(ModelFact call)
    {
        var (answers, usage) = models.GetValueOrDefault(call.Model, (0, ModelUsage.None));
        models[call.Model] = (answers + call.Answers, usage.Plus(call.Usage));
        costs[Day(call.At)] = costs.GetValueOrDefault(Day(call.At)) + call.Usage.CostDollars;
    }

    /// <summary>The report.</summary>
    public PipelineReport Build() => new()
    {
        Since = since,
        Until = until,
        Funnel = [.. Steps.Zip(funnel, (name, count) => new FunnelStep(name, count))],
        Sources = [.. sources.Select(s => new SourceOutcome(s.Key, s.Value)).OrderByDescending(s => s.Leads).ThenBy(s => s.Source, StringComparer.Ordinal)],
        Days = [.. Range().Select(d => new ReportDay(d, days.GetValueOrDefault(d) ?? [], costs.GetValueOrDefault(d)))],
        Grounding = grounding,
        Models = [.. models.Select(m => new ModelOutcome(m.Key, m.Value.Answers, m.Value.Usage)).OrderByDescending(m => m.Usage.CostDollars).ThenBy(m => m.Model, StringComparer.Ordinal)],
        TimeToCrm = [.. times.Select((count, i) => new TimeBucket(i < Bounds.Length ? Bounds[i] : null, count))],
        TimeToCrmPercentiles = (Percentile(0.5), Percentile(0.95)),
    };

    /// <summary>The furthest step of a lead. One that was undone was in the CRM all the same.</summary>
    private static int Reached(LeadFact lead) => lead switch
    {
        { Status: LeadStatus.Completed } => 5,
        { InCrmAt: not null } => 4,
        { IsPlanned: true } => 3,
        { Grounding: GroundingStatus.VALID or GroundingStatus.DOWNGRADED } => 2,
        { Grounding: not null } => 1,
        _ => 0,
    };

    private IEnumerable<DateOnly> Range()
    {
        var first = Day(since);
        // A report over all time begins with the first lead that there is.
        if (Day(until).DayNumber - first.DayNumber > MostDays)
            first = days.Keys.Concat(costs.Keys).Append(Day(until)).Min();
        for (var day = first; day <= Day(until); day = day.AddDays(1))
            yield return day;
    }

    private TimeSpan? Percentile(double part)
    {
        var (rank, below) = (Math.Ceiling(times.Sum() * part), 0);
        for (var i = 0; i < Bounds.Length && rank > 0; i++)
        {
            if ((below += times[i]) >= rank)
                return Bounds[i];
        }
        return null;
    }

    private static DateOnly Day(DateTimeOffset at) => DateOnly.FromDateTime(at.UtcDateTime);

    private static void Count<T>(Dictionary<T, int> counts, T key) where T : notnull => counts[key] = counts.GetValueOrDefault(key) + 1;

    private static Dictionary<LeadStatus, int> Of<T>(Dictionary<T, Dictionary<LeadStatus, int>> all, T key) where T : notnull =>
        all.TryGetValue(key, out var found) ? found : all[key] = [];
}
