namespace LeadPipeline.Bench;

/// <summary>All runs of one call of the bench, and their medians. What is to be compared is measured in turn, so that the neighbours are the same.</summary>
internal sealed class BenchSession(BenchOptions options)
{
    public async Task<int> RunAsync()
    {
        await using var filled = options.Finished > 0 ? await FinishedLeads.FillAsync(options) : null;
        var variants = Variants(filled);
        var report = new Report(options);
        var figures = variants.ToDictionary(v => v, _ => new List<Figures>());
        for (var run = 1; run <= options.Runs; run++)
        {
            foreach (var variant in variants)
            {
                // Nobody's leads are another run's in the same database.
                var one = options.Embedded ? await EmbeddedRun.RunAsync(options, run) : await BrokerRun.RunAsync(options, run, RunPurpose.Measure, variant);
                figures[variant].Add(one);
                report.Run(run, variant, one);
            }
        }
        if (options.Runs > 1 || variants.Count > 1)
            report.Medians(figures);

        // Looking closely costs time of its own, so what looks closely is not part of the figures.
        if (options.Statements && !options.Embedded)
            report.Statements(await BrokerRun.RunAsync(options, options.Runs + 1, RunPurpose.CountStatements, variants[^1]));
        if (options.Profile is not null)
            _ = options.Embedded ? await EmbeddedRun.RunAsync(options, options.Runs + 2, RunPurpose.Profile) : await BrokerRun.RunAsync(options, options.Runs + 2, RunPurpose.Profile, variants[^1]);
        return figures.Values.SelectMany(f => f).All(f => f.Sound) ? 0 : 1;
    }

    private List<Variant> Variants(Place? filled) =>
        [.. options.Workers.Select(n => new Variant($"{n} worker(s)", n, null)), .. filled is null ? Array.Empty<Variant>() : [new Variant($"{options.Finished} finished leads before", options.Workers[0], filled)]];
}

/// <summary>One of the ways to run that a call compares.</summary>
/// <param name="Name">What is different.</param>
/// <param name="Workers">Worker processes.</param>
/// <param name="Place">Where; null: a new place each run.</param>
internal sealed record Variant(string Name, int Workers, Place? Place);

internal enum RunPurpose { Measure, CountStatements, Profile }
