using System.Text.Json.Nodes;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Approvals;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Tests.Storage;

/// <summary>Requests for approval in the database.</summary>
public abstract class ApprovalStoreTests<TDatabase> : StorageFixture<TDatabase>
    where TDatabase : StorageDatabase, new()
{
    private readonly FakeTimeProvider time = new(Now);
    private LeadStore leads = null!;
    private ApprovalStore store = null!;

    [SetUp]
    public void Start()
    {
        leads = new LeadStore(Database.Sql, new LeadCommitter(Database.Sql), Cipher, new NoSink(), time);
        store = new ApprovalStore(Database.Sql, leads, Cipher, time, TimeSpan.FromHours(24));
    }

    [TearDown]
    public async Task Stop() => await leads.DisposeAsync();

    [TestCase(true)]
    [TestCase(false)]
    public async Task Should_be_used_by_one_of_many_who_try_at_once(bool withLead)
    {
        var approval = await RequestAsync(needed: 1, withLead);
        _ = await store.ActAsync(approval.Id, new ApprovalAct.Approve("bob"), CancellationToken.None);

        var tries = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() => store.ActAsync(approval.Id, new ApprovalAct.Use($"person {i}", approval.ArgumentsHash), CancellationToken.None))));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(tries.Count(t => t!.Refusal is null), Is.EqualTo(1));
            Assert.That((await store.FindAsync(approval.Id, CancellationToken.None))!.Approval.Acts.Count(a => a.What == "used"), Is.EqualTo(1));
        }
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Should_give_back_what_was_asked_for(bool withLead)
    {
        var approval = await RequestAsync(needed: 2, withLead);

        var found = (await store.FindAsync(approval.Id, CancellationToken.None))!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(found.Approval with { Acts = approval.Acts }, Is.EqualTo(approval));
            Assert.That(found.Content?.Arguments.ToJsonString(), Is.EqualTo("""{"id":"1"}"""));
            Assert.That(await Database.TextsAsync("SELECT COUNT(*) FROM approvals WHERE operation LIKE '%because%' OR acts LIKE '%because%'"), Is.EqualTo(new[] { "0" }), "a person's words are sealed");
        }
    }

    [Test]
    public async Task Should_tell_of_it_in_the_leads_chain()
    {
        var approval = await RequestAsync(needed: 1, withLead: true);
        _ = await store.ActAsync(approval.Id, new ApprovalAct.Approve("bob"), CancellationToken.None);

        await using var db = Database.Open();
        var chain = db.AuditEvents.Where(a => a.LeadId == approval.LeadId && a.Stage == "approval").OrderBy(a => a.Seq).Select(a => a.Kind + " by " + a.Actor).ToList();

        Assert.That(chain, Is.EqualTo(new[] { "requested by ann", "approved by bob" }));
    }

    /// <summary>A command line publishes nothing, and nobody looks at a lead that has ended unless he is told to.</summary>
    [Test]
    public async Task Should_have_its_event_published_when_the_lead_has_ended()
    {
        var approval = await RequestAsync(needed: 1, withLead: true);
        await using (var session = await Database.Sql.OpenAsync(CancellationToken.None))
            _ = await session.ExecuteAsync("UPDATE leads SET status = 'Completed', pending = NULL, sweep_at = NULL WHERE id = @lead", CancellationToken.None, ("lead", approval.LeadId));

        _ = await store.ActAsync(approval.Id, new ApprovalAct.Approve("bob"), CancellationToken.None);

        await using var db = Database.Open();
        Assert.That(db.Leads.Single(l => l.Id == approval.LeadId).SweepAt, Is.EqualTo(time.GetUtcNow()));
    }

    [Test]
    public async Task Should_be_shown_as_expired_when_its_time_is_over()
    {
        var approval = await RequestAsync(needed: 1, withLead: false);
        time.Advance(TimeSpan.FromHours(25));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await store.FindAsync(approval.Id, CancellationToken.None))!.Approval.State, Is.EqualTo(ApprovalState.Expired));
            Assert.That(await store.LapsedAsync(CancellationToken.None), Does.Contain(approval.Id));
            Assert.That((await store.ActAsync(approval.Id, new ApprovalAct.Approve("bob"), CancellationToken.None))!.Refusal, Is.EqualTo("expired"));
            Assert.That(await store.LapsedAsync(CancellationToken.None), Does.Not.Contain(approval.Id));
        }
    }

    [Test]
    public async Task Should_find_an_open_request_behind_any_number_that_are_not()
    {
        var waiting = await RequestAsync(needed: 1, withLead: false);
        time.Advance(TimeSpan.FromMinutes(1));
        var denied = new List<Guid>();
        for (var i = 0; i < 3; i++)
        {
            denied.Add((await RequestAsync(needed: 1, withLead: false)).Id);
            _ = await store.ActAsync(denied[^1], new ApprovalAct.Deny("bob", null), CancellationToken.None);
        }

        var open = await ListAsync(ApprovalState.Open);
        var no = await ListAsync(ApprovalState.Denied);
        time.Advance(TimeSpan.FromHours(24));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(open, Does.Contain(waiting.Id), "somebody has to see it");
            Assert.That(no, Is.SupersetOf(denied));
            Assert.That(await ListAsync(ApprovalState.Open), Does.Not.Contain(waiting.Id), "its time is over");
            Assert.That(await ListAsync(ApprovalState.Expired), Does.Contain(waiting.Id));
            Assert.That(await ListAsync(null), Is.SupersetOf(denied));
        }

        async Task<List<Guid>> ListAsync(ApprovalState? state) => (await store.ListAsync(state, 3, CancellationToken.None)).ConvertAll(s => s.Approval.Id);
    }

    [Test]
    public async Task Should_fall_with_a_unit_of_work_that_does_not_stand()
    {
        var approval = await RequestAsync(needed: 1, withLead: true);
        var approved = (await store.ActAsync(approval.Id, new ApprovalAct.Approve("bob"), CancellationToken.None))!.Next;
        var used = ApprovalMachine.Decide(approved, new ApprovalAct.Use("worker", approved.ArgumentsHash), time.GetUtcNow()).Next;
        var work = (await leads.LoadAsync(approval.LeadId!.Value))!;
        await using var committer = new LeadCommitter(Database.Sql);

        var stale = await committer.CommitAsync(new LeadCommit { Saga = work.Saga with { Version = work.Saga.Version + 7 }, Approvals = [ApprovalStore.Change(approved, used)] });
        var outdated = await committer.CommitAsync(new LeadCommit { Saga = work.Saga with { Version = work.Saga.Version + 1 }, Approvals = [ApprovalStore.Change(approval, used)] });

        using (Assert.EnterMultipleScope())
        {
            Assert.That((stale, outdated), Is.EqualTo((CommitResult.Conflict, CommitResult.Outdated)));
            Assert.That((await store.FindAsync(approval.Id, CancellationToken.None))!.Approval.State, Is.EqualTo(ApprovalState.Approved));
            Assert.That((await leads.LoadAsync(approval.LeadId.Value))!.Saga.Version, Is.EqualTo(work.Saga.Version));
        }
    }

    private async Task<Approval> RequestAsync(int needed, bool withLead)
    {
        var leadId = withLead ? (await leads.AddAsync(ALead(), [new AuditFact("intake", "received", [])], [])).Work!.Saga.LeadId : (Guid?)null;
        var arguments = new JsonObject { ["id"] = "1" };
        var approval = new Approval
        {
            Id = Guid.NewGuid(),
            LeadId = leadId,
            Operation = "delete_lead",
            ArgumentsHash = ApprovalMachine.Hash("delete_lead", arguments),
            Needed = needed,
            RequestedBy = "ann",
            RequestedAt = time.GetUtcNow(),
            ExpiresAt = time.GetUtcNow().AddHours(24),
        };
        Assert.That(await store.AddAsync(approval, new ApprovalContent(arguments, "because"), CancellationToken.None), Is.True);
        return approval;
    }
}
