using LeadPipeline.Mcp.Tests.Crm;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Integration.Tests.Storage;

[Category("Integration")]
[Parallelizable]
public sealed class PostgresMockCrmConformance : MockCrmConformance
{
    private Func<ValueTask> drop = () => ValueTask.CompletedTask;

    protected override async Task<SqlDatabase> CreateDatabaseAsync()
    {
        var storage = new PostgresStorage();
        await storage.CreateAsync();
        drop = storage.DisposeAsync;
        await Migrator.MigrateAsync(storage.Sql, CancellationToken.None);
        return storage.Sql;
    }

    protected override ValueTask DropDatabaseAsync() => drop();
}
