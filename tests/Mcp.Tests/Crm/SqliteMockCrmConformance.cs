using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;
using Microsoft.EntityFrameworkCore;

namespace LeadPipeline.Mcp.Tests.Crm;

[TestFixture]
[Parallelizable]
public sealed class SqliteMockCrmConformance : MockCrmConformance
{
    private string folder = "";

    protected override async Task<SqlDatabase> CreateDatabaseAsync()
    {
        folder = Directory.CreateTempSubdirectory("leadpipeline-crm-").FullName;
        var connection = $"Data Source={Path.Combine(folder, "crm.db")};Pooling=False";
        var database = new SqliteDatabase(connection);
        await Migrator.MigrateAsync(database, CancellationToken.None);
        return database;
    }

    protected override ValueTask DropDatabaseAsync()
    {
        Directory.Delete(folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}
