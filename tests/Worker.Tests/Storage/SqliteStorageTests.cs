using LeadPipeline.TestKit;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;
using Microsoft.EntityFrameworkCore;

namespace LeadPipeline.Worker.Tests.Storage;

public sealed class SqliteStorage : StorageDatabase
{
    private readonly TempFolder folder = new();
    private string connectionString = "";

    public override Task CreateAsync()
    {
        connectionString = $"Data Source={folder["leads.db"]};Pooling=False";
        Sql = new SqliteDatabase(connectionString);
        return Task.CompletedTask;
    }

    public override LeadDb Open() => new(new DbContextOptionsBuilder<LeadDb>().UseSqlite(connectionString).Options);

    public override async Task<List<string>> CatalogueAsync() =>
    [
        .. await TextsAsync("SELECT m.name || '.' || c.name || ' ' || c.type || CASE WHEN c.\"notnull\" = 1 THEN ' not null' ELSE ' null' END || CASE WHEN c.pk > 0 THEN ' key' || c.pk ELSE '' END FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"),
        .. await TextsAsync("SELECT m.tbl_name || ' index ' || m.name || CASE WHEN i.\"unique\" = 1 THEN ' unique' ELSE '' END || CASE WHEN i.partial = 1 THEN ' partial' ELSE '' END || ' ' || (SELECT group_concat(name, ',') FROM pragma_index_info(m.name)) FROM sqlite_master m JOIN pragma_index_list(m.tbl_name) i ON i.name = m.name WHERE m.type = 'index' AND m.sql IS NOT NULL"),
    ];

    public override async ValueTask DisposeAsync()
    {
        if (Sql is not null)
            await Sql.DisposeAsync();
        folder.Dispose();
    }
}

public sealed class SqliteLeadCommitterTests : LeadCommitterTests<SqliteStorage>;

public sealed class SqliteSqlBatchTests : SqlBatchTests<SqliteStorage>;

public sealed class SqliteLeadStoreTests : LeadStoreTests<SqliteStorage>;

public sealed class SqliteHeldStepTests : HeldStepTests<SqliteStorage>;

public sealed class SqliteMockCrmTests : MockCrmTests<SqliteStorage>;

public sealed class SqliteCatalogueTests : CatalogueTests<SqliteStorage>;

public sealed class SqliteLeadOperationsTests : LeadOperationsTests<SqliteStorage>;

public sealed class SqliteIntakeTests : IntakeTests<SqliteStorage>;

public sealed class SqliteLeadQueriesTests : LeadQueriesTests<SqliteStorage>;

public sealed class SqliteDeadLetterTests : DeadLetterTests<SqliteStorage>;

public sealed class SqliteDeadLetterReplayTests : DeadLetterReplayTests<SqliteStorage>;

public sealed class SqliteDeadLetterEditTests : DeadLetterEditTests<SqliteStorage>;

public sealed class SqliteReviewTests : ReviewTests<SqliteStorage>;

public sealed class SqliteRateLimiterTests : RateLimiterTests<SqliteStorage>;

public sealed class SqliteApprovalStoreTests : ApprovalStoreTests<SqliteStorage>;

public sealed class SqliteDeferredEventStoreTests : DeferredEventStoreTests<SqliteStorage>;

public sealed class SqliteCompanyDirectoryTests : CompanyDirectoryTests<SqliteStorage>;

public sealed class SqliteKeyRewrappingTests : KeyRewrappingTests<SqliteStorage>;
