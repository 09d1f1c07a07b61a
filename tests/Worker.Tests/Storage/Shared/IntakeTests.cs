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
    private IntakeHandler intake = null!, straight = null!;

    [SetUp]
    public void Start()
    {
        var time = new FakeTimeProvider(Now);
        store = new LeadStore(Database.Sql, new LeadCommitter(Database.Sql), Cipher, new NoSink(), time);
        directory = new KeyDirectory(Database.Sql);
        (intake, straight) = (Handler(100_000), Handler(0));

        IntakeHandler Handler(int wary) =>
            new(store, directory, Options.Create(new IntakeOptions()), new Redactor(new PrivacyOptions(), [1]), time, NullLogger<IntakeHandler>.Instance) { WaryFor = wary };
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

        var answers = await Task.WhenAll(pairs.SelectMany((p, i) => new[] { Submit(one, oneKey, p, i), Submit(other, otherKey, p, i) }));

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

        // Every other pair is looked for before it is stored.
        Task<IntakeResult> Submit(string body, string? key, string pair, int i) => (i % 2 == 0 ? intake : straight).HandleAsync(new LeadSubmitted
        {
            Lead = JsonElement.Parse(body.Replace("\"E\"", $"\"{pair}\"", StringComparison.Ordinal).Replace("\"ID\"", $"\"{new Guid(pair)}\"", StringComparison.Ordinal)),
            Door = "api",
            IdempotencyKey = key is null ? null : key + pair,
            BodyHash = key is null ? null : "hash",
            AcceptedAt = Now,
        });
    }

    [Test]
    public async Task Should_refuse_somebody_elses_lead_under_an_id_that_is_taken([Values] bool looksFirst)
    {
        var handler = looksFirst ? intake : straight;
        var id = Guid.NewGuid();
        IntakeResult[] answers = [await Submit("a@b.example"), await Submit("c@d.example"), await Submit("A@B.example")];
        var together = await Task.WhenAll(Submit("e@f.example", id = Guid.NewGuid()), Submit("g@h.example", id));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers.Select(a => a.GetType().Name), Is.EqualTo(new[] { "Accepted", "Refused", "Duplicate" }));
            Assert.That(((IntakeResult.Refused)answers[1]).Errors, Is.EqualTo(new[] { IntakeHandler.IdTaken }));
            Assert.That(together.Select(a => a.GetType().Name), Is.EquivalentTo(new[] { "Accepted", "Refused" }));
        }

        Task<IntakeResult> Submit(string email, Guid? named = null) =>
            handler.HandleAsync(new LeadSubmitted { Lead = JsonElement.Parse($$"""{"email":"{{email}}","leadId":"{{named ?? id}}"}"""), Door = "queue", AcceptedAt = Now });
    }

    [Test]
    public async Task Should_refuse_somebody_elses_lead_in_a_message_that_names_a_taken_id([Values] bool looksFirst)
    {
        var handler = looksFirst ? intake : straight;
        var id = Guid.NewGuid();
        IntakeResult[] answers = [await Submit("a@b.example"), await Submit("c@d.example"), await Submit("A@B.example")];

        Assert.That(answers.Select(a => a.GetType().Name), Is.EqualTo(new[] { "Accepted", "Refused", "Duplicate" }));

        Task<IntakeResult> Submit(string email) => handler.HandleAsync(new LeadSubmitted { LeadId = id, Lead = JsonElement.Parse($$"""{"email":"{{email}}"}"""), Door = "queue", AcceptedAt = Now });
    }

    [TestCase(-13, false)]
    [TestCase(-23, false)]
    [TestCase(-30, true)]
    [TestCase(-60, true)]
    [TestCase(1, false)]
    [TestCase(-24 * 365 * 2000, false)]
    public async Task Should_know_a_lead_again_that_was_accepted_before_its_copy_and_comes_behind_it(int hours, bool isNew)
    {
        _ = await Submit(Now);

        var late = await Submit(hours < -24 * 365 * 100 ? DateTimeOffset.MinValue : Now.AddHours(hours));

        Assert.That(late, isNew ? Is.InstanceOf<IntakeResult.Accepted>() : Is.InstanceOf<IntakeResult.Duplicate>());

        Task<IntakeResult> Submit(DateTimeOffset at) => intake.HandleAsync(new LeadSubmitted { Lead = JsonElement.Parse($$"""{"email":"late{{hours}}@b.example"}"""), Door = "queue", AcceptedAt = at });
    }

    [Test]
    public async Task Should_find_a_copy_by_storing_it_and_take_in_what_comes_beside_it()
    {
        var first = (IntakeResult.Accepted)await straight.HandleAsync(Lead("copied"));

        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => straight.HandleAsync(Lead($"beside-{i}"))).Append(straight.HandleAsync(Lead("copied"))));

        await using var db = Database.Open();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers[..30], Is.All.InstanceOf<IntakeResult.Accepted>());
            Assert.That(answers[30], Is.InstanceOf<IntakeResult.Duplicate>().With.Property("LeadId").EqualTo(first.LeadId));
            Assert.That(await db.AuditEvents.CountAsync(a => a.LeadId == first.LeadId), Is.EqualTo(1), "a copy that is the same in everything leaves nothing");
        }
    }

    [Test]
    public async Task Should_keep_nothing_of_a_copy_of_an_erased_lead_that_it_finds_by_storing_it()
    {
        var first = (IntakeResult.Accepted)await straight.HandleAsync(Lead("erased"));
        await using var db = Database.Open();
        await db.Leads.Where(l => l.Id == first.LeadId).ExecuteUpdateAsync(s => s.SetProperty(l => l.DataKey, (byte[]?)null));

        var copy = await straight.HandleAsync(Lead("erased"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(copy, Is.EqualTo(new IntakeResult.Duplicate(first.LeadId, null)));
            Assert.That((await db.Leads.AsNoTracking().SingleAsync(l => l.Id == first.LeadId)).Version, Is.EqualTo(1));
        }
    }

    private static LeadSubmitted Lead(string id) =>
        new() { Lead = JsonElement.Parse($$"""{"email":"a@b.example","externalId":"{{id}}"}"""), Door = "api", AcceptedAt = Now };
}
