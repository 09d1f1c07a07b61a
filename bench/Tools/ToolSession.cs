using System.Text.Json;

namespace LeadPipeline.Bench.Tools;

/// <summary>What tool calls cost, and how many calls go to the vendors; printed as the tables that the documentation shows.</summary>
internal static class ToolSession
{
    public static async Task<int> RunAsync(BenchOptions options)
    {
        var costs = await ToolBench.RunAsync(options.Calls);
        var calls = await VendorCalls.RunAsync(options.VendorLeads);
        if (options.Json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new { tools = costs, vendors = calls }));
            return 0;
        }
        Console.WriteLine($"| tool | CPU µs, own | KB, own | CPU µs, with tables | KB, with tables |\n|---|---|---|---|---|");
        foreach (var cost in costs)
            Console.WriteLine($"| `{cost.Tool}` | {cost.OwnMicroseconds:0} | {cost.OwnBytes / 1024:0.0} | {cost.AllMicroseconds:0} | {cost.AllBytes / 1024:0.0} |");
        Console.WriteLine("\n| vendor | person | calls a routed lead | all calls |\n|---|---|---|---|");
        foreach (var count in calls)
            Console.WriteLine($"| {count.Vendor} | {count.Person} | {count.PerLead:0.00} | {string.Join(", ", count.ByOperation.Select(o => $"{o.Key} {o.Value}"))} |");
        return 0;
    }
}
