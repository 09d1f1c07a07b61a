using LeadPipeline.Worker.Storage;
using Microsoft.EntityFrameworkCore;

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

    [Test]
    public async Task Should_have_nothing_to_do_the_second_time()
    {
        await using var db = Database.Open();

        await Migrator.MigrateAsync(db, Database.Sql, CancellationToken.None);

        Assert.That(await Database.TextsAsync("SELECT \"MigrationId\" FROM \"__EFMigrationsHistory\""), Has.Count.EqualTo(db.Database.GetMigrations().Count()));
    }
}
