using System.Text.Json.Nodes;
using LeadPipeline.TestKit.Simulators.Enrichment;
using LeadPipeline.Worker.Evidence;
using LeadPipeline.Worker.Reviews;
using LeadPipeline.Worker.Tests.WhatIf;
using LeadPipeline.Worker.WhatIf;

namespace LeadPipeline.Worker.Tests.Evidence;

/// <summary>Through the whole pipeline: the sender, the directory and a service, each leaf from the first that has it.</summary>
[TestFixture]
public sealed class When_companies_come_from_several_sources
{
    private EnrichmentSimulator service = null!;

    [SetUp]
    public async Task StartAsync() => service = await EnrichmentSimulator.StartAsync();

    [TearDown]
    public async Task StopAsync() => await service.DisposeAsync();

    [Test]
    public async Task Should_take_each_leaf_from_the_first_that_has_it_and_say_from_whom()
    {
        service.Companies["acme.example"] = EnrichmentSimulator.Company("From the service", 900);
        await using var leads = await StartPipelineAsync("domain,company,industry\nacme.example,From the directory,Robotics\n");

        var lead = await leads.WorkOnAsync(JsonNode.Parse("""{"email":"jane@acme.example","enrichment":{"company":"From the sender"}}""")!.AsObject());
        var (run, _) = await leads.Get<RecordedRuns>().FindAsync(lead, CancellationToken.None);

        var leaves = run!.Snapshot.Leaves.Where(l => l.Key.StartsWith("enrichment.", StringComparison.Ordinal)).Select(l => $"{l.Key} {l.Value.Value} by {l.Value.Provider}");
        Assert.That(leaves, Is.EquivalentTo(new[]
        {
            "enrichment.company From the sender by inline", "enrichment.domain acme.example by directory", "enrichment.industry Robotics by directory",
            "enrichment.employees 900 by http", "enrichment.geo Lyon, France by http",
        }));
    }

    [Test]
    public async Task Should_not_ask_a_service_that_could_add_nothing()
    {
        await using var leads = await StartPipelineAsync("domain,company,employees,city,country\nacme.example,Acme,70,Lyon,France\n");

        _ = await leads.WorkOnAsync(new JsonObject { ["email"] = "jane@acme.example" });

        Assert.That(service.Calls(), Is.Zero);
    }

    [Test]
    public async Task Should_work_on_a_lead_although_the_service_is_away()
    {
        await using var leads = await StartPipelineAsync("domain,company\nother.example,Other\n");
        await service.DisposeAsync();

        var lead = await leads.WorkOnAsync(new JsonObject { ["email"] = "jane@acme.example" });

        Assert.That((await leads.EndedAsync(lead, 1))["status"]!.ToString(), Is.EqualTo("Completed"));
    }

    [Test]
    public async Task Should_show_a_person_where_each_fact_comes_from()
    {
        service.Companies["acme.example"] = EnrichmentSimulator.Company("Acme Robotics", 900);
        await using var leads = await StartPipelineAsync("domain,company\nother.example,Other\n");

        var lead = await leads.WorkOnAsync(JsonNode.Parse("""{"email":"jane@acme.example","company":"Universal Paperclips Holding","marketing":{"pageViews":12}}""")!.AsObject());
        var view = await leads.Get<ReviewViews>().FindAsync(new ReviewId(lead, 1), full: true, CancellationToken.None);

        var fact = view!["evidence"]!.AsArray().Single(e => e!["path"]!.ToString() == "enrichment.company")!;
        Assert.That((fact["provider"]!.ToString(), fact["claims"]![0]!["verdict"]!.ToString()), Is.EqualTo(("http", "CONTRADICTED")));
    }

    private async Task<RecordedLeads> StartPipelineAsync(string companies)
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, companies);
        try
        {
            return await RecordedLeads.StartAsync(
                ("Enrichment:Directory:File", file), ("Enrichment:Http:UrlTemplate", service.UrlTemplate), ("Enrichment:Http:Header", EnrichmentSimulator.Header),
                ("Enrichment:Http:Map:company", "/company/legal~1name"), ("Enrichment:Http:Map:employees", "/company/metrics/employees"), ("Enrichment:Http:Map:geo", "/sites/0/address"));
        }
        finally
        {
            File.Delete(file);
        }
    }
}
