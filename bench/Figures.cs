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

    public double? AllCpu => WorkerCpu + BrokerCpu + DatabaseCpu;
}
