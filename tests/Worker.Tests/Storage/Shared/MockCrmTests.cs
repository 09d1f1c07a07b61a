using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Mock;
using LeadPipeline.Mcp.Crm.Salesforce;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.MockCrm;

namespace LeadPipeline.Worker.Tests.Storage;

public abstract class MockCrmTests<TDatabase> : StorageFixture<TDatabase>
    where TDatabase : StorageDatabase, new()
{
    private readonly FakeTimeProvider time = new(Now);
    private MockCrmStore store = null!;
    private string person = "";

    [SetUp]
    public async Task Start()
    {
        store = new MockCrmStore(Database.Sql, time);
        await store.SeedAsync(CancellationToken.None);
        person = Guid.NewGuid().ToString("N");
    }

    [TearDown]
    public async Task Stop() => await store.DisposeAsync();

    [Test]
    public async Task Should_seed_once()
    {
        await store.SeedAsync(CancellationToken.None);

        Assert.That((await store.ListAsync(CrmObject.User, 100, CancellationToken.None)).Count, Is.EqualTo(4));
    }

    [Test]
    public async Task Should_create_a_lead_once_however_often_it_is_asked()
    {
        var first = await WriteAsync(Lead("a"));
        var again = await WriteAsync(Lead("a"));

        var (made, replayed) = ((CrmOutcome.Done)first[0], (CrmOutcome.Done)again[0]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(made.Replayed, Is.False);
            Assert.That(replayed, Is.EqualTo(made with { Replayed = true }));
            Assert.That(SalesforceIds.Normalise(made.RecordId, CrmObject.Lead), Is.EqualTo(made.RecordId));
            Assert.That((await FindAsync()).Leads, Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_not_take_a_second_record_with_the_same_key()
    {
        _ = await WriteAsync(Lead("a"));

        var outcomes = await WriteAsync(Lead("b"), Task("b"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes[0], Is.TypeOf<CrmOutcome.Refused>().With.Property("Code").EqualTo(CrmCodes.ChangedSince));
            Assert.That(outcomes[1], Is.TypeOf<CrmOutcome.NotTried>());
            Assert.That((await FindAsync(effects: [(CrmObject.Task, Effect("task-b"))])).Effects, Is.Empty);
        }
    }

    [Test]
    public async Task Should_link_records_of_one_batch_and_merge_what_is_written_to_one_of_them()
    {
        var outcomes = await WriteAsync(
            Lead("a"),
            new UpdateRecord("score", "set_lead_score", CrmObject.Lead, RecordRef.CreatedBy("a"), Fields((CrmFields.Score, "80")), null),
            new CreateRecord("account", "match_account", CrmObject.Account, Effect("account"), "acc:" + person, Fields((CrmFields.Name, "Acme " + person), (CrmFields.Domain, person + ".example"))!),
            new UpdateRecord("account", "match_account", CrmObject.Lead, RecordRef.CreatedBy("a"), Fields((CrmFields.Account, "@account")), null),
            Task("a"));

        var view = await FindAsync(effects: [(CrmObject.Task, Effect("task-a"))]);
        var lead = view.Leads.Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes, Is.All.TypeOf<CrmOutcome.Done>());
            Assert.That(lead[CrmFields.Score], Is.EqualTo("80"));
            Assert.That(lead[CrmFields.Account], Is.EqualTo(((CrmOutcome.Done)outcomes[2]).RecordId));
            Assert.That(view.Effects[Effect("task-a")][CrmFields.Lead], Is.EqualTo(lead.Id));
            Assert.That(outcomes.OfType<CrmOutcome.Done>().Where(d => d.RecordId == lead.Id).Select(d => d.Version), Is.All.EqualTo(lead.Version));
        }
    }

    [Test]
    public async Task Should_not_leave_a_link_to_an_account_that_someone_else_made_first()
    {
        _ = await WriteAsync(Account("theirs"));

        var outcomes = await WriteAsync(
            Lead("a"),
            new UpdateRecord("score", "set_lead_score", CrmObject.Lead, RecordRef.CreatedBy("a"), Fields((CrmFields.Score, "80")), null),
            Account("ours"),
            new UpdateRecord("ours", "match_account", CrmObject.Lead, RecordRef.CreatedBy("a"), Fields((CrmFields.Account, "@ours"), (CrmFields.Score, "0")), null),
            Task("a"));

        var lead = (await FindAsync()).Leads.Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes.Take(2), Is.All.TypeOf<CrmOutcome.Done>());
            Assert.That(outcomes[2], Is.TypeOf<CrmOutcome.Refused>().With.Property("Code").EqualTo(CrmCodes.ChangedSince));
            Assert.That(outcomes.Skip(3), Is.All.TypeOf<CrmOutcome.NotTried>());
            Assert.That((lead[CrmFields.Score], lead[CrmFields.Account]), Is.EqualTo(("80", (string?)null)));
        }
    }

    [Test]
    public async Task Should_merge_two_updates_into_one_version()
    {
        var lead = await ALeadAsync();

        var outcomes = await WriteAsync(Update(lead, lead.Version, (CrmFields.Score, "80")), Update(lead, lead.Version, (CrmFields.Intent, "High Fit"), (CrmFields.Phone, null)));

        var after = (await FindAsync()).Leads.Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes, Is.All.EqualTo(new CrmOutcome.Done(lead.Id, "2")));
            Assert.That((after[CrmFields.Score], after[CrmFields.Intent], after[CrmFields.Phone], after.Version), Is.EqualTo(("80", "High Fit", (string?)null, "2")));
        }
    }

    [Test]
    public async Task Should_refuse_to_change_a_record_that_was_changed_since_and_what_follows()
    {
        var lead = await ALeadAsync();
        _ = await WriteAsync(Update(lead, null, (CrmFields.Phone, "2")));

        var outcomes = await WriteAsync(Update(lead, lead.Version, (CrmFields.Phone, "3")), Task("a", lead.Id));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes[0], Is.TypeOf<CrmOutcome.Refused>().With.Property("Code").EqualTo(CrmCodes.ChangedSince));
            Assert.That(outcomes[1], Is.TypeOf<CrmOutcome.NotTried>());
            Assert.That((await FindAsync()).Leads.Single()[CrmFields.Phone], Is.EqualTo("2"));
        }
    }

    [Test]
    public async Task Should_refuse_a_link_that_leads_nowhere_and_write_the_rest()
    {
        var lead = await ALeadAsync();

        var outcomes = await WriteAsync(Task("lost", "00Q000000000000AAA"), Task("a", lead.Id));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes[0], Is.TypeOf<CrmOutcome.Refused>().With.Property("Code").EqualTo(CrmCodes.InvalidReference));
            Assert.That(outcomes[1], Is.TypeOf<CrmOutcome.Done>());
        }
    }

    [Test]
    public async Task Should_not_link_to_an_account_that_was_withdrawn()
    {
        var lead = await ALeadAsync();
        var account = ((CrmOutcome.Done)(await WriteAsync(Account("x")))[0]).RecordId;
        _ = await WriteAsync(new RemoveRecord("x", "match_account", CrmObject.Account, account, null));

        var outcomes = await WriteAsync(Update(lead, lead.Version, (CrmFields.Account, account)));

        Assert.That(outcomes[0], Is.TypeOf<CrmOutcome.Refused>().With.Property("Code").EqualTo(CrmCodes.InvalidReference));
    }

    [Test]
    public async Task Should_end_the_batch_when_a_critical_step_is_refused()
    {
        var lead = await ALeadAsync();

        var outcomes = await store.WriteAsync(new CrmBatch(Guid.NewGuid(), person, [Task("lost", "00Q000000000000AAA"), Task("a", lead.Id)], new HashSet<string> { "task-lost" }), CancellationToken.None);

        Assert.That(outcomes[1], Is.TypeOf<CrmOutcome.NotTried>());
    }

    [Test]
    public async Task Should_withdraw_a_record_and_free_its_key()
    {
        var lead = await ALeadAsync();

        var outcomes = await WriteAsync(new RemoveRecord("a", "upsert_lead", CrmObject.Lead, lead.Id, lead.Version));
        var again = await WriteAsync(Lead("again"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes[0], Is.TypeOf<CrmOutcome.Done>());
            Assert.That(again[0], Is.TypeOf<CrmOutcome.Done>().With.Property("Replayed").False);
            Assert.That((await FindAsync()).Leads.Single().Id, Is.Not.EqualTo(lead.Id));
        }
    }

    [Test]
    public async Task Should_keep_an_account_that_others_use()
    {
        var account = ((CrmOutcome.Done)(await WriteAsync(Account("x")))[0]).RecordId;
        var lead = await ALeadAsync();
        _ = await WriteAsync(Update(lead, lead.Version, (CrmFields.Account, account)));

        var refused = await WriteAsync(new RemoveRecord("x", "match_account", CrmObject.Account, account, null));
        var together = await WriteAsync(new RemoveRecord("x", "match_account", CrmObject.Account, account, null), new RemoveRecord("a", "upsert_lead", CrmObject.Lead, lead.Id, null));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(refused[0], Is.TypeOf<CrmOutcome.Refused>().With.Property("Code").EqualTo(CrmCodes.Permanent));
            Assert.That(together, Is.All.TypeOf<CrmOutcome.Done>(), "with its last lead it may go");
        }
    }

    [Test]
    public async Task Should_create_one_account_for_many_leads_of_a_new_company()
    {
        var outcomes = await System.Threading.Tasks.Task.WhenAll(Enumerable.Range(0, 20).Select(i => store.WriteAsync(
            new CrmBatch(Guid.NewGuid(), $"{i}@{person}", [new CreateRecord("account", "match_account", CrmObject.Account, $"{person}.{i}", "acc:" + person, Fields((CrmFields.Name, "Acme"), (CrmFields.Domain, person + ".example"))!)], new HashSet<string>()), CancellationToken.None)));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes.Count(o => o[0] is CrmOutcome.Done), Is.EqualTo(1));
            Assert.That(outcomes.Count(o => o[0] is CrmOutcome.Refused { Code: CrmCodes.ChangedSince }), Is.EqualTo(19));
            Assert.That((await store.ReadAsync(new CrmQuery { AccountDomain = person + ".example" }, CancellationToken.None)).Accounts, Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_let_one_of_many_that_change_the_same_version_win()
    {
        var lead = await ALeadAsync();

        var outcomes = await System.Threading.Tasks.Task.WhenAll(Enumerable.Range(0, 20).Select(i => store.WriteAsync(
            new CrmBatch(Guid.NewGuid(), $"{i}@{person}", [Update(lead, lead.Version, (CrmFields.Phone, $"{i}"))], new HashSet<string>()), CancellationToken.None)));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes.Count(o => o[0] is CrmOutcome.Done), Is.EqualTo(1));
            Assert.That((await FindAsync()).Leads.Single()[CrmFields.Phone], Is.EqualTo($"{Array.FindIndex(outcomes, o => o[0] is CrmOutcome.Done)}"));
        }
    }

    [Test]
    public async Task Should_find_leads_accounts_and_opportunities_by_what_is_known_of_them()
    {
        var outcomes = await WriteAsync(Lead("a"), Account("x"), Opportunity("open", "Prospecting"), Opportunity("won", "Closed Won"));

        var view = await store.ReadAsync(new CrmQuery { Email = person + "@example.com", AccountName = "Zyx" + person + " GmbH", Campaign = "cmp-spring", Records = [(CrmObject.Account, ((CrmOutcome.Done)outcomes[1]).RecordId)] }, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes, Is.All.TypeOf<CrmOutcome.Done>());
            Assert.That(view.Leads.Select(l => l.Id), Is.EqualTo(new[] { ((CrmOutcome.Done)outcomes[0]).RecordId }));
            Assert.That(view.Accounts.Select(l => l.Id), Has.Member(((CrmOutcome.Done)outcomes[1]).RecordId));
            Assert.That(view.OpenOpportunities.Select(l => l.Id), Has.Member(((CrmOutcome.Done)outcomes[2]).RecordId).And.No.Member(((CrmOutcome.Done)outcomes[3]).RecordId));
            Assert.That(view.Campaign?["code"], Is.EqualTo("CMP-SPRING"));
            Assert.That(view.Records, Has.Count.EqualTo(1));
        }

        CreateRecord Opportunity(string name, string stage) => new(name, "create_opportunity", CrmObject.Opportunity, Effect(name), null,
            Fields((CrmFields.Name, name), (CrmFields.Stage, stage), (CrmFields.Account, "@x"), (CrmFields.Lead, "@a"))!);
    }

    [Test]
    public async Task Should_log_every_call_without_what_was_written()
    {
        _ = await WriteAsync(Lead("a"));

        var logged = (await Database.TextsAsync("SELECT operations FROM crm_sync_logs")).Where(t => t.Contains("upsert_lead", StringComparison.Ordinal)).ToList();
        Assert.That(logged, Is.Not.Empty.And.None.Contains("example.com"));
    }

    [TestCase("transient", NotNowKind.Transient)]
    [TestCase("rate_limited", NotNowKind.RateLimited)]
    [TestCase("unauthorized", NotNowKind.Unauthorized)]
    public async Task Should_stop_the_batch_at_a_step_that_cannot_be_done_now(string fault, NotNowKind kind)
    {
        var crm = Crm($"create_task={fault}@1");

        var outcomes = await crm.WriteAsync(Batch(Lead("a"), Task("a"), Note("a")), CancellationToken.None);
        var again = await crm.WriteAsync(Batch(Lead("a"), Task("a"), Note("a")), CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes[0], Is.TypeOf<CrmOutcome.Done>());
            Assert.That(outcomes[1], Is.TypeOf<CrmOutcome.NotNow>().With.Property("Kind").EqualTo(kind));
            Assert.That(outcomes[2], Is.TypeOf<CrmOutcome.NotTried>());
            Assert.That(again, Is.All.TypeOf<CrmOutcome.Done>());
        }
    }

    [Test]
    public async Task Should_refuse_what_refers_to_a_refused_record_and_what_refers_to_that()
    {
        var opportunity = new CreateRecord("opp", "create_opportunity", CrmObject.Opportunity, Effect("opp"), null, Fields((CrmFields.Name, "n"), (CrmFields.Account, "@x"), (CrmFields.Lead, "@a"))!);
        var task = new CreateRecord("task", "create_task", CrmObject.Task, Effect("task"), null, Fields((CrmFields.Lead, "@a"), (CrmFields.Opportunity, "@opp"))!);

        var outcomes = await Crm("match_account=permanent@*").WriteAsync(Batch(Lead("a"), Account("x"), opportunity, task, Note("a")), CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes[1], Is.TypeOf<CrmOutcome.Refused>().With.Property("Code").EqualTo(CrmCodes.Permanent));
            Assert.That(outcomes.Skip(2).Take(2), Is.All.TypeOf<CrmOutcome.Refused>().With.Property("Code").EqualTo(CrmCodes.InvalidReference));
            Assert.That((outcomes[0], outcomes[4]), Is.EqualTo((outcomes[0] as CrmOutcome.Done, outcomes[4] as CrmOutcome.Done)));
        }
    }

    [Test]
    public async Task Should_lose_the_answer_after_it_has_accepted()
    {
        var outcomes = await Crm("create_task=drop_after_accept@1").WriteAsync(Batch(Lead("a"), Task("a"), Note("a")), CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes[1], Is.TypeOf<CrmOutcome.Unknown>());
            Assert.That(outcomes[2], Is.TypeOf<CrmOutcome.NotTried>());
            Assert.That((await FindAsync(effects: [(CrmObject.Task, Effect("task-a"))])).Effects, Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_not_answer_in_time_nor_write()
    {
        using var patience = new CancellationTokenSource();
        var answer = Crm("create_task=timeout@email:" + person).WriteAsync(Batch(Lead("a"), Task("a"), Note("a")), patience.Token);
        await Eventually.ShouldAsync(async () => (await FindAsync()).Leads.Count == 1, "write what came before");
        Assert.That(answer.IsCompleted, Is.False);

        await patience.CancelAsync();

        var outcomes = await answer;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes[0], Is.TypeOf<CrmOutcome.Done>());
            Assert.That(outcomes[1], Is.TypeOf<CrmOutcome.Unknown>());
            Assert.That((await FindAsync(effects: [(CrmObject.Task, Effect("task-a"))])).Effects, Is.Empty);
        }
    }

    private MockCrm Crm(string faults) => new(store, MockFaults.Parse(faults), () => TimeSpan.Zero, time);

    private Task<IReadOnlyList<CrmOutcome>> WriteAsync(params CrmWrite[] writes) => store.WriteAsync(Batch(writes), CancellationToken.None);

    private CrmBatch Batch(params CrmWrite[] writes) => new(Guid.NewGuid(), person, writes, new HashSet<string>());

    private Task<CrmView> FindAsync(IReadOnlyCollection<(CrmObject, string)>? effects = null) =>
        store.ReadAsync(new CrmQuery { RecordKey = "rk:" + person, Effects = effects ?? [] }, CancellationToken.None);

    private async Task<CrmRecord> ALeadAsync()
    {
        _ = await WriteAsync(Lead("a"));
        return (await FindAsync()).Leads.Single();
    }

    private string Effect(string step) => person + "." + step;

    private CreateRecord Lead(string step) =>
        new(step, "upsert_lead", CrmObject.Lead, Effect(step), "rk:" + person, Fields((CrmFields.Email, person + "@example.com"), (CrmFields.Phone, "1"))!);

    private CreateRecord Account(string step) =>
        new(step, "match_account", CrmObject.Account, Effect(step), "acc:" + person, Fields((CrmFields.Name, "Zyx" + person), (CrmFields.Domain, person + ".example"))!);

    private CreateRecord Task(string step, string? lead = null) =>
        new("task-" + step, "create_task", CrmObject.Task, Effect("task-" + step), null, Fields((CrmFields.Subject, "Call"), (CrmFields.Lead, lead ?? "@" + step))!);

    private CreateRecord Note(string step) =>
        new("note-" + step, "add_note", CrmObject.Note, Effect("note-" + step), null, Fields((CrmFields.Body, "Text"), (CrmFields.Lead, "@" + step))!);

    private static UpdateRecord Update(CrmRecord lead, string? version, params (string, string?)[] fields) =>
        new("update", "upsert_lead", CrmObject.Lead, new(lead.Id, null), Fields(fields), version);

    private static Dictionary<string, string?> Fields(params (string Field, string? Value)[] fields) => fields.ToDictionary(f => f.Field, f => f.Value);
}
