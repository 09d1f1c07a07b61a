using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;
using Microsoft.EntityFrameworkCore;

namespace LeadPipeline.Integration.Tests.Storage;

[Category("Integration")]
[Parallelizable]
public sealed class When_workers_start_at_once_on_a_new_database
{
    [Test]
    public async Task Should_migrate_it_once()
    {
        await using var storage = new PostgresStorage();
        await storage.CreateAsync();

        await Task.WhenAll(Enumerable.Range(0, 6).Select(async _ =>
        {
            await using var db = storage.Open();
            await Migrator.MigrateAsync(db, storage.Sql, CancellationToken.None);
        }));

        await using var one = storage.Open();
        Assert.That(await storage.TextsAsync("SELECT \"MigrationId\" FROM \"__EFMigrationsHistory\" ORDER BY 1"), Is.EqualTo(one.Database.GetMigrations()));
    }

    [Test]
    public async Task Should_tell_who_is_alive()
    {
        await using var storage = new PostgresStorage();
        await storage.CreateAsync();
        await using (var db = storage.Open())
            await Migrator.MigrateAsync(db, storage.Sql, CancellationToken.None);
        await using var first = new PostgresWorkers((PostgresDatabase)storage.Sql, TimeProvider.System);
        var second = new PostgresWorkers((PostgresDatabase)storage.Sql, TimeProvider.System);
        await first.StartAsync(CancellationToken.None);
        await second.StartAsync(CancellationToken.None);

        var alive = (await first.IsAliveAsync(second.Id, CancellationToken.None), await second.IsAliveAsync(first.Id, CancellationToken.None));
        await second.DisposeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(second.Id, Is.Not.EqualTo(first.Id));
            Assert.That(alive, Is.EqualTo((true, true)));
            await LeadPipeline.TestKit.Eventually.ShouldAsync(async () => !await first.IsAliveAsync(second.Id, CancellationToken.None), "know that the second is gone");
        }
    }
}
