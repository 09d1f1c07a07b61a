using LeadPipeline.TestKit.Simulators.Enrichment;

namespace LeadPipeline.Integration.Tests;

/// <summary>What a collector gets of an address that holds what a lead says.</summary>
[Category("Integration")]
[Parallelizable]
public sealed class When_calls_of_other_services_are_traced
{
    [Test]
    public async Task Should_tell_who_was_called_and_nothing_of_the_lead()
    {
        using var data = new TempFolder();
        await using var collector = await OtlpCollector.StartAsync();
        await using var service = await EnrichmentSimulator.StartAsync();
        var origin = service.Address.ToString().TrimEnd('/');
        await using var worker = await RunningWorker.StartAsync(data.Path, new Dictionary<string, string>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Address,
            ["OTEL_BSP_SCHEDULE_DELAY"] = "200",
            ["Enrichment__Http__UrlTemplate"] = origin + "/people/{email}/of/{company}?email={email}",
            ["Enrichment__Http__Map__company"] = "/company/legal~1name",
        });

        using var posted = await worker.PostAsync("""{"email":"jane.doe@paperclips.example","company":"Paperclips Universal","message":"Call me."}""");
        _ = await worker.UntilDoneAsync(Guid.Parse((await posted.JsonAsync())["leadId"]!.GetValue<string>()));
        await Eventually.ShouldAsync(() => Task.FromResult(collector.Texts.Any(t => t.Contains(origin, StringComparison.Ordinal))), "export the call");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(service.Exchanges[0].Request.RawTarget, Does.StartWith("/people/jane.doe%40paperclips.example/of/Paperclips%20Universal"));
            Assert.That(collector.Texts, Has.Some.Contains("url.full"));
            Assert.That(collector.Texts, Has.None.Contains("jane").And.None.Contains("Paperclips").And.None.Contains("/people/"));
        }
    }
}
