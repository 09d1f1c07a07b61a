using System.CommandLine;
using System.Globalization;

namespace LeadPipeline.Bench;

/// <summary>What to measure.</summary>
internal sealed record BenchOptions
{
    public int Leads { get; init; } = 5000;
    public int WarmUp { get; init; } = 1000;
    public IReadOnlyList<int> Workers { get; init; } = [1];
    public int Runs { get; init; } = 3;
    public int HandOver { get; init; } = 256;
    public int Prefetch { get; init; } = 256;
    public bool Floor { get; init; }
    public int ModelDelay { get; init; }
    public int CrmDelay { get; init; }
    public int InFlight { get; init; }
    public int Rate { get; init; }
    public int Finished { get; init; }
    public int Flood { get; init; }
    public int Recover { get; init; }
    public bool Statements { get; init; }
    public string? Profile { get; init; }
    public bool Embedded { get; init; }
    public bool Grounding { get; init; }
    public bool Tools { get; init; }
    public int Calls { get; init; } = 500;
    public bool Door { get; init; }
    public int Posts { get; init; } = 20_000;
    public int Connections { get; init; } = 64;
    public int MemoryPosts { get; init; }
    public int VendorLeads { get; init; } = 20;
    public bool Json { get; init; }

    public TimeSpan ModelWait => TimeSpan.FromMilliseconds(ModelDelay);
    public TimeSpan CrmWait => TimeSpan.FromMilliseconds(CrmDelay);
    public int HandOverInForce => InFlight > 0 ? InFlight : HandOver;
    public int PrefetchInForce => InFlight > 0 ? InFlight : Prefetch;

    public static RootCommand Command(Func<BenchOptions, Task<int>> run)
    {
        var defaults = new BenchOptions();
        var leads = Number("--leads", "Leads that are measured, a run", defaults.Leads, 1, 1_000_000);
        var warmUp = Number("--warm-up", "Leads before them that are not", defaults.WarmUp, 0, 100_000);
        var workers = new Option<string>("--workers") { Description = "Worker processes; several numbers such as 1,2,4 are measured in turn. Default 1", DefaultValueFactory = _ => "1" };
        workers.Validators.Add(result =>
        {
            if (!Counts(result.GetValueOrDefault<string>()).All(n => n is >= 1 and <= 16))
                result.AddError("--workers: write numbers from 1 to 16 with commas between them");
        });
        var runs = Number("--runs", "Runs; the summary is their median", defaults.Runs, 1, 100);
        var handOver = Number("--hand-over", "Messaging:HandOver of the worker; 0 sends every stage through the broker", defaults.HandOver, 0, 2000);
        var prefetch = Number("--prefetch", "Messaging:PrefetchCount of the worker", defaults.Prefetch, 1, 2000);
        var floor = new Option<bool>("--floor") { Description = "After each run the same with a bare consumer that writes the same rows and decides nothing" };
        var modelDelay = Number("--model-delay", "Milliseconds that the model takes to answer, over HTTP; 0: the rules analyzer", defaults.ModelDelay, 0, 30_000);
        var crmDelay = Number("--crm-delay", "Milliseconds that each call to the CRM takes", defaults.CrmDelay, 0, 10_000);
        var inFlight = Number("--in-flight", "Leads that a worker has in hand at once: --hand-over and --prefetch in one; 0: as these say", defaults.InFlight, 0, 2000);
        var rate = Number("--rate", "Posts a second to the doors at a steady pace; 0: as fast as the broker takes them", defaults.Rate, 0, 1000);
        var finished = Number("--finished", "Finished leads that the database has before, measured in turn with an empty one", defaults.Finished, 0, 10_000_000);
        var flood = Number("--flood", "Posts as fast as they are taken to one worker with 256 MB of heap, instead", defaults.Flood, 0, 1_000_000);
        var recover = Number("--recover", "Leads that one worker has accepted when it is killed, and that the next one finishes, instead", defaults.Recover, 0, 1_000_000);
        var statements = new Option<bool>("--statements") { Description = "One more run, which counts SQL statements in the server's log" };
        var profile = new Option<string?>("--profile") { Description = "Folder for a CPU profile of the first worker, made with perf in one more run" };
        var embedded = new Option<bool>("--embedded") { Description = "Measure `process` on a file instead, without servers" };
        var grounding = new Option<bool>("--grounding") { Description = "Measure grounding, planning and our code around a model call instead, without servers" };
        var tools = new Option<bool>("--tools") { Description = "Measure tool calls on the mock CRM, and count the calls to Salesforce and HubSpot, instead; without servers" };
        var calls = Number("--calls", "Calls of each tool, with --tools", defaults.Calls, 10, 100_000);
        var vendorLeads = Number("--vendor-leads", "Routed leads for each vendor, with --tools", defaults.VendorLeads, 4, 1000);
        var door = new Option<bool>("--door") { Description = "Measure posts at a worker that is a door only, instead" };
        var posts = Number("--posts", "Posts a run, with --door", defaults.Posts, 100, 1_000_000);
        var connections = Number("--connections", "Posts under way at once, with --door", defaults.Connections, 1, 1000);
        var memoryPosts = Number("--memory-posts", "Posts after the runs, with the memory after each 20,000, with --door", defaults.MemoryPosts, 0, 10_000_000);
        var json = new Option<bool>("--json") { Description = "One JSON object a run instead of a table" };
        var command = new RootCommand("Measures LeadPipeline end to end.") { leads, warmUp, workers, runs, handOver, prefetch, floor, modelDelay, crmDelay, inFlight, rate, finished, flood, recover, statements, profile, embedded, grounding, tools, calls, vendorLeads, door, posts, connections, memoryPosts, json };
        command.SetAction((parsed, _) => run(new BenchOptions
        {
            Leads = parsed.GetValue(leads),
            WarmUp = parsed.GetValue(warmUp),
            Workers = [.. Counts(parsed.GetValue(workers))],
            Runs = parsed.GetValue(runs),
            HandOver = parsed.GetValue(handOver),
            Prefetch = parsed.GetValue(prefetch),
            Floor = parsed.GetValue(floor),
            ModelDelay = parsed.GetValue(modelDelay),
            CrmDelay = parsed.GetValue(crmDelay),
            InFlight = parsed.GetValue(inFlight),
            Rate = parsed.GetValue(rate),
            Finished = parsed.GetValue(finished),
            Flood = parsed.GetValue(flood),
            Recover = parsed.GetValue(recover),
            Statements = parsed.GetValue(statements),
            Profile = parsed.GetValue(profile),
            Embedded = parsed.GetValue(embedded),
            Grounding = parsed.GetValue(grounding),
            Tools = parsed.GetValue(tools),
            Door = parsed.GetValue(door),
            Posts = parsed.GetValue(posts),
            Connections = parsed.GetValue(connections),
            MemoryPosts = parsed.GetValue(memoryPosts),
            Calls = parsed.GetValue(calls),
            VendorLeads = parsed.GetValue(vendorLeads),
            Json = parsed.GetValue(json),
        }));
        return command;
    }

    private static IEnumerable<int> Counts(string? text) =>
        (text ?? "").Split(',').Select(n => int.TryParse(n, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0);

    private static Option<int> Number(string name, string description, int value, int least, int most)
    {
        var option = new Option<int>(name) { Description = $"{description}. Default {value}", DefaultValueFactory = _ => value };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is var number && (number < least || number > most))
                result.AddError($"{name}: {number} is not between {least} and {most}");
        });
        return option;
    }
}
