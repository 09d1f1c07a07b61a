using System.Text.Json;

namespace LeadPipeline.Bench;

/// <summary>Prints figures.</summary>
internal sealed class Report(BenchOptions options)
{
    private static readonly (string Name, Func<Figures, double?> Value, string Format)[] Rows =
    [
        ("leads/s", f => f.LeadsPerSecond, "0"),
        ("from received to ended, p50, s", f => f.P50Seconds, "0.00"),
        ("from received to ended, p99, s", f => f.P99Seconds, "0.00"),
        ("CPU ms a lead: worker", f => f.WorkerCpu, "0.00"),
        ("CPU ms a lead: broker", f => f.BrokerCpu, "0.00"),
        ("CPU ms a lead: database", f => f.DatabaseCpu, "0.00"),
        ("CPU ms a lead: together", f => f.AllCpu, "0.00"),
        ("CPU ms a lead: generator (apart)", f => f.GeneratorCpu, "0.00"),
        ("write transactions a lead", f => f.Commits, "0.000"),
        ("SQL statements a lead", f => f.Statements, "0.00"),
        ("kB allocated a lead", f => f.Allocated, "0"),
        ("ms of garbage collection a lead", f => f.Collecting, "0.00"),
        ("worker's peak memory, MB", f => f.PeakMegabytes, "0"),
        ("cores that others kept busy", f => f.OtherCores, "0.00"),
        ("floor: leads/s", f => f.Floor?.LeadsPerSecond, "0"),
        ("floor: CPU ms a lead, consumer", f => f.Floor?.WorkerCpu, "0.00"),
        ("floor: CPU ms a lead, together", f => f.Floor?.AllCpu, "0.00"),
        ("floor: cores that others kept busy", f => f.Floor?.OtherCores, "0.00"),
        ("worker's leads/s of the floor's", f => f.LeadsPerSecond / f.Floor?.LeadsPerSecond, "0.00"),
        ("worker's CPU of the floor's, together", f => f.AllCpu / f.Floor?.AllCpu, "0.00"),
        ("calls to the model, a lead", f => f.Outside?.ModelCalls, "0.00"),
        ("calls to the CRM, a lead", f => f.Outside?.CrmCalls, "0.00"),
        ("waits outside, ms a lead", f => f.Outside?.WaitSeconds * 1000, "0"),
        ("leads/s that the waits allow", f => Unpaced(f)?.IdealPerSecond, "0.0"),
        ("leads/s without first and last tenth", f => Unpaced(f)?.SteadyPerSecond, "0.0"),
        ("share of what the waits allow, %", f => Unpaced(f)?.Share, "0.0"),
        ("beyond the waits, p50, ms", f => f.Outside?.Overhead.P50, "0.0"),
        ("beyond the waits, p99, ms", f => f.Outside?.Overhead.P99, "0.0"),
        ("the same, seen from outside, p50, ms", f => f.Outside?.OverheadSeen?.P50, "0.0"),
        ("the same, seen from outside, p99, ms", f => f.Outside?.OverheadSeen?.P99, "0.0"),
    ];

    /// <summary>Where posts are paced, the pace is the rate, and nothing is to be reached.</summary>
    private static OutsideFigures? Unpaced(Figures figures) => figures.Outside is { OverheadSeen: null, WaitSeconds: > 0 } outside ? outside : null;

    public void Run(int run, Variant variant, Figures figures) => Print($"run {run} of {options.Runs}, {variant.Name}", figures);

    public void Medians(IReadOnlyDictionary<Variant, List<Figures>> figures)
    {
        if (options.Json)
            return;
        var first = Median(figures.First().Value);
        foreach (var (variant, all) in figures)
        {
            Median(variant, all);
            if (figures.Count > 1)
                Console.WriteLine($"  {"leads/s, % of the first's",-38} {100 * Median(all) / first,10:0.0}");
        }
    }

    private static double Median(List<Figures> all) => all.Select(f => f.LeadsPerSecond).Order().ElementAt(all.Count / 2);

    private void Median(Variant variant, List<Figures> all)
    {
        Console.WriteLine($"median of {all.Count} runs, {options.Leads} leads, {variant.Name}{(options.Embedded ? ", embedded" : $", hand-over {options.HandOverInForce}, prefetch {options.PrefetchInForce}")}");
        foreach (var (name, value, format) in Rows)
        {
            var values = all.Select(value).OfType<double>().Order().ToList();
            if (values.Count > 0)
                Console.WriteLine($"  {name,-38} {values[values.Count / 2].ToString(format, null),10}   ({string.Join(" ", values.Select(v => v.ToString(format, null)))})");
        }
    }

    public void Statements(Figures figures) => Print("counting run (the log slows it down)", figures);

    private void Print(string title, Figures figures)
    {
        if (options.Json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new { title, options, figures }));
            return;
        }
        Console.WriteLine(title);
        foreach (var (name, value, format) in Rows)
        {
            if (value(figures) is { } number)
                Console.WriteLine($"  {name,-38} {number.ToString(format, null),10}");
        }
        foreach (var (name, count) in figures.Messages)
            Console.WriteLine($"  {"messages a lead: " + name,-38} {count,10:0.00}");
        Console.WriteLine($"  {(figures.Sound ? "all leads ended" : "NOT SOUND")}: {string.Join(", ", figures.Outcomes.Select(o => $"{o.Key} {o.Value}"))}");
        foreach (var note in figures.Notes)
            Console.WriteLine("    " + note);
    }
}
