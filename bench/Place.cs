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

    /// <summary>Makes a place as a deployment does: a job makes the tables, and the workers find them.</summary>
    public static async Task<Place> CreateAsync(bool isFilled = false)
    {
        var place = new Place(await TestServers.CreateDatabaseAsync(), await TestServers.CreateBrokerAsync()) { IsFilled = isFilled };
        await using var job = WorkerProcess.Start(
            ["db", "migrate"], new Dictionary<string, string> { ["ConnectionStrings__Database"] = place.Database.ConnectionString, ["Data__Directory"] = place.Data.Path }, place.Data.Path);
        return await job.WaitForExitAsync(TimeSpan.FromMinutes(1)) == 0 ? place : throw new InvalidOperationException($"The tables could not be made.\n{job.Transcript()}");
    }

    public async ValueTask DisposeAsync()
    {
        await database.DisposeAsync();
        await broker.DisposeAsync();
        Data.Dispose();
    }
}
