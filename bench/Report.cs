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
    ];

    public void Run(int run, Figures figures) => Print($"run {run} of {options.Runs}", figures);

    public void Median(IReadOnlyList<Figures> all)
    {
        if (options.Json)
            return;
        Console.WriteLine($"median of {all.Count} runs, {options.Leads} leads, {options.Workers} worker(s){(options.Embedded ? ", embedded" : $", hand-over {options.HandOver}, prefetch {options.Prefetch}")}");
        foreach (var (name, value, format) in Rows)
        {
            var values = all.Select(value).OfType<double>().Order().ToList();
            if (values.Count > 0)
                Console.WriteLine($"  {name,-36} {values[values.Count / 2].ToString(format, null),10}   ({string.Join(" ", values.Select(v => v.ToString(format, null)))})");
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
                Console.WriteLine($"  {name,-36} {number.ToString(format, null),10}");
        }
        foreach (var (name, count) in figures.Messages)
            Console.WriteLine($"  {"messages a lead: " + name,-36} {count,10:0.00}");
        Console.WriteLine($"  {(figures.Sound ? "all leads ended" : "NOT SOUND")}: {string.Join(", ", figures.Outcomes.Select(o => $"{o.Key} {o.Value}"))}");
        foreach (var note in figures.Notes)
            Console.WriteLine("    " + note);
    }
}
