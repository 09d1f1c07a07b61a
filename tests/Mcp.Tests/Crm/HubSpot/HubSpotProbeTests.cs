using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.HubSpot;
using LeadPipeline.TestKit.Simulators;
using LeadPipeline.TestKit.Simulators.HubSpot;

namespace LeadPipeline.Mcp.Tests.Crm.HubSpot;

public sealed class HubSpotProbeTests
{
    [Test]
    public async Task Should_find_nothing_wrong_with_an_account_that_is_set_up()
    {
        await using var hubspot = await HubSpotCase.StartAsync();

        var findings = await hubspot.Crm.ProbeAsync(CancellationToken.None);

        Assert.That(findings.Where(f => !f.Well), Is.Empty);
        Assert.That(findings, Has.Count.EqualTo(8));
    }

    [Test]
    public async Task Should_name_the_missing_property()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        _ = hubspot.Simulator.Properties["tasks"].Remove("leadpipeline_effect");
        hubspot.Simulator.Properties["companies"]["leadpipeline_key"] = new HubSpotProperty("leadpipeline_key");

        var findings = await hubspot.Crm.ProbeAsync(CancellationToken.None);

        Assert.That(findings.Where(f => !f.Well).Select(f => $"{f.What}: {f.Says}"), Is.EqualTo(new[]
        {
            "properties of companies: leadpipeline_key must be a unique property; create it anew with unique values",
            "properties of tasks: there is no property leadpipeline_effect; create it, or name another one in the HubSpot section",
        }));
    }

    [Test]
    public async Task Should_name_the_pipelines_that_there_are()
    {
        await using var hubspot = await HubSpotCase.StartAsync(new HubSpotOptions { PipelineId = "enterprise" });

        var finding = (await hubspot.Crm.ProbeAsync(CancellationToken.None)).Single(f => !f.Well);

        Assert.That(finding.Says, Is.EqualTo("there is no deal pipeline 'enterprise'; HubSpot:PipelineId may be one of default"));
    }

    [Test]
    public async Task Should_name_the_unknown_stage()
    {
        await using var hubspot = await HubSpotCase.StartAsync(new HubSpotOptions { Stages = { ["NeedsAnalysis"] = "4711" } });

        var finding = (await hubspot.Crm.ProbeAsync(CancellationToken.None)).Single(f => !f.Well);

        Assert.That(finding.Says, Does.StartWith("the pipeline 'default' has no stage 4711; set HubSpot:Stages to some of appointmentscheduled"));
    }

    [Test]
    public async Task Should_name_the_missing_scope()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        _ = hubspot.Simulator.MissingScopes.Add("crm.objects.owners.read");

        var finding = (await hubspot.Crm.ProbeAsync(CancellationToken.None)).Single(f => !f.Well);

        Assert.That(finding, Is.EqualTo(new CrmFinding("owners", false, "the token has not the scope crm.objects.owners.read; add it to the service key or app")));
    }

    [Test]
    public async Task Should_say_that_the_token_is_refused_and_no_more()
    {
        await using var hubspot = await HubSpotCase.StartAsync();
        hubspot.Simulator.Faults.FailNext("properties", new SimulatorFault.Refuse(401));
        hubspot.Simulator.Faults.FailNext("properties", new SimulatorFault.Refuse(401));

        var findings = await hubspot.Crm.ProbeAsync(CancellationToken.None);

        Assert.That(findings, Is.EqualTo(new[] { new CrmFinding("login", false, "HubSpot refuses the access token; check HUBSPOT_ACCESS_TOKEN") }));
    }
}
