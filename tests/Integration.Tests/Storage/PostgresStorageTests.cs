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
public sealed class PostgresHeldStepTests : HeldStepTests<PostgresStorage>;

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
public sealed class PostgresLeadQueriesTests : LeadQueriesTests<PostgresStorage>
{
    /// <summary>Their keys begin with when the lead was received: who asks by the lead alone gets the right answer, and has gone over everybody's rows for it.</summary>
    [Test]
    public async Task Should_read_no_other_leads_events_and_effects()
    {
        await Database.ExecuteAsync("""
            INSERT INTO leads (id, version, run, status, attempt, failures, epoch, audit_seq, audit_head, audit_published, received_at, updated_at, source, record_key, body)
                SELECT gen_random_uuid(), 1, 1, 'Completed', 0, 0, 1, 20, '', 20, now() - n * interval '1 second', now(), 'api', n::text, '' FROM generate_series(1, 300) AS n;
            INSERT INTO effects (received_at, lead_id, effect_key, run, step_index, step, tool, state, record_id, updated_at)
                SELECT received_at, id, replace(id::text, '-', '') || n, 1, n, 'step' || n, 'upsert_lead', 'confirmed', 'R' || id || n, now() FROM leads, generate_series(1, 10) AS n WHERE audit_seq = 20;
            INSERT INTO audit_events (received_at, lead_id, seq, id, at, actor, stage, kind, payload, prev_hash, hash)
                SELECT received_at, id, n, gen_random_uuid(), now(), 'worker', 'tool', 'completed', '', '', '' FROM leads, generate_series(1, 20) AS n WHERE audit_seq = 20;
            """);
        var (lead, other) = (await PlannedAsync(), await PlannedAsync());
        await Database.ExecuteAsync("ANALYZE");
        var before = await RowsReadAsync();

        _ = await Queries.FindAsync(lead, full: true, CancellationToken.None);
        var chain = await Queries.AuditAsync(lead, CancellationToken.None);
        var told = await Queries.OutcomesAsync([lead], whole: true, CancellationToken.None);
        var ledger = await Store.EffectsAsync(lead, 1, CancellationToken.None);
        var shared = await Store.UsedElsewhereAsync(lead, ["R1"], CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((told.Count, ledger.Count), Is.EqualTo((1, 1)));
            Assert.That(shared, Is.EqualTo(new[] { "R1" }), $"by {other}");
            Assert.That(await RowsReadAsync() - before, Is.InRange(chain!.Count, 100));
        }
    }

    /// <summary>The rows of both tables, and the entries of their indexes, that were looked at so far.</summary>
    private async Task<long> RowsReadAsync()
    {
        // A connection hands in its counts when it ends, if not before.
        var all = (PostgresDatabase)Database.Sql;
        all.Source.Clear();
        await using (var pooled = new NpgsqlConnection(all.ConnectionString))
            NpgsqlConnection.ClearPool(pooled);
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(all.ConnectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        Assert.That(async () => await NumberAsync("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"), Is.Zero.After(10_000, 20));
        return await NumberAsync("SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint + (SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes WHERE relname IN ('effects', 'audit_events')) FROM pg_stat_user_tables WHERE relname IN ('effects', 'audit_events')");

        async Task<long> NumberAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            return (long)(await command.ExecuteScalarAsync())!;
        }
    }
}

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
