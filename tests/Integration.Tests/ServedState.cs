namespace LeadPipeline.Integration.Tests;

/// <summary>A database, a virtual host and a folder of one fixture's own, and what a worker must be told to use them.</summary>
internal sealed class ServedState : IAsyncDisposable
{
    public static readonly string[] Queues = ["lead-intake", "lead-analysis", "lead-execution"];

    private ServedState(TestDatabase database, TestBroker broker) => (Database, Broker) = (database, broker);

    public TestDatabase Database { get; }

    public TestBroker Broker { get; }

    public TempFolder Folder { get; } = new();

    public static async Task<ServedState> CreateAsync() => new(await TestServers.CreateDatabaseAsync(), await TestServers.CreateBrokerAsync());

    public Dictionary<string, string> Settings(params (string Key, string Value)[] more)
    {
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings__Database"] = Database.ConnectionString,
            ["ConnectionStrings__Broker"] = Broker.Uri.ToString(),
            // What ends in an error queue stays there for the tests to see.
            ["Messaging__CollectInterval"] = "1.00:00:00",
        };
        foreach (var (key, value) in more)
            settings[key] = value;
        return settings;
    }

    public Task<RunningWorker> StartAsync(params (string Key, string Value)[] more) => RunningWorker.StartAsync(Folder.Path, Settings(more));

    public RunningWorker Start(params (string Key, string Value)[] more) => RunningWorker.Start(Folder.Path, Settings(more));

    /// <summary>What is left in the queues, those for errors included; nothing, when all went well.</summary>
    public async Task<IReadOnlyList<string>> LeftOverAsync() =>
        [.. (await Broker.QueuesAsync()).Where(q => q.Messages > 0 && q.Name.StartsWith("lead-", StringComparison.Ordinal)).Select(q => $"{q.Name}: {q.Messages}")];

    public async ValueTask DisposeAsync()
    {
        await Broker.DisposeAsync();
        await Database.DisposeAsync();
        Folder.Dispose();
    }
}
