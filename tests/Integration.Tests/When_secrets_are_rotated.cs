using System.Diagnostics;
using LeadPipeline.TestKit.Simulators;
using LeadPipeline.TestKit.Simulators.HubSpot;

namespace LeadPipeline.Integration.Tests;

/// <summary>The script that operators run, against a secrets manager and a CRM that are as strict as the real ones, under a worker that goes on working.</summary>
[Category("Integration")]
[Parallelizable]
public sealed class When_secrets_are_rotated
{
    private const string Name = "leadpipeline/hubspot";

    private readonly List<Guid> leads = [];
    private TempFolder folder = null!, data = null!;
    private SecretsManagerSimulator manager = null!;
    private HubSpotSimulator hubspot = null!;
    private RunningWorker worker = null!;

    [SetUp]
    public async Task StartAsync()
    {
        leads.Clear();
        (folder, data) = (new TempFolder(), new TempFolder());
        (manager, hubspot) = (await SecretsManagerSimulator.StartAsync(), await HubSpotSimulator.StartAsync());
        manager.Put(Name, """{"HUBSPOT_ACCESS_TOKEN":"token-0"}""", "AWSCURRENT");
        var settings = SimulatorSettings.For(hubspot);
        settings.Remove("HUBSPOT_ACCESS_TOKEN");
        foreach (var (key, value) in manager.Settings.Append(new("AWS_SECRET_NAME_HUBSPOT", Name)))
            settings[key] = value;
        worker = await RunningWorker.StartAsync(data.Path, settings);
    }

    [TearDown]
    public async Task StopAsync()
    {
        await worker.DisposeAsync();
        await hubspot.DisposeAsync();
        await manager.DisposeAsync();
        folder.Dispose();
        data.Dispose();
    }

    [Test]
    public async Task Should_take_the_new_ones_without_a_failed_lead()
    {
        await PostAsync(0);

        // A token that HubSpot does not know is never put in force.
        var (refused, said) = await RotateAsync("""{"HUBSPOT_ACCESS_TOKEN":"mistyped"}""");
        Assert.That((refused, manager.Value(Name, "AWSCURRENT"), manager.Value(Name, "AWSPENDING")), Is.EqualTo((1, """{"HUBSPOT_ACCESS_TOKEN":"token-0"}""", (string?)null)), said);

        // The old one and the new one are both good for a while; leads come all the time.
        hubspot.SecondToken = "token-new";
        var posting = PostAsync(5);
        var (rotated, told) = await RotateAsync("""{"HUBSPOT_ACCESS_TOKEN":"token-new"}""");
        await posting;
        Assert.That(rotated, Is.Zero, told);
        Assert.That(told, Does.Not.Contain("token-"), "no secret is printed");

        hubspot.Exchange("token-new");
        await PostAsync(10);

        // And once without being told: what is pending is found when the current one is refused.
        manager.Put(Name, "token-last", "AWSPENDING");
        hubspot.Exchange("token-last");
        await PostAsync(15);

        var statuses = new List<string>();
        foreach (var lead in leads)
            statuses.Add((await worker.UntilDoneAsync(lead))["status"]!.GetValue<string>());
        using (Assert.EnterMultipleScope())
        {
            Assert.That(statuses, Has.Count.EqualTo(20));
            Assert.That(statuses, Is.All.AnyOf("Completed", "Rejected"));
            Assert.That(hubspot.Effects.Values, Is.All.EqualTo(1));
            Assert.That(hubspot.Exchanges.Select(e => e.Request.Headers["Authorization"]).Distinct(), Is.EquivalentTo(new[] { "Bearer token-0", "Bearer mistyped", "Bearer token-new", "Bearer token-last" }));
            Assert.That(worker.Process.Transcript(), Does.Not.Contain("token-0").And.Not.Contain("token-new").And.Not.Contain("token-last").And.Not.Contain(SecretsManagerSimulator.SecretKey));
        }
    }

    [Test]
    public async Task Should_say_what_is_in_force_when_the_secrets_manager_fails_or_its_answer_is_lost()
    {
        const string old = """{"HUBSPOT_ACCESS_TOKEN":"token-0"}""", next = """{"HUBSPOT_ACCESS_TOKEN":"token-new"}""";
        hubspot.SecondToken = "token-new";

        manager.Faults.FailNext("PutSecretValue", new SimulatorFault.Refuse(500));
        var (notStored, notStoredSaid) = await RotateAsync(next);
        manager.Faults.FailNext("UpdateSecretVersionStage", new SimulatorFault.Refuse(500));
        var (notPromoted, notPromotedSaid) = await RotateAsync(next);
        var stillOld = manager.Value(Name, "AWSCURRENT");
        manager.Faults.FailNext("UpdateSecretVersionStage", new SimulatorFault.AcceptAndDrop());
        var (lost, lostSaid) = await RotateAsync(next);
        var current = manager.Value(Name, "AWSCURRENT");
        manager.Faults.FailNext("UpdateSecretVersionStage", new SimulatorFault.AcceptAndDrop());
        manager.Faults.FailCall("DescribeSecret", manager.Faults.Calls("DescribeSecret") + 2, new SimulatorFault.Refuse(500));
        var (unknown, unknownSaid) = await RotateAsync(next);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((notStored, notPromoted, lost, unknown), Is.EqualTo((1, 1, 0, 3)), notStoredSaid + notPromotedSaid + lostSaid + unknownSaid);
            Assert.That(notStoredSaid, Does.Contain("could not be stored").And.Contain("is in force"));
            Assert.That(notPromotedSaid, Does.Contain("not rotated").And.Contain("is in force"));
            Assert.That(lostSaid, Does.Contain("is in force. Withdraw the old credentials").And.Not.Contain("not rotated"));
            Assert.That(unknownSaid, Does.Contain("NOT KNOWN"));
            Assert.That((stillOld, current), Is.EqualTo((old, next)));
            Assert.That(manager.Faults.Outstanding, Is.Zero);
        }
    }

    private async Task PostAsync(int from)
    {
        for (var number = from; number < from + 5; number++)
        {
            using var posted = await worker.PostAsync(GeneratedLeads.Lead(number).ToJsonString(), trusted: true);
            leads.Add(Guid.Parse((await posted.JsonAsync())["leadId"]!.GetValue<string>()));
        }
        await worker.UntilDoneAsync(leads[^1]);
    }

    private async Task<(int Code, string Said)> RotateAsync(string secret)
    {
        var start = new ProcessStartInfo("bash", [Repository.PathOf("ops/scripts/rotate-secrets.sh"), "hubspot", folder.Write("new-secret", secret), worker.Address.ToString().TrimEnd('/')])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (key, value) in manager.Settings)
            start.Environment[key] = value;
        start.Environment["AWS_SECRET_NAME_HUBSPOT"] = Name;
        start.Environment["LEADPIPELINE_TOKEN"] = (await File.ReadAllTextAsync(Path.Combine(data.Path, "console-token"))).Trim();
        using var script = Process.Start(start)!;
        var said = await Task.WhenAll(script.StandardOutput.ReadToEndAsync(), script.StandardError.ReadToEndAsync());
        await script.WaitForExitAsync();
        return (script.ExitCode, string.Concat(said));
    }
}
