using LeadPipeline.TestKit;

namespace LeadPipeline.Bench;

/// <summary>Where runs take place: a database, a virtual host, and the folder with the workers' keys, which belong to the database.</summary>
internal sealed class Place(TestDatabase database, TestBroker broker) : IAsyncDisposable
{
    public TestDatabase Database => database;

    public TestBroker Broker => broker;

    public TempFolder Data { get; } = new();

    /// <summary>Whether there were leads before the first run, and the tables are analysed.</summary>
    public bool IsFilled { get; init; }

    public static async Task<Place> CreateAsync(bool isFilled = false) => new(await TestServers.CreateDatabaseAsync(), await TestServers.CreateBrokerAsync()) { IsFilled = isFilled };

    public async ValueTask DisposeAsync()
    {
        await database.DisposeAsync();
        await broker.DisposeAsync();
        Data.Dispose();
    }
}
