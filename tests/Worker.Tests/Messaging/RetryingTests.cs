using LeadPipeline.TestKit;
using LeadPipeline.Worker.Messaging;
using LeadPipeline.Worker.Storage.Sql;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace LeadPipeline.Worker.Tests.Messaging;

[TestFixture]
public sealed class RetryingTests
{
    private static readonly SqliteException Locked = new("locked", 5);

    [Test]
    public async Task Should_end_as_cancelled_when_the_database_is_away_and_there_is_no_time_left()
    {
        await using var database = new SqliteDatabase("Data Source=:memory:");
        using var stopping = new CancellationTokenSource();

        // Not the fault itself: whoever gets it takes the lead for dead.
        Assert.That(() => Retrying(database).RunAsync("It", _ =>
        {
            stopping.Cancel();
            throw Locked;
        }, stopping.Token), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task Should_let_out_what_never_helps_also_when_there_is_no_time_left()
    {
        await using var database = new SqliteDatabase("Data Source=:memory:");

        Assert.That(() => Retrying(database).RunAsync("It", _ => throw new InvalidLeadException("no"), new CancellationToken(canceled: true)), Throws.TypeOf<InvalidLeadException>());
    }

    [Test]
    public async Task Should_try_again_after_a_surprise_however_long_the_database_was_away()
    {
        await using var database = new SqliteDatabase("Data Source=:memory:");
        var time = new FakeTimeProvider();
        var tries = 0;

        var trying = new Retrying(database, time, NullLogger<Retrying>.Instance).RunAsync("It", _ => ++tries switch
        {
            <= 4 => throw Locked,
            <= 6 => throw new InvalidOperationException("surprise"),
            _ => Task.CompletedTask,
        }, CancellationToken.None);
        while (await Task.WhenAny(trying, time.UntilTimersAreArmedAsync()) != trying)
            time.Advance(TimeSpan.FromSeconds(5));
        await trying;

        Assert.That(tries, Is.EqualTo(7));
    }

    private static Retrying Retrying(SqlDatabase database) => new(database, TimeProvider.System, NullLogger<Retrying>.Instance);
}
