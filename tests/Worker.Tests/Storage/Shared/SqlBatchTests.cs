using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Tests.Storage;

public abstract class SqlBatchTests<TDatabase> : StorageFixture<TDatabase>
    where TDatabase : StorageDatabase, new()
{
    private static readonly BulkInsert Keys = new("intake_keys", "key", new("key", ColumnType.Text), new("lead_id", ColumnType.Uuid), new("at", ColumnType.Time), new("body_hash", ColumnType.Text));
    private static readonly BulkUpdate Hash = new("intake_keys", new("key", ColumnType.Text), [], new Column("body_hash", ColumnType.Text));

    [Test]
    public async Task Should_answer_each_statement_by_itself_and_in_their_order()
    {
        await using var session = await Database.Sql.OpenAsync(CancellationToken.None);
        var (first, second) = ($"first-{Guid.NewGuid()}", $"second-{Guid.NewGuid()}");
        await session.InsertAsync(Keys, [Row(first)], CancellationToken.None);

        var batch = session.Batch();
        var inserted = batch.InsertAsync(Keys, [Row(first), Row(second)]);
        var updated = batch.UpdateAsync(Hash, [[second, "changed"], ["nobody", "changed"]]);
        var read = batch.QueryAsync("SELECT body_hash FROM intake_keys WHERE {in:key} ORDER BY key", r => r.GetString(0), ("key", new[] { first, second }));
        var nothing = batch.InsertAsync(Keys, []);
        await batch.RunAsync(CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await inserted, Is.EquivalentTo(new object[] { second }));
            Assert.That(await updated, Is.EquivalentTo(new object[] { second }));
            Assert.That(await read, Is.EqualTo(new[] { "hash", "changed" }), "each sees what those before it did");
            Assert.That(await nothing, Is.Empty);
        }
    }

    [Test]
    public async Task Should_make_no_trip_for_nothing()
    {
        await using var session = await Database.Sql.OpenAsync(CancellationToken.None);

        Assert.That(session.Batch().RunAsync(CancellationToken.None).IsCompletedSuccessfully, Is.True);
    }

    [Test]
    public async Task Should_leave_nothing_of_a_transaction_that_is_undone_and_go_on()
    {
        await using var session = await Database.Sql.OpenAsync(CancellationToken.None);
        var (undone, kept) = ($"undone-{Guid.NewGuid()}", $"kept-{Guid.NewGuid()}");

        await session.BeginAsync(CancellationToken.None);
        await session.InsertAsync(Keys, [Row(undone)], CancellationToken.None);
        await session.RollbackAsync(CancellationToken.None);
        await session.BeginAsync(CancellationToken.None);
        await session.InsertAsync(Keys, [Row(kept)], CancellationToken.None);
        await session.CommitAsync(CancellationToken.None);

        Assert.That(await session.QueryAsync("SELECT key FROM intake_keys WHERE {in:key}", r => r.GetString(0), CancellationToken.None, ("key", new[] { undone, kept })), Is.EqualTo(new[] { kept }));
    }

    [Test]
    public async Task Should_be_of_use_again_after_a_statement_that_failed()
    {
        await using var session = await Database.Sql.OpenAsync(CancellationToken.None);
        var key = $"before-{Guid.NewGuid()}";

        await session.BeginAsync(CancellationToken.None);
        Assert.That(async () =>
        {
            var batch = session.Batch();
            _ = batch.InsertAsync(Keys, [Row(key)]);
            _ = batch.QueryAsync("SELECT nothing FROM nowhere", r => r.GetString(0));
            await batch.RunAsync(CancellationToken.None);
        }, Throws.Exception);
        await session.RollbackAsync(CancellationToken.None);

        Assert.That(await session.QueryAsync("SELECT key FROM intake_keys WHERE {in:key}", r => r.GetString(0), CancellationToken.None, ("key", new[] { key })), Is.Empty);
    }

    [Test]
    public async Task Should_add_and_change_without_an_answer_beside_what_has_one()
    {
        await using var session = await Database.Sql.OpenAsync(CancellationToken.None);
        var (first, second) = ($"first-{Guid.NewGuid()}", $"second-{Guid.NewGuid()}");

        var batch = session.Batch();
        batch.Add(Keys, [Row(first), Row(second)]);
        batch.Add(Keys, []);
        var read = batch.QueryAsync("SELECT key FROM intake_keys WHERE {in:key} ORDER BY key", r => r.GetString(0), ("key", new[] { first, second }));
        batch.Change(Hash, [[second, "changed"], ["nobody", "changed"]]);
        batch.Change(Hash, []);
        batch.Execute("DELETE FROM intake_keys WHERE {in:key}", ("key", new[] { first }));
        var left = batch.QueryAsync("SELECT key FROM intake_keys WHERE {in:key}", r => r.GetString(0), ("key", new[] { first, second }));
        await batch.RunAsync(CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await read, Is.EqualTo(new[] { first, second }));
            Assert.That(await left, Is.EqualTo(new[] { second }));
            Assert.That(await session.QueryAsync("SELECT key FROM intake_keys WHERE body_hash = 'changed' AND {in:key}", r => r.GetString(0), CancellationToken.None, ("key", new[] { first, second })), Is.EqualTo(new[] { second }));
        }
    }

    [Test]
    public async Task Should_say_so_when_what_is_added_is_there_already()
    {
        await using var session = await Database.Sql.OpenAsync(CancellationToken.None);
        var (there, other) = ($"there-{Guid.NewGuid()}", $"other-{Guid.NewGuid()}");
        await session.InsertAsync(Keys, [Row(there)], CancellationToken.None);

        await session.BeginAsync(CancellationToken.None);
        var batch = session.Batch();
        batch.Add(Keys, [Row(other), Row(there)]);
        Assert.That(() => batch.RunAsync(CancellationToken.None), Throws.TypeOf<DuplicateRowException>().With.Message.Contains("intake_keys"));
        await session.RollbackAsync(CancellationToken.None);

        Assert.That(await session.QueryAsync("SELECT key FROM intake_keys WHERE {in:key}", r => r.GetString(0), CancellationToken.None, ("key", new[] { there, other })), Is.EqualTo(new[] { there }));
    }

    private static object?[] Row(string key) => [key, Guid.NewGuid(), Now, "hash"];
}
