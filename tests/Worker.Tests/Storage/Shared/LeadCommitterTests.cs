using LeadPipeline.Contracts;
using LeadPipeline.Worker.Storage;
using Microsoft.EntityFrameworkCore;

namespace LeadPipeline.Worker.Tests.Storage;

public abstract class LeadCommitterTests<TDatabase> : StorageFixture<TDatabase>
    where TDatabase : StorageDatabase, new()
{
    private LeadCommitter committer = null!;

    [SetUp]
    public void Start() => committer = new LeadCommitter(Database.Sql);

    [TearDown]
    public async Task Stop() => await committer.DisposeAsync();

    [Test]
    public async Task Should_store_a_new_lead_with_its_audit_and_its_keys()
    {
        var commit = NewLead(ALead());
        commit = commit with { Keys = [Key($"k-{commit.Saga.LeadId}", commit.Saga.LeadId)] };

        var result = await committer.CommitAsync(commit);

        await using var db = Database.Open();
        var row = await db.Leads.SingleAsync(l => l.Id == commit.Saga.LeadId);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result, Is.EqualTo(CommitResult.Committed));
            Assert.That((row.Version, row.Status, row.Pending, row.AuditSeq), Is.EqualTo((1, "Received", "analysis", 1)));
            Assert.That(row.SweepAt, Is.EqualTo(Now));
            Assert.That(await db.AuditEvents.CountAsync(a => a.LeadId == row.Id), Is.EqualTo(1));
            Assert.That(await db.IntakeKeys.CountAsync(k => k.LeadId == row.Id), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_not_store_a_lead_twice()
    {
        var lead = ALead();
        var first = NewLead(lead);
        _ = await committer.CommitAsync(first);

        var result = await committer.CommitAsync(NewLead(lead));

        await using var db = Database.Open();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result, Is.EqualTo(CommitResult.Conflict));
            Assert.That((await db.Leads.SingleAsync(l => l.Id == lead.LeadId)).Body, Is.EqualTo(first.New!.Body));
            Assert.That(await db.AuditEvents.CountAsync(a => a.LeadId == lead.LeadId), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_store_nothing_of_a_unit_that_expected_another_version()
    {
        var first = NewLead(ALead());
        _ = await committer.CommitAsync(first);
        var id = first.Saga.LeadId;
        var late = Next(Next(first)) with
        {
            Alias = new LeadAliasRow { AliasId = Guid.NewGuid(), LeadId = id, At = Now },
            DeadLetter = new DeadLetterRow { Id = Guid.NewGuid(), LeadId = id, Queue = "q", Fingerprint = "f", Reason = "r", At = Now, State = "open" },
            NewEffects = [Effect(id, "sent")],
        };

        var result = await committer.CommitAsync(late);

        await using var db = Database.Open();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result, Is.EqualTo(CommitResult.Conflict));
            Assert.That(await db.Aliases.CountAsync(a => a.LeadId == id), Is.Zero);
            Assert.That(await db.DeadLetters.CountAsync(a => a.LeadId == id), Is.Zero);
            Assert.That(await db.Effects.CountAsync(a => a.LeadId == id), Is.Zero);
        }
    }

    [Test]
    public async Task Should_commit_the_others_of_a_group_in_which_one_falls()
    {
        var first = Enumerable.Range(0, 20).Select(_ => NewLead(ALead())).ToList();
        _ = await Task.WhenAll(first.Select(committer.CommitAsync));

        var results = await Task.WhenAll(first.Select((f, i) => committer.CommitAsync((i == 7 ? Next(Next(f)) : Next(f)) with { NewEffects = [Effect(f.Saga.LeadId, "sent")] })));

        var ids = first.ConvertAll(f => f.Saga.LeadId);
        await using var db = Database.Open();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(results, Is.EqualTo(first.Select((_, i) => i == 7 ? CommitResult.Conflict : CommitResult.Committed)));
            Assert.That(await db.Effects.Where(e => ids.Contains(e.LeadId)).Select(e => e.LeadId).ToListAsync(), Is.EquivalentTo(ids.Where((_, i) => i != 7)));
            Assert.That(await db.Leads.CountAsync(l => ids.Contains(l.Id) && l.Version == 2), Is.EqualTo(19));
        }
    }

    [Test]
    public async Task Should_leave_no_verdict_of_a_unit_that_expected_another_version()
    {
        var first = NewLead(ALead());
        var id = first.Saga.LeadId;
        var verdict = new ReviewVerdictRow { Id = id, LeadId = id, Run = 1, Verdict = "approved", Actor = "otto", At = Now };
        _ = await committer.CommitAsync(first);

        var stale = await committer.CommitAsync(Next(Next(first)) with { Review = verdict });
        var right = await committer.CommitAsync(Next(first) with { Review = verdict });
        var second = await committer.CommitAsync(Next(Next(first)) with { Review = verdict });

        Assert.That((stale, right, second), Is.EqualTo((CommitResult.Conflict, CommitResult.Committed, CommitResult.Outdated)));
    }

    [Test]
    public async Task Should_refuse_a_key_that_is_taken_and_free_the_others()
    {
        var (first, second, third) = (NewLead(ALead()), NewLead(ALead()), NewLead(ALead()));
        var (taken, free) = ($"taken-{Guid.NewGuid()}", $"free-{Guid.NewGuid()}");
        _ = await committer.CommitAsync(first with { Keys = [Key(taken, first.Saga.LeadId)] });

        var result = await committer.CommitAsync(second with { Keys = [Key(free, second.Saga.LeadId), Key(taken, second.Saga.LeadId)] });
        var other = await committer.CommitAsync(third with { Keys = [Key(free, third.Saga.LeadId)] });

        await using var db = Database.Open();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((result, other), Is.EqualTo((CommitResult.KeyTaken, CommitResult.Committed)));
            Assert.That(await db.Leads.AnyAsync(l => l.Id == second.Saga.LeadId), Is.False);
        }
    }

    [Test]
    public async Task Should_keep_no_key_of_a_lead_that_was_there_already()
    {
        var (first, other) = (NewLead(ALead()), NewLead(ALead()));
        var key = $"late-{Guid.NewGuid()}";
        _ = await committer.CommitAsync(first);

        var again = await committer.CommitAsync(first with { Keys = [Key(key, first.Saga.LeadId)] });
        var free = await committer.CommitAsync(other with { Keys = [Key(key, other.Saga.LeadId)] });

        Assert.That((again, free), Is.EqualTo((CommitResult.Conflict, CommitResult.Committed)));
    }

    [Test]
    public async Task Should_give_a_key_to_one_of_many_that_claim_it_at_once()
    {
        var key = $"once-{Guid.NewGuid()}";
        var commits = Enumerable.Range(0, 40).Select(_ => NewLead(ALead())).Select(c => c with { Keys = [Key(key, c.Saga.LeadId)] }).ToList();

        var results = await Task.WhenAll(commits.Select(committer.CommitAsync));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(results.Count(r => r == CommitResult.Committed), Is.EqualTo(1));
            Assert.That(results.Count(r => r == CommitResult.KeyTaken), Is.EqualTo(39));
        }
    }

    [Test]
    public async Task Should_let_one_lead_of_a_person_run_at_a_time()
    {
        var (first, second) = (NewLead(ALead()), NewLead(ALead()));
        _ = await Task.WhenAll(committer.CommitAsync(first), committer.CommitAsync(second));
        var key = $"person-{Guid.NewGuid()}";

        var opened = await committer.CommitAsync(Next(first) with { TakesPerson = key });
        var busy = await committer.CommitAsync(Next(second) with { TakesPerson = key });
        var ended = await committer.CommitAsync(Next(Next(first)) with { LeavesPerson = key });
        var after = await committer.CommitAsync(Next(second) with { TakesPerson = key });

        Assert.That(new[] { opened, busy, ended, after }, Is.EqualTo(new[] { CommitResult.Committed, CommitResult.Busy, CommitResult.Committed, CommitResult.Committed }));
    }

    [Test]
    public async Task Should_not_hold_the_person_of_a_unit_that_fell()
    {
        var (first, second) = (NewLead(ALead()), NewLead(ALead()));
        _ = await Task.WhenAll(committer.CommitAsync(first), committer.CommitAsync(second));
        var key = $"person-{Guid.NewGuid()}";

        var late = await committer.CommitAsync(Next(Next(first)) with { TakesPerson = key });
        var opened = await committer.CommitAsync(Next(second) with { TakesPerson = key });

        Assert.That((late, opened), Is.EqualTo((CommitResult.Conflict, CommitResult.Committed)));
    }

    [Test]
    public async Task Should_go_on_holding_the_person_when_another_worker_opens_the_same_lead_too_late()
    {
        var (first, second) = (NewLead(ALead()), NewLead(ALead()));
        _ = await Task.WhenAll(committer.CommitAsync(first), committer.CommitAsync(second));
        var key = $"person-{Guid.NewGuid()}";
        _ = await committer.CommitAsync(Next(first) with { TakesPerson = key });

        var late = await committer.CommitAsync(Next(first) with { TakesPerson = key });
        var lateEnd = await committer.CommitAsync(Next(first) with { LeavesPerson = key });
        var busy = await committer.CommitAsync(Next(second) with { TakesPerson = key });

        Assert.That(new[] { late, lateEnd, busy }, Is.EqualTo(new[] { CommitResult.Conflict, CommitResult.Conflict, CommitResult.Busy }));
    }

    [Test]
    public async Task Should_let_the_next_lead_have_a_person_who_is_left_in_the_same_moment_or_the_one_after()
    {
        var (first, second) = (NewLead(ALead()), NewLead(ALead()));
        _ = await Task.WhenAll(committer.CommitAsync(first), committer.CommitAsync(second));
        var key = $"person-{Guid.NewGuid()}";
        var opened = Next(first) with { TakesPerson = key };
        _ = await committer.CommitAsync(opened);

        var both = await Task.WhenAll(committer.CommitAsync(Next(second) with { TakesPerson = key }), committer.CommitAsync(Next(opened) with { LeavesPerson = key }));
        var after = both[0] == CommitResult.Busy ? await committer.CommitAsync(Next(second) with { TakesPerson = key }) : both[0];

        Assert.That((both[1], after), Is.EqualTo((CommitResult.Committed, CommitResult.Committed)));
    }

    [Test]
    public async Task Should_find_the_busy_ones_in_a_group_and_commit_the_others()
    {
        var commits = Enumerable.Range(0, 30).Select(_ => NewLead(ALead())).ToList();
        _ = await Task.WhenAll(commits.Select(committer.CommitAsync));
        var key = $"person-{Guid.NewGuid()}";

        var results = await Task.WhenAll(commits.Select((c, i) => committer.CommitAsync(Next(c) with { TakesPerson = i is 3 or 17 or 18 ? key : null })));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(results.Count(r => r == CommitResult.Busy), Is.EqualTo(2));
            Assert.That(results.Count(r => r == CommitResult.Committed), Is.EqualTo(28));
        }
    }

    [Test]
    public async Task Should_not_let_a_poisoned_unit_hurt_the_others()
    {
        var commits = Enumerable.Range(0, 30).Select(_ => NewLead(ALead())).ToList();
        commits[11] = commits[11] with { New = commits[11].New! with { Source = null! } };

        var tasks = commits.ConvertAll(committer.CommitAsync);
        await Task.WhenAll(tasks).ContinueWith(_ => { }, TaskScheduler.Default);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(tasks[11].IsFaulted, Is.True);
            Assert.That(tasks.Where((_, i) => i != 11).Select(t => t.IsCompletedSuccessfully ? t.Result : (CommitResult?)null), Is.All.EqualTo(CommitResult.Committed));
        }
    }

    [Test]
    public async Task Should_keep_the_units_of_one_lead_apart_and_in_order()
    {
        var first = NewLead(ALead());
        var second = Next(first);
        var third = Next(second);

        var results = await Task.WhenAll(committer.CommitAsync(first), committer.CommitAsync(second), committer.CommitAsync(third));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(results, Is.All.EqualTo(CommitResult.Committed));
            Assert.That(committer.Groups, Is.EqualTo(3));
        }
    }

    [Test]
    public async Task Should_need_fewer_transactions_than_units()
    {
        var commits = Enumerable.Range(0, 200).Select(_ => NewLead(ALead())).ToList();

        _ = await Task.WhenAll(commits.Select(committer.CommitAsync));

        Assert.That((committer.Units, committer.Groups), Is.EqualTo((200L, committer.Groups)).And.Matches<(long Units, long Groups)>(c => c.Groups < 50));
    }

    [Test]
    public async Task Should_not_leave_an_effect_as_planned_that_is_stored_as_new_again()
    {
        var first = NewLead(ALead());
        var id = first.Saga.LeadId;
        _ = await committer.CommitAsync(first);
        _ = await committer.CommitAsync(Next(first) with { NewEffects = [Effect(id, "planned")] });

        _ = await committer.CommitAsync(Next(Next(first)) with { NewEffects = [Effect(id, "sent")] });

        await using var db = Database.Open();
        Assert.That((await db.Effects.SingleAsync(e => e.LeadId == id)).State, Is.EqualTo("sent"));
    }

    private static EffectRow Effect(Guid lead, string state) =>
        new() { EffectKey = $"{lead:N}.1.step", LeadId = lead, Run = 1, Step = "step", Tool = "tool", State = state, Sealed = [1], UpdatedAt = Now };
}
