using LeadPipeline.TestKit;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;
using Microsoft.EntityFrameworkCore;
using Npgsql;

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

        await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Migrator.MigrateAsync(storage.Sql, CancellationToken.None)));

        await using var one = storage.Open();
        Assert.That(await storage.TextsAsync("SELECT \"MigrationId\" FROM \"__EFMigrationsHistory\" ORDER BY 1"), Is.EqualTo(one.Database.GetMigrations()));
    }

    /// <summary>A large table takes its time, and who waits for it meanwhile has no fault to tell.</summary>
    [Test]
    public async Task Should_wait_for_another_workers_migration_longer_than_for_anything_else()
    {
        await using var storage = new PostgresStorage();
        await storage.CreateAsync();
        await Migrator.MigrateAsync(storage.Sql, CancellationToken.None);
        var settings = new NpgsqlConnectionStringBuilder(((PostgresDatabase)storage.Sql).ConnectionString) { CommandTimeout = 1, ApplicationName = "waiting" };
        await using var impatient = new PostgresDatabase(NpgsqlDataSource.Create(settings.ConnectionString), settings.ConnectionString);

        await using var migrating = await ((PostgresDatabase)storage.Sql).Source.OpenConnectionAsync();
        await using var transaction = await migrating.BeginTransactionAsync();
        await using (var locking = new NpgsqlCommand("LOCK TABLE \"__EFMigrationsHistory\" IN ACCESS EXCLUSIVE MODE", migrating))
            await locking.ExecuteNonQueryAsync();
        var applied = MigrationHistory.AppliedAsync(impatient, CancellationToken.None);
        await Eventually.ShouldAsync(
            async () => applied.IsCompleted
                || (await storage.TextsAsync("SELECT pid::text FROM pg_stat_activity WHERE application_name = 'waiting' AND wait_event_type = 'Lock' AND clock_timestamp() - query_start > interval '1.5 s'")).Count > 0,
            "wait for longer than a statement may take");
        await transaction.CommitAsync();

        Assert.That(await applied, Is.EqualTo(MigrationHistory.Known));
    }

    /// <summary>A machine that vanishes says nothing: by default the server would believe in it, and keep its locks, for two hours.</summary>
    [Test]
    public async Task Should_have_the_server_ask_soon_whether_a_worker_is_still_there()
    {
        await using var storage = new PostgresStorage();
        await storage.CreateAsync();
        await using var held = await HeldConnection.OpenAsync(((PostgresDatabase)storage.Sql).ConnectionString, CancellationToken.None);

        await using var command = new NpgsqlCommand("SELECT current_setting('tcp_keepalives_idle')::int + current_setting('tcp_keepalives_interval')::int * current_setting('tcp_keepalives_count')::int", held);
        Assert.That(await command.ExecuteScalarAsync(), Is.EqualTo(20));
    }

    [Test]
    public async Task Should_tell_who_is_alive()
    {
        await using var storage = new PostgresStorage();
        await storage.CreateAsync();
        await Migrator.MigrateAsync(storage.Sql, CancellationToken.None);
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
            await Eventually.ShouldAsync(async () => !await first.IsAliveAsync(second.Id, CancellationToken.None), "know that the second is gone");
        }
    }

    [Test]
    public async Task Should_count_as_alive_again_when_the_database_lets_in_again()
    {
        await using var storage = new PostgresStorage();
        await storage.CreateAsync();
        await Migrator.MigrateAsync(storage.Sql, CancellationToken.None);
        var database = (PostgresDatabase)storage.Sql;
        var name = new NpgsqlConnectionStringBuilder(database.ConnectionString).Database;
        await using var server = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database.ConnectionString) { Database = "postgres", Pooling = false }.ConnectionString);
        var time = new FakeTimeProvider();
        await using var worker = new PostgresWorkers(database, time);
        await worker.StartAsync(CancellationToken.None);
        await time.UntilTimersAreArmedAsync();

        // As during a restore: connections are ended, and each new one is refused by a code that the driver does not call transient.
        await ServerAsync($"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'");
        await Eventually.ShouldAsync(async () => await ServerAsync($"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'") is 0L, "end the connections");
        await ServerAsync($"ALTER DATABASE \"{name}\" RENAME TO \"{name}-away\"");
        for (var look = 0; look < 3; look++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await time.UntilTimersAreArmedAsync();
        }
        await ServerAsync($"ALTER DATABASE \"{name}-away\" RENAME TO \"{name}\"");
        time.Advance(TimeSpan.FromSeconds(1));

        await Eventually.ShouldAsync(async () => await worker.IsAnyAliveAsync(CancellationToken.None), "hold its lock again");

        async Task<object?> ServerAsync(string sql)
        {
            await using var command = server.CreateCommand(sql);
            return await command.ExecuteScalarAsync();
        }
    }
}
