using System.Security.Cryptography;
using System.Text;
using LeadPipeline.Bench.Floor;
using LeadPipeline.Bench.Outside;
using LeadPipeline.TestKit;

namespace LeadPipeline.Bench;

/// <summary>The processes that take the leads: workers as they are run, or the floor below them.</summary>
internal sealed class Consumers : IAsyncDisposable
{
    private static readonly TimeSpan ToStart = TimeSpan.FromSeconds(60), ToStop = TimeSpan.FromSeconds(40);

    private readonly List<WorkerProcess> processes = [];
    private readonly List<Uri> addresses = [];

    private Consumers(string queue) => Queue = queue;

    /// <summary>The queue that they take leads from.</summary>
    public string Queue { get; }

    public IReadOnlyList<WorkerProcess> Processes => processes;

    /// <summary>Where each worker listens; the floor does not.</summary>
    public IReadOnlyList<Uri> Addresses => addresses;

    /// <summary>The model that the workers ask, if it is one over the network.</summary>
    public ModelStub? Model { get; private init; }

    /// <summary>Starts workers, and waits until all are ready.</summary>
    /// <param name="options">Their settings.</param>
    /// <param name="place">Where.</param>
    /// <param name="workers">How many.</param>
    /// <param name="purpose">What is looked for.</param>
    /// <param name="further">Settings of their own.</param>
    public static async Task<Consumers> WorkersAsync(BenchOptions options, Place place, int workers, RunPurpose purpose = RunPurpose.Measure, params (string Name, string Value)[] further)
    {
        var consumers = new Consumers("lead-intake") { Model = options.ModelDelay > 0 ? await ModelStub.StartAsync(options.ModelWait) : null };
        try
        {
            for (var n = 0; n < workers; n++)
            {
                var address = new Uri($"http://127.0.0.1:{WorkerProcess.FreePort()}");
                var variables = consumers.Settings(options, place, address);
                foreach (var (name, value) in further)
                    variables[name] = value;
                if (purpose == RunPurpose.Profile)
                    CpuProfile.Prepare(variables, options.Profile!);
                consumers.processes.Add(WorkerProcess.Start(["run"], WithPassedOn(variables), place.Data.Path));
                consumers.addresses.Add(address);
                await consumers.processes[^1].UntilReadyAsync(address, ToStart);
            }
            return consumers;
        }
        catch
        {
            await consumers.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the floor, which repeats what the leads that have ended in this place came to.</summary>
    public static async Task<Consumers> FloorAsync(BenchOptions options, Place place)
    {
        var consumers = new Consumers(FloorConsumer.Queue);
        await place.Broker.DeclareQueueAsync(FloorConsumer.Queue);
        var process = WorkerProcess.Start([FloorConsumer.Command], new Dictionary<string, string>
        {
            [FloorConsumer.DatabaseVariable] = place.Database.ConnectionString,
            [FloorConsumer.BrokerVariable] = place.Broker.Uri.ToString(),
            [FloorConsumer.PrefetchVariable] = $"{options.PrefetchInForce}",
            // As the worker is published.
            ["DOTNET_TieredPGO"] = "0",
        }, place.Data.Path, typeof(Consumers).Assembly.Location);
        consumers.processes.Add(process);
        await process.UntilPrintedAsync(FloorConsumer.Ready, ToStart);
        return consumers;
    }

    /// <summary>Adds what an operator wants to try (DOTNET_gcServer, DOTNET_TieredPGO, …), which comes under a prefix.</summary>
    public static Dictionary<string, string> WithPassedOn(Dictionary<string, string> variables)
    {
        foreach (System.Collections.DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            if (variable.Key is string name && name.StartsWith("BENCH_WORKER_", StringComparison.Ordinal))
                variables[name["BENCH_WORKER_".Length..]] = (string)variable.Value!;
        }
        return variables;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in processes)
        {
            if (!process.HasExited)
                await process.StopAsync(ToStop);
            await process.DisposeAsync();
        }
        if (Model is not null)
            await Model.DisposeAsync();
    }

    private Dictionary<string, string> Settings(BenchOptions options, Place place, Uri address)
    {
        // Its memory as in the image.
        var variables = new Dictionary<string, string>(ImageFile.Memory)
        {
            ["ConnectionStrings__Database"] = place.Database.ConnectionString,
            ["ConnectionStrings__Broker"] = place.Broker.Uri.ToString(),
            ["Data__Directory"] = place.Data.Path,
            ["Database__Migrate"] = "false",
            ["Http__Url"] = address.ToString(),
            ["Enrichment__Directory__File"] = LeadGenerator.CompaniesFile,
            ["Messaging__HandOver"] = $"{options.HandOverInForce}",
            ["Messaging__PrefetchCount"] = $"{options.PrefetchInForce}",
        };
        if (options.Rate > 0)
        {
            // Who may state what is known of a company: leads from the queue are believed, too.
            variables["Auth__Tokens__0__Hash"] = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(PacedPosts.Token)));
            variables["Auth__Tokens__0__Scopes"] = "leads:write leads:enrich";
        }
        if (options.CrmDelay > 0)
            variables["Mock__Latency"] = $"{options.CrmWait:c}";
        if (Model is not null)
        {
            variables["Analysis__Analyzer"] = "Gemini";
            variables["Gemini__BaseUrl"] = Model.Address.ToString();
            variables["Gemini__ApiKey"] = ModelStub.ApiKey;
            // The highest that there are, so that the limiter is at work and stops nobody.
            variables["Analysis__RequestsPerMinute"] = "1000000";
            variables["Analysis__TokensPerMinute"] = "100000000";
        }
        return variables;
    }
}
