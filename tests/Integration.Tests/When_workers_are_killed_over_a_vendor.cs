using System.Globalization;
using LeadPipeline.TestKit.Simulators;
using LeadPipeline.TestKit.Simulators.HubSpot;
using LeadPipeline.TestKit.Simulators.Salesforce;

namespace LeadPipeline.Integration.Tests;

/// <summary>
/// Whole workers on real servers, a vendor that counts for itself what it was made to do, and SIGKILL while its answers are on their way. The seed is
/// printed: with it the schedule is the same again.
/// </summary>
[Category("Integration")]
public sealed class When_workers_are_killed_over_a_vendor
{
    private const int Leads = 40, Kills = 3;

    /// <summary>What makes a record of its own, once for each time that it is confirmed.</summary>
    private static readonly string[] Creating = ["create_task", "create_follow_up", "log_activity", "add_note", "create_opportunity"];

    [Test]
    public async Task Should_write_each_effect_once_into_Salesforce()
    {
        await using var org = await SalesforceSimulator.StartAsync();

        var effects = await RunAsync(org, SimulatorSettings.For(org), 20271);

        using (Assert.EnterMultipleScope())
        {
            AssertOnce(effects, org.Effects.ToDictionary(e => e.Key.Replace("~~", "/", StringComparison.Ordinal).Replace('~', '.'), e => e.Value));
            Assert.That(org.Live("Lead").CountBy(l => l["Email"]!.GetValue<string>()).Where(c => c.Value > 1), Is.Empty, "one lead a person");
            Assert.That(org.Live("Account").CountBy(a => a["Name"]!.GetValue<string>()).Where(c => c.Value > 1), Is.Empty, "one account a company");
        }
    }

    [Test]
    public async Task Should_write_each_effect_once_into_HubSpot_and_keep_to_its_limit()
    {
        await using var hubspot = await HubSpotSimulator.StartAsync();
        const int limit = 150;
        var settings = SimulatorSettings.For(hubspot);
        settings["HubSpot__CallsPerTenSeconds"] = limit.ToString(CultureInfo.InvariantCulture);

        var effects = await RunAsync(hubspot, settings, 20272);
        var (most, all) = Busiest(hubspot);
        TestContext.Out.WriteLine($"{all} calls, at most {most} in ten seconds");

        using (Assert.EnterMultipleScope())
        {
            AssertOnce(effects, hubspot.Effects);
            Assert.That(hubspot.All("contacts").CountBy(c => c.Properties["email"]).Where(c => c.Value > 1), Is.Empty, "one contact a person");
            Assert.That(hubspot.All("companies").CountBy(c => c.Properties["name"]).Where(c => c.Value > 1), Is.Empty, "one company a company");
            Assert.That(all, Is.GreaterThan(limit), "more than one window of them");
            // Counted where they arrive, and on a busy machine the way there takes now longer, now shorter. Each by itself, they would make twice as many.
            Assert.That(most, Is.LessThanOrEqualTo(limit * 1.2), "by both workers together");
        }
    }

    /// <summary>Sends leads at two workers and kills one of them again and again; answers the ledger when every lead has ended.</summary>
    private static async Task<IReadOnlyList<LedgerRow>> RunAsync(VendorSimulator vendor, Dictionary<string, string> vendorSettings, int seed)
    {
        TestContext.Out.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var state = await ServedState.CreateAsync();
        var settings = vendorSettings.Select(s => (s.Key, s.Value)).Append(("RateLimits__Global", "0")).Append(("Retry__BaseDelay", "00:00:00.1")).ToArray();
        // Answers take as long as over the sea, so that a kill leaves calls behind that were carried out and never heard of.
        var answered = 0;
        vendor.Faults.FailBy((_, _) => new SimulatorFault.AnswerLate(Task.Delay(40 + (Interlocked.Increment(ref answered) * 37 % 120))));
        await using var steady = await state.StartAsync(settings);
        var worker = await state.StartAsync(settings);
        var turn = 0;
        var sender = new LeadSender(() => !worker.Process.HasExited && Interlocked.Increment(ref turn) % 2 == 0 ? worker : steady);
        try
        {
            // In parts, so that there is always something under way when a worker is killed.
            const int part = Leads / (Kills + 1);
            for (var kill = 0; kill < Kills; kill++)
            {
                var calls = vendor.Calls() + random.Next(8, 25);
                var sending = sender.SendAsync(kill * part, part);
                await Eventually.ShouldAsync(() => vendor.Calls() >= calls, $"have made {calls} calls");
                worker.Process.Kill();
                var killed = worker;
                worker = await state.StartAsync(settings);
                await killed.DisposeAsync();
                await sending;
            }
            await sender.SendAsync(Kills * part, part);
            await Eventually.ShouldAsync(
                async () => await state.Database.QueryAsync<long>("SELECT COUNT(*) FROM leads WHERE pending IS NULL") == Leads, "finish every lead");
            var statuses = await Promises.OutcomesAsync(state.Database);
            TestContext.Out.WriteLine(string.Join(", ", statuses.Select(s => $"{s.Key} {s.Value}")));

            using (Assert.EnterMultipleScope())
            {
                Assert.That(sender.Accepted.Count(), Is.EqualTo(Leads));
                Assert.That(statuses.Keys, Is.SupersetOf(new[] { "ROUTE_TO_SDR", "NURTURE", "IGNORE", "Rejected" }), "the leads were of all kinds");
                Assert.That(statuses.Keys, Does.Not.Contain("DeadLettered").And.Not.Contain("NeedsReview").And.Not.Contain("Compensated"), "a kill is nobody's fault");
            }
            return await LedgerRow.AllAsync(state.Database);
        }
        finally
        {
            await worker.DisposeAsync();
        }
    }

    private static void AssertOnce(IReadOnlyList<LedgerRow> ledger, IReadOnlyDictionary<string, int> counted)
    {
        var confirmed = ledger.Where(e => e.State == "confirmed").ToDictionary(e => e.Key);
        Assert.That(ledger.Where(e => e.State is "planned" or "sent" or "unknown" or "failed" or "absent"), Is.Empty, "no step is left open");
        Assert.That(counted.Where(c => c.Value != 1), Is.Empty, "nothing was made twice");
        Assert.That(counted.Keys.Except(confirmed.Keys), Is.Empty, "nothing was made that the ledger does not know");
        Assert.That(confirmed.Values.Where(e => Creating.Contains(e.Tool)).Select(e => e.Key).Except(counted.Keys), Is.Empty, "what the ledger confirms was made");
        Assert.That(counted, Has.Count.GreaterThan(Leads), "there was something to count");
    }

    /// <summary>The most calls of any ten seconds, and all.</summary>
    private static (int Most, int All) Busiest(VendorSimulator vendor)
    {
        var times = vendor.Exchanges.Select(e => e.At).Order().ToList();
        var (most, from) = (0, 0);
        for (var to = 0; to < times.Count; to++)
        {
            while (times[to] - times[from] >= TimeSpan.FromSeconds(10))
                from++;
            most = Math.Max(most, to - from + 1);
        }
        return (most, times.Count);
    }

    private sealed record LedgerRow(string Key, string Tool, string State)
    {
        public static async Task<IReadOnlyList<LedgerRow>> AllAsync(TestDatabase database) =>
            [.. (await database.RowsAsync("SELECT effect_key, tool, state FROM effects")).Select(r => new LedgerRow(r[0]!, r[1]!, r[2]!))];
    }
}
