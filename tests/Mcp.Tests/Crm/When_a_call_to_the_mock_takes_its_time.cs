using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Mock;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.MockCrm;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Mcp.Tests.Crm;

/// <summary>Half of a call's time is the way there, half the way back: whoever gives up in between cannot tell which it was, as with a real CRM.</summary>
[TestFixture]
public sealed class When_a_call_to_the_mock_takes_its_time
{
    private static readonly TimeSpan Half = TimeSpan.FromMilliseconds(100);

    private readonly FakeTimeProvider time = new();
    private string folder = "";
    private SqlDatabase database = null!;
    private MockCrmStore store = null!;
    private Noting noting = null!;
    private MockCrm crm = null!;

    [SetUp]
    public async Task Start()
    {
        folder = Directory.CreateTempSubdirectory("leadpipeline-crm-").FullName;
        database = new SqliteDatabase($"Data Source={Path.Combine(folder, "crm.db")};Pooling=False");
        await Migrator.MigrateAsync(database, CancellationToken.None);
        store = new MockCrmStore(database, time);
        noting = new Noting(store, time);
        crm = new MockCrm(noting, MockFaults.None, () => 2 * Half, time);
    }

    [TearDown]
    public async Task Stop()
    {
        await store.DisposeAsync();
        await database.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Test]
    public async Task Should_carry_out_nothing_of_a_call_that_is_given_up_on_the_way_there()
    {
        using var limit = new CancellationTokenSource();
        var call = crm.WriteAsync(ATask(), limit.Token);
        time.Advance(Half - TimeSpan.FromMilliseconds(1));

        await limit.CancelAsync();

        Assert.That(async () => await call, Throws.InstanceOf<OperationCanceledException>());
        time.Advance(2 * Half);
        Assert.That(await TasksAsync(), Is.Zero);
    }

    [Test, CancelAfter(30_000)]
    public async Task Should_have_carried_out_a_call_that_is_given_up_on_the_way_back(CancellationToken patience)
    {
        using var limit = new CancellationTokenSource();
        var call = crm.WriteAsync(ATask(), limit.Token);
        time.Advance(Half);
        _ = await noting.Written.WaitAsync(patience);

        await limit.CancelAsync();

        Assert.That(async () => await call, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(await TasksAsync(), Is.EqualTo(1));
    }

    [Test, CancelAfter(30_000)]
    public async Task Should_answer_when_the_time_is_over_and_not_before(CancellationToken patience)
    {
        var call = crm.WriteAsync(ATask(), CancellationToken.None);
        time.Advance(Half);
        _ = await noting.Written.WaitAsync(patience);
        time.Advance(Half - TimeSpan.FromMilliseconds(1));
        var early = call.IsCompleted;

        time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.That((await call.WaitAsync(patience))[0], Is.InstanceOf<CrmOutcome.Done>());
        Assert.That(early, Is.False);
    }

    [Test, CancelAfter(30_000)]
    public async Task Should_read_what_is_there_half_way(CancellationToken patience)
    {
        var query = new CrmQuery { RecordKey = "nobody", Email = "ada@acme.example", Effects = [(CrmObject.Task, "key")] };
        var sent = time.GetUtcNow();
        var call = crm.ReadAsync(query, CancellationToken.None);
        _ = await store.WriteAsync(ATask(), patience);

        time.Advance(2 * Half);

        Assert.That((await call.WaitAsync(patience)).Effects, Does.ContainKey("key"));
        Assert.That(noting.Asked, Is.EqualTo(new[] { sent + Half }));
    }

    private static CrmBatch ATask() => new(Guid.Empty, "ada@acme.example",
        [new CreateRecord("step", "create_task", CrmObject.Task, "key", null, new Dictionary<string, string> { ["subject"] = "Call" })], new HashSet<string>());

    private async Task<int> TasksAsync() => (await store.ListAsync(CrmObject.Task, 10, CancellationToken.None)).Count;

    /// <summary>The store, when it was asked, and what it wrote.</summary>
    private sealed class Noting(IMockCrmStore inner, TimeProvider time) : IMockCrmStore
    {
        public List<DateTimeOffset> Asked { get; } = [];

        public Task<IReadOnlyList<CrmOutcome>> Written { get; private set; } = Task.FromException<IReadOnlyList<CrmOutcome>>(new InvalidOperationException("The store was asked to write nothing."));

        public Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken)
        {
            Asked.Add(time.GetUtcNow());
            return inner.ReadAsync(query, cancellationToken);
        }

        public Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken)
        {
            Asked.Add(time.GetUtcNow());
            return Written = inner.WriteAsync(batch, cancellationToken);
        }

        public bool IsTransient(Exception exception) => inner.IsTransient(exception);
    }
}
