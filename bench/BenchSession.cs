namespace LeadPipeline.Bench;

/// <summary>All runs of one call of the bench, and their median.</summary>
internal sealed class BenchSession(BenchOptions options)
{
    public async Task<int> RunAsync()
    {
        var report = new Report(options);
        var figures = new List<Figures>();
        for (var run = 1; run <= options.Runs; run++)
        {
            var one = options.Embedded ? await EmbeddedRun.RunAsync(options, run) : await BrokerRun.RunAsync(options, run, RunPurpose.Measure);
            figures.Add(one);
            report.Run(run, one);
        }
        if (options.Runs > 1)
            report.Median(figures);

        // Looking closely costs time of its own, so what looks closely is not part of the figures.
        if (options.Statements && !options.Embedded)
            report.Statements(await BrokerRun.RunAsync(options, options.Runs + 1, RunPurpose.CountStatements));
        if (options.Profile is not null && !options.Embedded)
            await BrokerRun.RunAsync(options, options.Runs + 2, RunPurpose.Profile);
        return figures.TrueForAll(f => f.Sound) ? 0 : 1;
    }
}

internal enum RunPurpose { Measure, CountStatements, Profile }
