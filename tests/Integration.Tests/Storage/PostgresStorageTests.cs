using LeadPipeline.TestKit;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;
using LeadPipeline.Worker.Tests.Storage;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace LeadPipeline.Integration.Tests.Storage;

public sealed class PostgresStorage : StorageDatabase
{
    private TestDatabase? database;

    public override async Task CreateAsync()
    {
        database = await TestServers.CreateDatabaseAsync();
        Sql = new PostgresDatabase(NpgsqlDataSource.Create(database.ConnectionString), database.ConnectionString);
    }

    public override LeadDb Open() => new(new DbContextOptionsBuilder<LeadDb>().UseNpgsql(database!.ConnectionString).Options);

    public override async Task<List<string>> CatalogueAsync() =>
    [
        .. await TextsAsync("SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || is_identity || coalesce(' ' || collation_name, '') FROM information_schema.columns WHERE table_schema = 'public'"),
        .. await TextsAsync("SELECT tablename || ' index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'"),
    ];

    public override async ValueTask DisposeAsync()
    {
        if (Sql is not null)
            await Sql.DisposeAsync();
        if (database is not null)
            await database.DisposeAsync();
    }
}

[Category("Integration")]
[Parallelizable]
public sealed class PostgresLeadCommitterTests : LeadCommitterTests<PostgresStorage>;

[Category("Integration")]
[Parallelizable]
public sealed class PostgresSqlBatchTests : SqlBatchTests<PostgresStorage>;

[Category("Integration")]
[Parallelizable]
public sealed class PostgresLeadStoreTests : LeadStoreTests<PostgresStorage>
{
    [Test]
    public void Should_be_refused_by_the_database_to_empty_the_audit() =>
        Assert.That(async () => await Database.ExecuteAsync("TRUNCATE audit_events"), Throws.Exception.With.Message.Contains("append-only"));
}

[Category("Integration")]
[Parallelizable]
public sealed class PostgresMockCrmTests : MockCrmTests<PostgresStorage>;

[Category("Integration")]
[Parallelizable]
public sealed class PostgresCatalogueTests : CatalogueTests<PostgresStorage>;

[Category("Integration")]
[Parallelizable]
public sealed class PostgresLeadOperationsTests : LeadOperationsTests<PostgresStorage>;

[Category("Integration")]
[Parallelizable]
public sealed class PostgresIntakeTests : IntakeTests<PostgresStorage>;

[Category("Integration")]
[Parallelizable]
public sealed class PostgresLeadQueriesTests : LeadQueriesTests<PostgresStorage>;

[Category("Integration")]
[Parallelizable]
public sealed class PostgresRateLimiterTests : RateLimiterTests<PostgresStorage>;

[Category("Integration")]
[Parallelizable]
public sealed class PostgresApprovalStoreTests : ApprovalStoreTests<PostgresStorage>;

[Category("Integration")]
[Parallelizable]
public sealed class PostgresDeferredEventStoreTests : DeferredEventStoreTests<PostgresStorage>;

[Category("Integration")]
[Parallelizable]
public sealed class PostgresCompanyDirectoryTests : CompanyDirectoryTests<PostgresStorage>;

[Category("Integration")]
[Parallelizable]
public sealed class PostgresDeadLetterTests : DeadLetterTests<PostgresStorage>;

[Category("Integration")]
[Parallelizable]
public sealed class PostgresDeadLetterReplayTests : DeadLetterReplayTests<PostgresStorage>;

[Category("Integration")]
[Parallelizable]
public sealed class PostgresDeadLetterEditTests : DeadLetterEditTests<PostgresStorage>;

[Category("Integration")]
[Parallelizable]
public sealed class PostgresReviewTests : ReviewTests<PostgresStorage>;

[Category("Integration")]
[Parallelizable]
public sealed class PostgresKeyRewrappingTests : KeyRewrappingTests<PostgresStorage>;
