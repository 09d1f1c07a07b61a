namespace LeadPipeline.Chaos.Tests;

/// <summary>
/// Workers are killed, stopped and frozen, servers too, connections are cut, held and lose their answers, the CRM and the model fail in every way that they have,
/// while leads go through. The seed is printed: with it the same is done again. <c>ops/scripts/chaos.sh</c> runs longer campaigns.
/// </summary>
[Category("Integration")]
[NonParallelizable]
public sealed class When_everything_fails_at_once
{
    private static IEnumerable<ChaosOptions> Campaigns() => ChaosOptions.FromEnvironment() is { } ordered
        ? [ordered]
        : [new ChaosOptions(150, Workers: 1, Seed: 20261, TimeSpan.FromSeconds(15)), new ChaosOptions(300, Workers: 3, Seed: 20263, TimeSpan.FromSeconds(25))];

    [TestCaseSource(nameof(Campaigns))]
    public async Task Should_lose_no_lead_and_do_nothing_twice(ChaosOptions options)
    {
        await using var campaign = await ChaosCampaign.PrepareAsync(options);

        var report = await campaign.RunAsync(TestContext.CurrentContext.CancellationToken);

        await TestContext.Progress.WriteLineAsync(report.ToString());
        await ReportFile.AppendAsync(report);
        Assert.That(report.Broken, Is.Empty, report.ToString());
    }
}

/// <summary>The file named by <c>LEADPIPELINE_CHAOS_REPORT</c>, if there is one.</summary>
internal static class ReportFile
{
    public static Task AppendAsync(ChaosReport report) =>
        Environment.GetEnvironmentVariable("LEADPIPELINE_CHAOS_REPORT") is { Length: > 0 } path ? File.AppendAllTextAsync(path, report.ToString()) : Task.CompletedTask;
}
