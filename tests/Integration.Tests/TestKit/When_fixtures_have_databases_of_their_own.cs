using Npgsql;

namespace LeadPipeline.Integration.Tests.TestKit;

[Category("Integration")]
[Parallelizable]
public sealed class When_fixtures_have_databases_of_their_own
{
    [Test]
    public async Task Should_not_see_each_others_tables()
    {
        await using var mine = await TestServers.CreateDatabaseAsync();
        await using var yours = await TestServers.CreateDatabaseAsync();

        await mine.ExecuteAsync("CREATE TABLE leads (id int); INSERT INTO leads VALUES (7)");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await mine.QueryAsync<int>("SELECT id FROM leads"), Is.EqualTo(7));
            Assert.That(await yours.QueryAsync<string>("SELECT to_regclass('leads')::text"), Is.Null);
        }
    }

    [Test]
    public async Task Should_leave_nothing_behind_even_while_somebody_is_connected()
    {
        var database = await TestServers.CreateDatabaseAsync();
        await using var forgotten = await database.ConnectAsync();

        await database.DisposeAsync();

        var refusal = Assert.ThrowsAsync<PostgresException>(database.ConnectAsync);
        Assert.That(refusal.SqlState, Is.EqualTo(PostgresErrorCodes.InvalidCatalogName));
    }

    [Test]
    public async Task Should_be_as_durable_as_a_real_one()
    {
        await using var database = await TestServers.CreateDatabaseAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await database.QueryAsync<string>("SHOW fsync"), Is.EqualTo("on"));
            Assert.That(await database.QueryAsync<string>("SHOW synchronous_commit"), Is.EqualTo("on"));
        }
    }
}
