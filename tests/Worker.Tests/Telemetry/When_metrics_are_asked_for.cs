using LeadPipeline.Contracts;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Analysis;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Tests.Http;

namespace LeadPipeline.Worker.Tests.Telemetry;

/// <summary>What is counted is only of use where somebody can ask for it.</summary>
[NonParallelizable]
public sealed class When_metrics_are_asked_for
{
    [Test]
    public async Task Should_show_the_calls_under_way_and_the_worth_of_each_open_stage_from_the_first_look()
    {
        await using var service = await RunningService.StartAsync();

        var page = "";
        await Eventually.ShouldAsync(async () => (page = (await service.CallAsync("GET", "/metrics")).Body).Contains("crm_pipeline_value_dollars{", StringComparison.Ordinal), "read what the opportunities are worth");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(page, Does.Contain("# TYPE mcp_active_connections gauge\nmcp_active_connections "));
            foreach (var stage in (string[])["Prospecting", "Qualification", "Needs Analysis", "Value Proposition", "Negotiation"])
                Assert.That(page, Does.Contain($"crm_pipeline_value_dollars{{stage=\"{stage}\"}} 0\n"));
            Assert.That(page, Does.Not.Contain("crm_pipeline_value_dollars{stage=\"Closed"));
            Assert.That(page, Does.Contain("mcp_rate_limit_violations_total{limit_type=\"door\"} "));
        }
    }

    [Test]
    public async Task Should_show_what_models_and_doors_are_counted_by()
    {
        await using var service = await RunningService.StartAsync();
        AnalysisMeters.Consumed("scraped-model", new ModelUsage(1000, 200, 50, 400, 0.5m));
        AnalysisMeters.Took("scraped-model", TimeSpan.FromSeconds(1));
        IntakeMeters.RefusedSignature("scraped-sender");
        IntakeMeters.FilledHoneypot("scraped-form");

        var page = (await service.CallAsync("GET", "/metrics")).Body;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(page, Does.Contain("ai_tokens_total{kind=\"prompt\",model=\"scraped-model\"} 1000\n"));
            Assert.That(page, Does.Contain("ai_cost_dollars_total{model=\"scraped-model\"} 0.5\n"));
            Assert.That(page, Does.Contain("ai_analysis_duration_seconds_count{model=\"scraped-model\"} 1\n"));
            Assert.That(page, Does.Contain("webhook_signatures_refused_total{source=\"scraped-sender\"} 1\n"));
            Assert.That(page, Does.Contain("form_honeypot_total{form=\"scraped-form\"} 1\n"));
        }
    }
}
