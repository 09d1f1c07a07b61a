using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using Microsoft.EntityFrameworkCore;

namespace LeadPipeline.Worker.Tests.Storage;

public abstract class LeadStoreTests<TDatabase> : StorageFixture<TDatabase>
    where TDatabase : StorageDatabase, new()
{
    private static readonly AuditFact[] Received = [new("intake", "received", new JsonObject { ["source"] = "api" })];
    private LeadStore store = null!;

    [SetUp]
    public void Start() => store = NewStore();

    [TearDown]
    public async Task Stop() => await store.DisposeAsync();

    [Test]
    public async Task Should_load_what_was_stored()
    {
        var lead = ALead();
        var (added, result) = await store.AddAsync(lead, Received, []);

        var loaded = await store.LoadAsync(lead.LeadId);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result, Is.EqualTo(CommitResult.Committed));
            Assert.That(loaded!.Saga with { AuditHead = [] }, Is.EqualTo(added!.Saga with { AuditHead = [] }));
            Assert.That(loaded.Saga.AuditHead, Is.EqualTo(added.Saga.AuditHead));
            Assert.That((loaded.Lead.Email, loaded.Lead.FirstName, loaded.RecordKey), Is.EqualTo((lead.Email, "Ada", added.RecordKey)));
        }
    }

    [Test]
    public async Task Should_know_neither_a_lead_that_never_came_nor_one_that_was_erased()
    {
        var lead = ALead();
        _ = await store.AddAsync(lead, Received, []);
        await using (var db = Database.Open())
            await db.Leads.Where(l => l.Id == lead.LeadId).ExecuteUpdateAsync(s => s.SetProperty(l => l.DataKey, (byte[]?)null));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await store.LoadAsync(lead.LeadId), Is.Null);
            Assert.That(await store.LoadAsync(Guid.NewGuid()), Is.Null);
        }
    }

    [Test]
    public async Task Should_tell_which_records_other_leads_work_with()
    {
        var ours = (await store.AddAsync(ALead(), Received, [])).Work!;
        var theirs = (await store.AddAsync(ALead(), Received, [])).Work!;
        var (own, shared, withdrawn, part) = ($"own-{Guid.NewGuid()}", $"shared-{Guid.NewGuid()}", $"gone-{Guid.NewGuid()}", $"part-{Guid.NewGuid()}");
        await EndAsync(ours, Row(ours, "match_account", own, "confirmed"), Row(ours, "upsert_lead", shared, "confirmed"));
        await EndAsync(theirs, Row(theirs, "upsert_lead", shared, "unchanged"), Row(theirs, "match_account", withdrawn, "compensated"), Row(theirs, "set_lead_score", part, "confirmed"));

        Assert.That(await store.UsedElsewhereAsync(ours.Saga.LeadId, [own, shared, withdrawn, part, "unknown"], CancellationToken.None), Is.EquivalentTo(new[] { shared }));

        // As a plan does: the rows first, and then what came of them, some of it twice.
        async Task EndAsync(LeadWork work, params EffectRow[] rows)
        {
            _ = await store.ApplyAsync(work, new SagaMessage.Noted(), [], c => c with { NewEffects = [.. rows.Select(r => Row(work, r.Tool, null, "sent"))] });
            for (var i = 0; i < 2; i++)
                _ = await store.ApplyAsync(work, new SagaMessage.Noted(), [], c => c with { ChangedEffects = rows });
        }

        static EffectRow Row(LeadWork work, string tool, string? record, string state) => new()
        {
            EffectKey = $"{work.Saga.LeadId:N}.1.{tool}",
            LeadId = work.Saga.LeadId,
            Run = 1,
            StepIndex = 0,
            Step = tool,
            Tool = tool,
            State = state,
            RecordId = record,
            UpdatedAt = Now,
        };
    }

    [Test]
    public async Task Should_land_every_one_of_many_notes_on_one_lead()
    {
        var lead = ALead();
        _ = await store.AddAsync(lead, Received, []);
        var copies = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => store.LoadAsync(lead.LeadId)));

        var applied = await Task.WhenAll(copies.Select((work, i) => store.ApplyAsync(work!, new SagaMessage.Noted(), [new AuditFact("operator", "noted", new JsonObject { ["n"] = i })])));

        await using var db = Database.Open();
        var row = await db.Leads.SingleAsync(l => l.Id == lead.LeadId);
        var events = await db.AuditEvents.Where(a => a.LeadId == lead.LeadId).OrderBy(a => a.Seq).AsNoTracking().ToListAsync();
        var key = Cipher.Unwrap(row.DataKey!, lead.LeadId);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(applied.Count(a => a.Took), Is.EqualTo(50));
            Assert.That((row.Version, row.AuditSeq, events.Count), Is.EqualTo((51, 51, 51)));
            Assert.That(AuditChain.Verify(events, row.AuditSeq, row.AuditHead), Is.Null);
            Assert.That(events.Skip(1).Select(e => JsonNode.Parse(key.Open(e.Payload, lead.LeadId))!["n"]!.GetValue<int>()).Order(), Is.EqualTo(Enumerable.Range(0, 50)));
        }
    }

    [Test]
    public async Task Should_take_one_of_two_outcomes_of_a_stage()
    {
        var lead = ALead();
        _ = await store.AddAsync(lead, Received, []);
        var copies = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => store.LoadAsync(lead.LeadId)));

        var applied = await Task.WhenAll(copies.Select(work => store.ApplyAsync(work!, new SagaMessage.AnalysisEnded(1, LeadStatus.Analyzed, null), [])));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(applied.Count(a => a.Took), Is.EqualTo(1));
            Assert.That(applied.Count(a => a.Decision is SagaDecision.AlreadyDone { Current.Pending: LeadStage.Execution }), Is.EqualTo(7));
            Assert.That(copies.Select(w => w!.Saga.Version), Is.All.EqualTo(2), "whoever lost knows the lead as it is now");
        }
    }

    [Test]
    public async Task Should_run_two_leads_of_one_person_one_after_the_other()
    {
        var (first, second) = (await PlannedAsync("same@example.com"), await PlannedAsync("same@example.com"));

        var opened = await store.ApplyAsync(first, new SagaMessage.EpochOpened(1, 0, 1), []);
        var busy = await store.ApplyAsync(second, new SagaMessage.EpochOpened(1, 0, 2), []);
        _ = await store.ApplyAsync(first, new SagaMessage.PlanEnded(1, 1, LeadStatus.Completed, null), []);
        var after = await store.ApplyAsync(second, new SagaMessage.EpochOpened(1, 0, 2), []);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(opened.Took, Is.True);
            Assert.That((busy.Took, busy.Busy), Is.EqualTo((false, true)));
            Assert.That(after.Took, Is.True);
        }
    }

    [Test]
    public async Task Should_let_one_of_two_verdicts_on_a_run_stand()
    {
        var mine = await PlannedAsync(null);
        _ = await store.ApplyAsync(mine, new SagaMessage.PlanEnded(1, 0, LeadStatus.NeedsReview, "ambiguous"), []);
        var yours = (await store.LoadAsync(mine.Saga.LeadId))!;

        var rejected = await store.ApplyAsync(mine, new SagaMessage.Judged(1), [new AuditFact("operator", "rejected", [])], commit => commit with { Review = Verdict("rejected") });
        var approved = await store.ApplyAsync(yours, new SagaMessage.RunStarted(1, false), [new AuditFact("operator", "approved", [])], commit => commit with { Review = Verdict("approved") });

        var now = (await store.LoadAsync(mine.Saga.LeadId))!.Saga;
        await using var db = Database.Open();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((rejected.Took, approved.Took), Is.EqualTo((true, false)));
            Assert.That((now.Status, now.Run), Is.EqualTo((LeadStatus.NeedsReview, 1)), "what one has rejected does not go on because another saw it a moment before");
            Assert.That(await db.ReviewVerdicts.Where(v => v.LeadId == mine.Saga.LeadId).Select(v => v.Verdict).ToListAsync(), Is.EqualTo(new[] { "rejected" }));
            Assert.That(await db.AuditEvents.CountAsync(a => a.LeadId == mine.Saga.LeadId && a.Stage == "operator"), Is.EqualTo(1));
        }

        ReviewVerdictRow Verdict(string verdict) =>
            new() { Id = DeterministicId.Run(mine.Saga.LeadId, 1), LeadId = mine.Saga.LeadId, Run = 1, Verdict = verdict, Actor = "otto", At = Now };
    }

    [Test]
    public async Task Should_look_at_a_deferred_lead_when_it_is_due_and_at_a_finished_one_no_more()
    {
        var (deferred, ended) = (await PlannedAsync(null), await PlannedAsync(null));

        _ = await store.ApplyAsync(deferred, new SagaMessage.StageDeferred(1, LeadStage.Execution, Now.AddMinutes(10), true, "later"), []);
        _ = await store.ApplyAsync(ended, new SagaMessage.PlanEnded(1, 0, LeadStatus.Completed, null), []);

        await using var db = Database.Open();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((await db.Leads.SingleAsync(l => l.Id == deferred.Saga.LeadId)).SweepAt, Is.EqualTo(Now.AddMinutes(10)));
            Assert.That((await db.Leads.SingleAsync(l => l.Id == ended.Saga.LeadId)).SweepAt, Is.Null);
        }
    }

    [Test]
    public async Task Should_look_at_a_lead_that_is_under_way_at_the_next_of_few_moments()
    {
        var moments = new HashSet<DateTimeOffset>();
        for (var seconds = 0; seconds < 60; seconds++)
        {
            var now = Now.AddSeconds(seconds);
            await using var late = NewStore(now);
            var lead = ALead();
            _ = await late.AddAsync(lead, Received, []);
            await using var db = Database.Open();
            var look = (await db.Leads.SingleAsync(l => l.Id == lead.LeadId)).SweepAt!.Value;
            Assert.That(look - now, Is.InRange(late.ResendAfter, late.ResendAfter * 1.25));
            moments.Add(look);
        }

        Assert.That(moments, Has.Count.LessThanOrEqualTo(3), "a change of a lead seldom changes it");
    }

    [Test]
    public async Task Should_keep_the_chain_sound_over_several_stores()
    {
        var lead = ALead();
        _ = await store.AddAsync(lead, Received, []);
        await using var other = NewStore();
        var (mine, yours) = ((await store.LoadAsync(lead.LeadId))!, (await other.LoadAsync(lead.LeadId))!);

        for (var i = 0; i < 5; i++)
            await Task.WhenAll(store.ApplyAsync(mine, new SagaMessage.Noted(), Received), other.ApplyAsync(yours, new SagaMessage.Noted(), Received));

        await using var db = Database.Open();
        var row = await db.Leads.SingleAsync(l => l.Id == lead.LeadId);
        Assert.That(AuditChain.Verify(await db.AuditEvents.Where(a => a.LeadId == lead.LeadId).OrderBy(a => a.Seq).ToListAsync(), 11, row.AuditHead), Is.Null);
    }

    [TestCase("UPDATE audit_events SET actor = 'nobody'")]
    [TestCase("DELETE FROM audit_events")]
    public async Task Should_be_refused_by_the_database_to_touch_the_audit(string sql)
    {
        _ = await store.AddAsync(ALead(), Received, []);

        Assert.That(async () => await Database.ExecuteAsync(sql), Throws.Exception.With.Message.Contains("append-only"));
    }

    private async Task<LeadWork> PlannedAsync(string? email)
    {
        var (work, _) = await store.AddAsync(ALead(email), Received, []);
        _ = await store.ApplyAsync(work!, new SagaMessage.AnalysisEnded(1, LeadStatus.Analyzed, null), []);
        return work!;
    }

    private LeadStore NewStore(DateTimeOffset? now = null) => new(Database.Sql, new LeadCommitter(Database.Sql), Cipher, new NoSink(), new FakeTimeProvider(now ?? Now));
}
