using System.Text.RegularExpressions;

namespace LeadPipeline.Integration.Tests;

/// <summary>What Prometheus sees. Dashboards and alerts are built on these names.</summary>
[Category("Integration")]
[Parallelizable]
public sealed partial class When_metrics_are_scraped
{
    private TempFolder folder = null!;
    private RunningWorker worker = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        folder = new TempFolder();
        worker = await RunningWorker.StartAsync(folder.Path);
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        await worker.DisposeAsync();
        folder.Dispose();
    }

    [Test]
    public async Task Should_show_known_series_at_zero_before_anything_happened()
    {
        var page = await ScrapeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(page, Does.Contain("mcp_circuit_breaker_state{breaker_name=\"mock:write\",crm_provider=\"mock\"} 0\n"));
            Assert.That(page, Does.Contain("leads_processed_total{status=\"needs_review\"} "));
            Assert.That(page, Does.Contain("dead_letters{group=\"other\"} 0\n"));
            Assert.That(page, Does.Contain("mcp_effects_unknown 0\n"));
        }
    }

    [Test]
    public async Task Should_count_a_lead_on_its_whole_way()
    {
        using var posted = await worker.PostAsync(GeneratedLeads.Lead(0).ToJsonString(), trusted: true);
        _ = await worker.UntilDoneAsync(Guid.Parse((await posted.JsonAsync())["leadId"]!.GetValue<string>()));

        var page = "";
        // What is stored can be seen a moment before it is counted.
        await Eventually.ShouldAsync(async () => Sum(page = await ScrapeAsync(), "lead_end_to_end_seconds_count") > 0, "count the lead");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Sum(page, "leads_received_total{source=\"api\"}"), Is.EqualTo(1));
            Assert.That(Sum(page, "leads_processed_total"), Is.EqualTo(1));
            Assert.That(Sum(page, "lead_end_to_end_seconds_count"), Is.EqualTo(1));
            Assert.That(Sum(page, "lead_stage_duration_seconds_count"), Is.EqualTo(3));
            Assert.That(Sum(page, "mcp_grounding_decisions_total"), Is.EqualTo(1));
            Assert.That(Sum(page, "mcp_tool_calls_total"), Is.GreaterThan(2));
            Assert.That(page, Does.Not.Contain("@"), "nobody's address is a label");
        }
        Approved.Matches("metrics", string.Join('\n', Names().Matches(page).Select(m => m.Value).Where(IsOurs).Order(StringComparer.Ordinal)) + "\n");
    }

    [Test]
    public async Task Should_write_text_that_Prometheus_can_read()
    {
        var page = await ScrapeAsync();

        Assert.That(page.Split('\n', StringSplitOptions.RemoveEmptyEntries), Is.All.Matches<string>(line => Line().IsMatch(line)));
    }

    private async Task<string> ScrapeAsync()
    {
        using var response = await worker.Client.GetAsync("/metrics");
        Assert.That(response.Content.Headers.ContentType?.ToString(), Is.EqualTo("text/plain; version=0.0.4; charset=utf-8"));
        return await response.Content.ReadAsStringAsync();
    }

    private static bool IsOurs(string type) => type.Split(' ')[2].Split('_')[0] is "lead" or "leads" or "mcp" or "crm" or "ai" or "dead";

    private static double Sum(string page, string series) =>
        page.Split('\n').Where(l => l.StartsWith(series, StringComparison.Ordinal)).Sum(l => double.Parse(l[(l.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture));

    [GeneratedRegex("^# TYPE .*$", RegexOptions.Multiline)]
    private static partial Regex Names();

    [GeneratedRegex("""^(# (HELP|TYPE) [a-zA-Z_:][a-zA-Z0-9_:]* .+|[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_][a-zA-Z0-9_]*="(\\.|[^"\\])*",?)*\})? (-?[0-9.]+([eE][-+]?[0-9]+)?|[+-]Inf|NaN))$""")]
    private static partial Regex Line();
}
