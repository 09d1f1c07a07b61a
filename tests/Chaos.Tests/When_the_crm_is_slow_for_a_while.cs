using LeadPipeline.TestKit.Simulators;
using LeadPipeline.TestKit.Simulators.HubSpot;

namespace LeadPipeline.Chaos.Tests;

/// <summary>Every call of the CRM takes ten seconds, five times as long as a call may take, and does its work in the end; then the CRM is well again.</summary>
[Category("Integration")]
[NonParallelizable]
public sealed class When_the_crm_is_slow_for_a_while
{
    private const int Leads = 150;

    /// <summary>For how long; <c>LEADPIPELINE_CHAOS_SLOW</c> seconds instead: 300 are the full measure.</summary>
    private static TimeSpan Slow => TimeSpan.FromSeconds(int.TryParse(Environment.GetEnvironmentVariable("LEADPIPELINE_CHAOS_SLOW"), out var seconds) ? seconds : 12);

    [Test]
    public async Task Should_recover_by_itself_and_do_nothing_twice()
    {
        await using var state = await ServedState.CreateAsync();
        await using var crm = await HubSpotSimulator.StartAsync();
        var mended = Task.Delay(Slow);
        crm.Faults.FailBy((_, _) => mended.IsCompleted ? null : new SimulatorFault.WorkLate(Task.WhenAny(mended, Task.Delay(TimeSpan.FromSeconds(10)))));
        await using var worker = await state.StartAsync(
            ("CRM_PROVIDER", "HUBSPOT"), ("HubSpot__BaseUrl", crm.Address.ToString()), ("HUBSPOT_ACCESS_TOKEN", crm.Token), ("HubSpot__CallsPerTenSeconds", "0"),
            ("RateLimits__PerLead", "0"), ("RateLimits__PerAccount", "0"), ("RateLimits__Global", "0"),
            ("MCP_TOOL_TIMEOUT_MS", "2000"), ("Breaker__BreakDuration", "00:00:02"), ("Deferral__Delays__0", "00:00:01"), ("Deferral__Delays__1", "00:00:03"), ("Messaging__ResendAfter", "00:00:10"));
        var place = new ChaosSender([ChaosWorker.Of(worker)]);

        await place.SendAsync(Leads, TimeSpan.FromSeconds(2), CancellationToken.None);
        await mended;
        var oracle = new ChaosOracle(state, crm);
        await Eventually.ShouldAsync(() => oracle.IsQuietAsync(Leads), "finish every lead", TimeSpan.FromMinutes(3));

        await TestContext.Progress.WriteLineAsync($"slow for {Slow.TotalSeconds} s: {string.Join(", ", await oracle.OutcomesAsync())}; {await oracle.EffectsAsync()}");
        Assert.That(await oracle.BrokenAsync(place.Accepted), Is.Empty);
    }
}
