using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.TestKit;
using LeadPipeline.TestKit.Simulators;
using LeadPipeline.TestKit.Simulators.HubSpot;
using LeadPipeline.TestKit.Simulators.Salesforce;

namespace LeadPipeline.Bench.Tools;

/// <summary>The HTTP calls that a vendor counts for routed leads.</summary>
/// <param name="Vendor">The vendor.</param>
/// <param name="Person">Whether the vendor knows the person, from elsewhere: without our key.</param>
/// <param name="Leads">How many leads were routed.</param>
/// <param name="PerLead">Calls a lead, what a worker asks once or now and then left out.</param>
/// <param name="ByOperation">All calls by what they are, those of the worker's start among them.</param>
internal sealed record VendorCallCount(string Vendor, string Person, int Leads, double PerLead, IReadOnlyDictionary<string, int> ByOperation);

/// <summary>Runs <c>process</c> on routed leads with the default policy against the vendors' simulators, and lets those count.</summary>
internal static class VendorCalls
{
    private const string Campaign = "CMP-SPRING";

    public static async Task<IReadOnlyList<VendorCallCount>> RunAsync(int leads)
    {
        var counts = new List<VendorCallCount>();
        foreach (var known in (bool[])[false, true])
        {
            await using var org = await SalesforceSimulator.StartAsync();
            org.DailyLimit = 1_000_000;
            _ = org.Add("Campaign", ("Name", Campaign), ("IsActive", true));
            for (var n = 0; known && n < leads; n++)
                _ = org.Add("Lead", ("LastName", "Sample"), ("Company", Company(n)), ("Email", Email(n)), ("Status", "Working"));
            counts.Add(await CountAsync("Salesforce", org, SimulatorSettings.For(org), known, leads));

            await using var hubspot = await HubSpotSimulator.StartAsync();
            for (var n = 0; known && n < leads; n++)
                _ = hubspot.Add("contacts", ("email", Email(n)), ("lastname", "Sample"), ("hs_lead_status", "IN_PROGRESS"));
            counts.Add(await CountAsync("HubSpot", hubspot, SimulatorSettings.For(hubspot), known, leads));
        }
        return [.. counts.OrderByDescending(c => c.Vendor)];
    }

    private static async Task<VendorCallCount> CountAsync(string vendor, VendorSimulator simulator, Dictionary<string, string> settings, bool known, int leads)
    {
        using var folder = new TempFolder();
        var file = folder.Write("leads.jsonl", string.Concat(Enumerable.Range(0, leads).Select(n => Lead(n).ToJsonString() + "\n")));
        settings["Data__Directory"] = Path.Combine(folder.Path, "data");
        settings["RateLimits__Global"] = settings["HubSpot__CallsPerTenSeconds"] = "0";
        await using var worker = WorkerProcess.Start(["process", file, "--json"], settings, folder.Path);
        var exit = await worker.WaitForExitAsync(TimeSpan.FromMinutes(5));
        var outcomes = exit == 0 ? JsonElement.Parse(string.Concat(worker.Output)).GetProperty("outcomes") : default;
        if (exit != 0 || !outcomes.TryGetProperty("Completed", out var completed) || completed.GetInt32() != leads)
            throw new InvalidOperationException($"Not all leads were routed into {vendor}.\n{worker.Transcript()}");
        var calls = simulator.Exchanges.CountBy(e => e.Operation).OrderByDescending(c => c.Value).ToDictionary();
        // What is asked once a worker, or every few minutes, is no part of what a lead costs.
        return new VendorCallCount(vendor, known ? "known" : "new", leads, calls.Values.Where(c => c >= leads / 2).Sum() / (double)leads, calls);
    }

    private static JsonObject Lead(int number) => new()
    {
        ["externalId"] = string.Create(CultureInfo.InvariantCulture, $"V-{number}"),
        ["email"] = Email(number),
        ["firstName"] = "Ada",
        ["lastName"] = "Sample",
        ["title"] = "VP Sales",
        ["company"] = Company(number),
        ["campaignId"] = Campaign,
        ["enrichment"] = new JsonObject { ["company"] = Company(number), ["domain"] = Domain(number), ["industry"] = "Software", ["employees"] = 3000, ["geo"] = "Munich, Bavaria, Germany" },
        ["marketing"] = new JsonObject { ["emailOpens"] = 14, ["emailClicks"] = 6, ["pageViews"] = 22, ["pricingPageViews"] = 4, ["webinarsAttended"] = 1 },
    };

    private static string Company(int number) => "Firm " + new string((char)('a' + (number % 26)), 6 + (number / 26));

    private static string Domain(int number) => Company(number).Replace(" ", "", StringComparison.Ordinal).ToLowerInvariant() + ".example";

    private static string Email(int number) => "ada@" + Domain(number);
}
