using LeadPipeline.TestKit;

namespace LeadPipeline.Bench;

/// <summary>Where runs take place: a database, a virtual host, and the folder with the workers' keys, which belong to the database.</summary>
internal sealed class Place(TestDatabase database, TestBroker broker) : IAsyncDisposable
{
    public TestDatabase Database => database;

    public TestBroker Broker => broker;

    public TempFolder Data { get; } = new();

    public static async Task<Place> CreateAsync() => new(await TestServers.CreateDatabaseAsync(), await TestServers.CreateBrokerAsync());

    public async ValueTask DisposeAsync()
    {
        await database.DisposeAsync();
        await broker.DisposeAsync();
        Data.Dispose();
    }
}
