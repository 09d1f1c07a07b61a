using LeadPipeline.Worker.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace LeadPipeline.Worker.Tests.Storage;

/// <summary>The migrations are written by hand: what they make must be what EF Core takes the tables to be.</summary>
public abstract class CatalogueTests<TDatabase> : StorageFixture<TDatabase>
    where TDatabase : StorageDatabase, new()
{
    [Test]
    public async Task Should_migrate_to_the_tables_that_the_model_describes()
    {
        await using var created = new TDatabase();
        await created.CreateAsync();
        await using (var db = created.Open())
            await db.Database.EnsureCreatedAsync();

        var expected = await created.CatalogueAsync();
        // The mock CRM's records are read and written without EF Core.
        var actual = (await Database.CatalogueAsync()).Where(l => !l.StartsWith("crm_", StringComparison.Ordinal) || l.StartsWith("crm_sync_logs", StringComparison.Ordinal)).Where(l => !l.StartsWith("__EF", StringComparison.Ordinal)).ToList();

        Assert.That(expected, Has.Count.GreaterThan(80), "there are tables to compare");
        Assert.That(actual, Is.EquivalentTo(expected));
    }

    /// <summary>A lead that is executed while its tables are brought up to date goes on holding its person, and its ledger is what it was.</summary>
    [Test]
    public async Task Should_take_what_is_in_the_tables_along()
    {
        await using var before = new TDatabase();
        await before.CreateAsync();
        await using var db = before.Open();
        await db.GetService<IMigrator>().MigrateAsync("20261128000001_PlainKeys");
        var (held, free, gone) = (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        await using (var session = await before.Sql.OpenAsync(CancellationToken.None))
        {
            foreach (var (lead, key) in new[] { (held, "person"), (free, (string?)null) })
            {
                _ = await session.ExecuteAsync(
                    """
                    INSERT INTO leads (id, version, run, status, attempt, failures, epoch, audit_seq, audit_head, audit_published, received_at, updated_at, source, record_key, executing_key, body, pending)
                    VALUES (@id, 1, 1, 'Executing', 0, 0, 1, 1, @bytes, 0, @now, @now, 'api', 'person', @key, @bytes, @pending)
                    """,
                    CancellationToken.None, ("id", lead), ("now", Now), ("key", key), ("pending", key is null ? null : "execution"), ("bytes", new byte[] { 1 }));
                foreach (var (tool, record) in new[] { ("upsert_lead", "00Q"), ("set_lead_score", "00Q"), ("match_account", (string?)null) })
                {
                    _ = await session.ExecuteAsync(
                        """
                        INSERT INTO effects (effect_key, lead_id, run, step_index, step, tool, state, record_id, sealed, updated_at)
                        VALUES (@effect, @id, 1, 0, @tool, @tool, 'confirmed', @record, @bytes, @now)
                        """,
                        CancellationToken.None, ("effect", $"{lead:N}.1.{tool}"), ("id", lead), ("tool", tool), ("record", record), ("bytes", new byte[] { 1 }), ("now", Now));
                }
            }
            // Of a lead that was removed by hand the events are still there.
            foreach (var (lead, seq) in new[] { (held, 1), (held, 2), (gone, 1), (gone, 2) })
            {
                _ = await session.ExecuteAsync(
                    """
                    INSERT INTO audit_events (lead_id, seq, id, at, actor, stage, kind, payload, prev_hash, hash)
                    VALUES (@lead, @seq, @id, @at, 'worker', 'intake', 'accepted', @bytes, @bytes, @bytes)
                    """,
                    CancellationToken.None, ("lead", lead), ("seq", seq), ("id", Guid.NewGuid()), ("at", Now.AddMinutes(seq)), ("bytes", new byte[] { 1 }));
            }
        }

        await Migrator.MigrateAsync(before.Sql, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await db.Set<PersonInHandRow>().Select(p => p.RecordKey + p.LeadId).ToListAsync(), Is.EqualTo(new[] { "person" + held }).IgnoreCase);
            Assert.That(await db.Set<SharedRecordRow>().Where(r => r.RecordId == "00Q").Select(r => r.LeadId).ToListAsync(), Is.EquivalentTo(new[] { held, free }));
            Assert.That(await db.Effects.Where(e => e.State == "confirmed" && e.UpdatedAt == Now && e.Sealed!.Length == 1).Select(e => e.EffectKey).ToListAsync(),
                Is.EquivalentTo(new[] { held, free }.SelectMany(l => new[] { $"{l:N}.1.upsert_lead", $"{l:N}.1.set_lead_score", $"{l:N}.1.match_account" })));
            Assert.That(await db.Set<SharedRecordRow>().CountAsync(), Is.EqualTo(2));
            Assert.That(await db.Leads.Where(l => l.SweepAt != null).Select(l => l.Id).ToListAsync(), Is.EqualTo(new[] { held }), "who is under way is looked at");
            Assert.That(await db.Effects.Select(e => e.ReceivedAt).Distinct().ToListAsync(), Is.EqualTo(new[] { Now }));
            Assert.That((await db.AuditEvents.OrderBy(a => a.ReceivedAt).ThenBy(a => a.Seq).ToListAsync()).ConvertAll(a => (a.LeadId, a.Seq, a.ReceivedAt)),
                Is.EqualTo(new[] { (held, 1, Now), (held, 2, Now), (gone, 1, Now.AddMinutes(1)), (gone, 2, Now.AddMinutes(1)) }), "where its lead is; without one, when it began");
            Assert.That(async () => await db.Database.ExecuteSqlRawAsync("UPDATE audit_events SET actor = 'nobody'"), Throws.Exception.With.Message.Contains("append-only"));
            Assert.That(async () => await db.Database.ExecuteSqlRawAsync("DELETE FROM audit_events"), Throws.Exception.With.Message.Contains("append-only"));
        }
    }

    [Test]
    public async Task Should_have_nothing_to_do_the_second_time()
    {
        await using var db = Database.Open();

        await Migrator.MigrateAsync(Database.Sql, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(MigrationHistory.Known, Is.EqualTo(db.Database.GetMigrations()));
            Assert.That(await MigrationHistory.AppliedAsync(Database.Sql, CancellationToken.None), Is.EqualTo(MigrationHistory.Known));
        }
    }
}
