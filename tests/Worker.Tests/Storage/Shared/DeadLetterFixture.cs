using LeadPipeline.TestKit;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Tests.Storage;

/// <summary>A database with dead letters in it, and what operators do with them. What is sent back to a queue can be looked at.</summary>
public abstract class DeadLetterFixture<TDatabase> : StorageFixture<TDatabase>
    where TDatabase : StorageDatabase, new()
{
    protected static readonly ReplayPace AtOnce = new(Ramp: false, null, TimeSpan.Zero);

    protected FakeTimeProvider Time { get; } = new(Now);

    protected ReturnedMessages Queues { get; } = new();

    protected LeadStore Store { get; private set; } = null!;

    protected DeadLetterStore Letters { get; private set; } = null!;

    protected DeadLetterActs Acts { get; private set; } = null!;

    protected DeadLetterOperations Operations { get; private set; } = null!;

    [SetUp]
    public void Start()
    {
        Store = new LeadStore(Database.Sql, new LeadCommitter(Database.Sql), Cipher, new NoSink(), Time);
        Letters = new DeadLetterStore(Database.Sql, Cipher);
        Acts = new DeadLetterActs(Database.Sql, Cipher, Time);
        Operations = new DeadLetterOperations(Letters, Acts, Store, new LeadOperations(Store, Database.Sql, Options.Create(new CrmOptions()), Time), Time, NullLogger<DeadLetterOperations>.Instance, Queues);
        (Queues.Away, Queues.Returned, Queues.Taking) = (false, [], null);
    }

    [TearDown]
    public async Task Stop() => await Store.DisposeAsync();

    protected static FailedMessage Failed(string email, DateTimeOffset at) => new("lead-intake", "InvalidLeadException", at,
        new QueueMessage(System.Text.Encoding.UTF8.GetBytes($$"""{"email":"{{email}}"}"""), "order-1", "application/json", new Dictionary<string, string>(), "why"));

    protected async Task<Guid> DeadAsync(string cause)
    {
        var (work, _) = await Store.AddAsync(ALead(), [new AuditFact("intake", "received", [])], []);
        var letter = DeadLetter.Of(work!.Saga, LeadStage.Analysis, cause, null, Now);
        _ = await Store.ApplyAsync(work, new SagaMessage.StageFailed(1, LeadStage.Analysis, cause), [], c => c with { DeadLetter = letter });
        return work.Saga.LeadId;
    }

    protected async Task<DeadLetterRow> RowAsync(Guid lead)
    {
        await using var db = Database.Open();
        return await db.DeadLetters.AsNoTracking().SingleAsync(d => d.LeadId == lead);
    }

    protected async Task<List<string>> KindsAsync(Guid lead)
    {
        await using var db = Database.Open();
        return await db.AuditEvents.Where(a => a.LeadId == lead).OrderBy(a => a.Seq).Select(a => a.Stage + "." + a.Kind + " by " + a.Actor).ToListAsync();
    }
}
