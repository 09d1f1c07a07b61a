namespace LeadPipeline.Bench;

/// <summary>What one run came to. CPU times are milliseconds a lead; null: not to be seen from here.</summary>
internal sealed record Figures
{
    public required double LeadsPerSecond { get; init; }
    public double? P50Seconds { get; init; }
    public double? P99Seconds { get; init; }
    public double? WorkerCpu { get; init; }
    public double? BrokerCpu { get; init; }
    public double? DatabaseCpu { get; init; }
    public double? GeneratorCpu { get; init; }
    /// <summary>Cores that processes other than ours kept busy meanwhile.</summary>
    public double? OtherCores { get; init; }
    /// <summary>Write transactions a lead.</summary>
    public double? Commits { get; init; }
    public double? Statements { get; init; }
    public IReadOnlyDictionary<string, double> Messages { get; init; } = new Dictionary<string, double>();
    public double? PeakMegabytes { get; init; }
    /// <summary>Kilobytes a lead that the worker's runtime was asked for.</summary>
    public double? Allocated { get; init; }
    /// <summary>Milliseconds a lead in which the garbage collector stood still the worker.</summary>
    public double? Collecting { get; init; }
    public required IReadOnlyDictionary<string, long> Outcomes { get; init; }
    /// <summary>Whether all leads arrived and ended.</summary>
    public required bool Sound { get; init; }
    public IReadOnlyList<string> Notes { get; init; } = [];
    /// <summary>The floor, measured right after.</summary>
    public Figures? Floor { get; init; }
    /// <summary>What leads waited for outside, where that is delayed.</summary>
    public OutsideFigures? Outside { get; init; }

    public double? AllCpu => WorkerCpu + BrokerCpu + DatabaseCpu;
}

/// <summary>What the outside made leads wait, and what that allows.</summary>
/// <param name="ModelCalls">Answers of the model, a lead.</param>
/// <param name="CrmCalls">Calls to the CRM, a lead.</param>
/// <param name="WaitSeconds">What both come to, a lead.</param>
/// <param name="IdealPerSecond">Leads in flight, divided by that: with nothing of ours in between. Null: they wait for nobody, and JSON knows no infinity.</param>
/// <param name="SteadyPerSecond">Leads that ended a second, the first and the last tenth left out, in which not all places are taken.</param>
internal sealed record OutsideFigures(double ModelCalls, double CrmCalls, double WaitSeconds, double? IdealPerSecond, double SteadyPerSecond)
{
    public double? Share => SteadyPerSecond / IdealPerSecond * 100;

    /// <summary>What a lead took beyond its waits, milliseconds, from received to ended as the database has it.</summary>
    public Spread Overhead { get; init; }

    /// <summary>The same from the post to the audit event of its end, as another system sees it; where leads were posted.</summary>
    public Spread? OverheadSeen { get; init; }
}

/// <summary>The middle of some times, and what all but a hundredth keep to.</summary>
internal readonly record struct Spread(double P50, double P99)
{
    public static Spread Of(double[] values)
    {
        Array.Sort(values);
        return values.Length == 0 ? default : new Spread(values[values.Length / 2], values[Math.Min(values.Length - 1, values.Length * 99 / 100)]);
    }
}
