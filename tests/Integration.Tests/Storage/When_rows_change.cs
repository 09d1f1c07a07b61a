using LeadPipeline.Worker.Tests.Storage;

namespace LeadPipeline.Integration.Tests.Storage;

/// <summary>PostgreSQL changes a row without touching an index only while no index names a column that changes. One index too many is noticed by nobody, and costs a tenth of its time.</summary>
[Category("Integration")]
[Parallelizable]
public sealed class When_rows_change : StorageFixture<PostgresStorage>
{
    private const string Ledger = """
        INSERT INTO effects (received_at, lead_id, effect_key, run, step_index, step, tool, state, sealed, updated_at)
            SELECT now(), gen_random_uuid(), n || '.1.create_task', 1, 0, 'create_task', 'create_task', 'sent', '\x00', now() FROM generate_series(1, 20) AS n
        """;

    private const string Leads = """
        INSERT INTO leads (id, version, run, status, attempt, failures, epoch, audit_seq, audit_head, audit_published, received_at, updated_at, sweep_at, source, record_key, body)
            SELECT gen_random_uuid(), 1, 1, 'Received', 0, 0, 0, 1, '\x00', 0, now(), now(), now(), 'api', n::text, decode(repeat('00', 600), 'hex') FROM generate_series(1, 20) AS n
        """;

    [TestCase("effects", Ledger, "state = 'confirmed', object = 'Task', record_id = 'r' || step_index, record_version = '1', request_hash = 'h', sealed = '\\x0001', error = 'none', updated_at = now()")]
    [TestCase("leads", Leads, "version = version + 1, status = 'Executing', pending = 'execution', attempt = 1, epoch = 1, owner = 7, audit_seq = 5, audit_head = '\\x01', updated_at = now()")]
    public async Task Should_touch_no_index(string table, string insert, string change)
    {
        await using var session = await Database.Sql.OpenAsync(CancellationToken.None);
        await session.BeginAsync(CancellationToken.None);
        _ = await session.ExecuteAsync(insert, CancellationToken.None);

        var changed = await session.ExecuteAsync($"UPDATE {table} SET {change}", CancellationToken.None);

        var alone = (await session.QueryAsync($"SELECT n_tup_hot_upd FROM pg_stat_xact_user_tables WHERE relname = '{table}'", r => r.GetInt64(0), CancellationToken.None))[0];
        Assert.That((changed, alone), Is.EqualTo((20, 20L)));
    }
}
