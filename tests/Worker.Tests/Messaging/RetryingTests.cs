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

    private static Retrying Retrying(SqlDatabase database) => new(database, TimeProvider.System, NullLogger<Retrying>.Instance);
}
