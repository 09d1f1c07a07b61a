using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Mcp.Tests.Crm;

/// <summary>The suite on the mock CRM, with the database that a fixture brings.</summary>
public abstract class MockCrmConformance : CrmConformance
{
    private SqlDatabase database = null!;

    /// <summary>A database with the worker's tables, for the whole fixture.</summary>
    protected abstract Task<SqlDatabase> CreateDatabaseAsync();

    /// <summary>Takes away where it was, once it is closed.</summary>
    protected abstract ValueTask DropDatabaseAsync();

    [OneTimeSetUp]
    public async Task MakeTablesAsync() => database = await CreateDatabaseAsync();

    [OneTimeTearDown]
    public async Task DropTablesAsync()
    {
        await database.DisposeAsync();
        await DropDatabaseAsync();
    }

    protected override Task<ICrmUnderTest> StartAsync() => Task.FromResult<ICrmUnderTest>(new MockCrmUnderTest(database));
}
