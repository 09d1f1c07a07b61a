using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Privacy;
using LeadPipeline.Worker.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Tests.Storage;

/// <summary>Equal posts that come in the same moment, on the real database: nobody has stored the other yet when each is looked up.</summary>
public abstract class IntakeTests<TDatabase> : StorageFixture<TDatabase>
    where TDatabase : StorageDatabase, new()
{
    private const int Pairs = 40;
    private LeadStore store = null!;
    private KeyDirectory directory = null!;
    private IntakeHandler intake = null!;

    [SetUp]
    public void Start()
    {
        var time = new FakeTimeProvider(Now);
        store = new LeadStore(Database.Sql, new LeadCommitter(Database.Sql), Cipher, new NoSink(), time);
        directory = new KeyDirectory(Database.Sql);
        intake = new IntakeHandler(store, directory, Options.Create(new IntakeOptions()), new Redactor(new PrivacyOptions(), [1]), time, NullLogger<IntakeHandler>.Instance);
    }

    [TearDown]
    public async Task Stop()
    {
        await directory.DisposeAsync();
        await store.DisposeAsync();
    }

    [TestCase("the same external id, and an id of its own on one", """{"email":"a@b.example","externalId":"E","leadId":"ID"}""", null, """{"email":"a@b.example","externalId":"E"}""", null)]
    [TestCase("the same external id, and an idempotency key on one", """{"email":"a@b.example","externalId":"E"}""", "K", """{"email":"a@b.example","externalId":"E"}""", null)]
    [TestCase("the same external id under two idempotency keys", """{"email":"a@b.example","externalId":"E"}""", "K", """{"email":"a@b.example","externalId":"E"}""", "L")]
    [TestCase("the same in everything", """{"email":"a@b.example","externalId":"E"}""", null, """{"email":"a@b.example","externalId":"E"}""", null)]
    public async Task Should_make_one_lead_of_two_posts(string what, string one, string? oneKey, string other, string? otherKey)
    {
        var pairs = Enumerable.Range(0, Pairs).Select(_ => Guid.NewGuid().ToString()).ToList();

        var answers = await Task.WhenAll(pairs.SelectMany(p => new[] { Submit(one, oneKey, p), Submit(other, otherKey, p) }));

        await using var db = Database.Open();
        for (var i = 0; i < Pairs; i++)
        {
            var (first, second) = (answers[2 * i], answers[(2 * i) + 1]);
            var accepted = new[] { first, second }.OfType<IntakeResult.Accepted>().ToList();
            Assert.That(accepted, Has.Count.EqualTo(1), what);
            Assert.That(new[] { first, second }.OfType<IntakeResult.Duplicate>().Single().LeadId, Is.EqualTo(accepted[0].LeadId), what);
        }
        var ids = answers.OfType<IntakeResult.Accepted>().Select(a => a.LeadId).ToList();
        Assert.That(await db.Leads.CountAsync(l => ids.Contains(l.Id)), Is.EqualTo(Pairs));

        Task<IntakeResult> Submit(string body, string? key, string pair) => intake.HandleAsync(new LeadSubmitted
        {
            Lead = JsonElement.Parse(body.Replace("\"E\"", $"\"{pair}\"", StringComparison.Ordinal).Replace("\"ID\"", $"\"{new Guid(pair)}\"", StringComparison.Ordinal)),
            Door = "api",
            IdempotencyKey = key is null ? null : key + pair,
            BodyHash = key is null ? null : "hash",
            AcceptedAt = Now,
        });
    }
}
