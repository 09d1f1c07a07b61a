using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Mock;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Execution;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.MockCrm;
using LeadPipeline.Worker.Storage.Sql;
using LeadPipeline.Worker.Tests.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Tests.Execution;

[TestFixture]
public sealed class When_a_plan_is_executed : PlannedLeads
{
    [Test]
    public async Task Should_complete_with_every_effect_confirmed()
    {
        var work = await PlannedAsync();

        await HandleAsync(work, "");
        await HandleAsync(work, "");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await StatusAsync(work), Is.EqualTo((LeadStatus.Completed, (string?)null)));
            Assert.That((await Store.EffectsAsync(work.Saga.LeadId, 1, CancellationToken.None)).Select(e => e.State), Is.EqualTo(new[] { "confirmed", "confirmed" }));
            Assert.That((await FindAsync(work)).Leads, Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_be_compensated_when_a_critical_step_is_refused()
    {
        var work = await PlannedAsync();

        await HandleAsync(work, "create_task=permanent@1");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await StatusAsync(work), Is.EqualTo((LeadStatus.Compensated, CrmCodes.Permanent)));
            Assert.That((await FindAsync(work)).Leads, Is.Empty);
            Assert.That(await ChainAsync(work), Is.Null);
        }
    }

    [Test]
    public async Task Should_go_on_after_a_deferral_with_what_was_done()
    {
        var work = await PlannedAsync();
        await HandleAsync(work, "create_task=rate_limited@1");
        var waiting = await StatusAsync(work);
        Time.Advance(TimeSpan.FromMinutes(1));

        await HandleAsync(work, "");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(waiting, Is.EqualTo((LeadStatus.Deferred, "crm-rate-limited")));
            Assert.That(await StatusAsync(work), Is.EqualTo((LeadStatus.Completed, (string?)null)));
            Assert.That((await FindAsync(work)).Leads, Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_tell_of_a_lost_answer_what_was_not_there_and_what_was_sent_again()
    {
        var work = await PlannedAsync();

        await HandleAsync(work, new Lossy(new MockCrm(Records, MockFaults.None, () => TimeSpan.Zero, Time)));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await StatusAsync(work), Is.EqualTo((LeadStatus.Completed, (string?)null)));
            Assert.That(await KindsAsync(work), Is.EqualTo(new[]
            {
                "intake.received", "execution.started", "tool.unknown", "tool.unknown", "tool.resolved", "tool.resolved", "execution.started", "tool.completed", "tool.completed", "execution.completed",
            }));
            Assert.That((await FindAsync(work)).Leads, Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_tell_of_a_worker_that_died_what_was_not_there()
    {
        var work = await PlannedAsync();
        await DieAsync(work);
        var dead = (await Store.LoadAsync(work.Saga.LeadId))!.Saga;

        await HandleAsync(work, "");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(dead.Owner, Is.Not.Null, "the epoch is still open");
            Assert.That(await StatusAsync(work), Is.EqualTo((LeadStatus.Completed, (string?)null)));
            Assert.That((await KindsAsync(work)).Count(k => k == "tool.resolved"), Is.EqualTo(2));
        }
    }

    [Test]
    public async Task Should_undo_only_when_the_calls_of_a_worker_that_died_can_no_longer_be_carried_out()
    {
        var work = await PlannedAsync();
        await DieAsync(work);
        Time.Advance(TimeSpan.FromSeconds(30));
        var refusing = new MockCrm(Records, MockFaults.Parse("create_task=permanent@1"), () => TimeSpan.Zero, Time);

        await HandleAsync(work, refusing, settle: TimeSpan.FromMinutes(2));
        var waiting = (await Store.LoadAsync(work.Saga.LeadId))!.Saga;
        var kept = (await FindAsync(work)).Leads.Count;
        Time.Advance(TimeSpan.FromMinutes(2));
        await HandleAsync(work, refusing, settle: TimeSpan.FromMinutes(2));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((waiting.Status, waiting.Reason, waiting.Failures), Is.EqualTo((LeadStatus.Deferred, "crm-settling", 0)));
            Assert.That(waiting.DueAt, Is.EqualTo(Time.GetUtcNow()).Within(TimeSpan.FromMilliseconds(1)));
            Assert.That(kept, Is.EqualTo(1), "what stands holds its key");
            Assert.That(await StatusAsync(work), Is.EqualTo((LeadStatus.Compensated, CrmCodes.Permanent)));
            Assert.That((await FindAsync(work)).Leads, Is.Empty);
            Assert.That(await ChainAsync(work), Is.Null);
        }
    }

    [Test]
    public async Task Should_give_the_lead_back_when_the_attempt_ends_by_a_fault()
    {
        var work = await PlannedAsync();

        Assert.That(async () => await HandleAsync(work, new Faulty()), Throws.TypeOf<InvalidOperationException>());
        var back = (await Store.LoadAsync(work.Saga.LeadId))!.Saga;
        var unanswered = (await Store.EffectsAsync(work.Saga.LeadId, 1, CancellationToken.None)).ConvertAll(e => e.State);
        await HandleAsync(work, "");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((back.Status, back.Reason, back.Owner), Is.EqualTo((LeadStatus.Deferred, "unexpected:InvalidOperationException", (int?)null)));
            Assert.That(back.DueAt, Is.LessThanOrEqualTo(Time.GetUtcNow()), "whoever has the command next goes on");
            Assert.That(unanswered, Is.All.EqualTo("unknown"));
            Assert.That(await StatusAsync(work), Is.EqualTo((LeadStatus.Completed, (string?)null)));
            Assert.That((await FindAsync(work)).Leads, Has.Count.EqualTo(1));
            Assert.That(await ChainAsync(work), Is.Null);
        }
    }

    [Test]
    public async Task Should_undo_only_when_the_calls_of_an_attempt_that_ended_by_a_fault_can_no_longer_be_carried_out()
    {
        var work = await PlannedAsync();
        Assert.That(async () => await HandleAsync(work, new Faulty()), Throws.TypeOf<InvalidOperationException>());

        await HandleAsync(work, new MockCrm(Records, MockFaults.Parse("create_task=permanent@1"), () => TimeSpan.Zero, Time), settle: TimeSpan.FromMinutes(2));

        Assert.That(await StatusAsync(work), Is.EqualTo((LeadStatus.Deferred, "crm-settling")));
    }

    [Test]
    public async Task Should_undo_a_plan_that_became_a_dead_letter_in_the_middle_only_when_its_calls_can_no_longer_be_carried_out()
    {
        var work = await PlannedAsync();
        await DieAsync(work);
        var dead = (await Store.LoadAsync(work.Saga.LeadId))!;
        _ = await Store.ApplyAsync(dead, new SagaMessage.StageFailed(1, LeadStage.Execution, "unexpected:Exception", dead.Saga.Epoch), []);
        _ = await Store.ApplyAsync(dead, new SagaMessage.RunContinued(1, LeadStage.Execution), []);

        await HandleAsync(work, new MockCrm(Records, MockFaults.Parse("create_task=permanent@1"), () => TimeSpan.Zero, Time), settle: TimeSpan.FromMinutes(2));

        Assert.That(await StatusAsync(work), Is.EqualTo((LeadStatus.Deferred, "crm-settling")));
    }

    [Test]
    public async Task Should_leave_a_record_that_another_lead_of_the_person_was_completed_with_meanwhile()
    {
        var first = await PlannedAsync();
        var second = await PlannedAsync(email: first.Lead.Email);
        await HandleAsync(first, "create_task=rate_limited@1");
        await HandleAsync(second, "");

        Time.Advance(TimeSpan.FromMinutes(1));
        await HandleAsync(first, "create_task=permanent@1");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await StatusAsync(second), Is.EqualTo((LeadStatus.Completed, (string?)null)));
            Assert.That(await StatusAsync(first), Is.EqualTo((LeadStatus.NeedsReview, "compensation-incomplete")));
            Assert.That((await FindAsync(first)).Leads, Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_convert_in_an_epoch_of_its_own_and_say_so_first()
    {
        var work = await PlannedAsync(converting: true);

        await HandleAsync(work, "");

        var effects = await Store.EffectsAsync(work.Saga.LeadId, 1, CancellationToken.None);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(await StatusAsync(work), Is.EqualTo((LeadStatus.Completed, (string?)null)), string.Join("; ", effects.Select(e => e.Error)));
            Assert.That(effects.Select(e => e.State), Is.All.EqualTo("confirmed"));
            Assert.That((await KindsAsync(work)).TakeLast(5), Is.EqualTo(new[] { "tool.completed", "execution.started", "tool.started", "tool.completed", "execution.completed" }));
            Assert.That((await Store.LoadAsync(work.Saga.LeadId))!.Saga.Epoch, Is.EqualTo(2));
            Assert.That((await FindAsync(work)).Leads.Single()[CrmFields.ConvertedContact], Is.Not.Null);
            Assert.That(await ChainAsync(work), Is.Null);
        }
    }

    [Test]
    public async Task Should_leave_the_lead_to_the_worker_that_took_it_over()
    {
        var work = await PlannedAsync();
        // While the first worker writes, another takes it for dead and opens an epoch of its own.
        var crm = new Interrupted(new MockCrm(Records, MockFaults.Parse("create_task=permanent@1"), () => TimeSpan.Zero, Time), async () =>
        {
            var other = (await Store.LoadAsync(work.Saga.LeadId))!;
            _ = await Store.ApplyAsync(other, new SagaMessage.EpochOpened(1, 1, 99), []);
        });

        await HandleAsync(work, crm);

        var saga = (await Store.LoadAsync(work.Saga.LeadId))!.Saga;
        using (Assert.EnterMultipleScope())
        {
            Assert.That((saga.Status, saga.Epoch, saga.Owner), Is.EqualTo((LeadStatus.Executing, 2, (int?)99)));
            Assert.That((await Store.EffectsAsync(work.Saga.LeadId, 1, CancellationToken.None)).Select(e => e.State), Is.All.EqualTo("sent"), "the ledger is the other one's now");
            Assert.That((await FindAsync(work)).Leads, Has.Count.EqualTo(1), "and so is the undoing");
        }
    }

    private Task HandleAsync(LeadWork work, string faults) => HandleAsync(work, new MockCrm(Records, MockFaults.Parse(faults), () => TimeSpan.Zero, Time));

    private async Task HandleAsync(LeadWork work, ICrm crm, TimeSpan settle = default)
    {
        await using var worker = new OnlyWorker(Database.Sql, Time);
        await worker.StartAsync(CancellationToken.None);
        await Handler(crm, worker, settle).HandleAsync(new StageCommand(work.Saga.LeadId, LeadStage.Execution, 1, 0), CancellationToken.None);
    }

    private Task<LeadWork> PlannedAsync(bool converting = false, string? email = null)
    {
        PlanStep[] conversion =
        [
            Step(2, "match_account", new JsonObject { ["leadId"] = "$steps.upsert_lead.recordId", ["company"] = $"Conversion {Guid.NewGuid():N}", ["createIfMissing"] = true }),
            Step(3, "convert_lead", new JsonObject { ["leadId"] = "$steps.upsert_lead.recordId", ["accountId"] = "$steps.match_account.recordId" }),
        ];
        return PlannedAsync(lead =>
        [
            new PlanStep { Id = "upsert_lead", Index = 0, Tool = "upsert_lead", Critical = true, Compensation = Compensation.Withdraw, Arguments = new JsonObject { ["email"] = lead.Email, ["lastName"] = "Lovelace", ["company"] = "Analytical Engines", ["owner"] = "sam" } },
            new PlanStep { Id = "create_task", Index = 1, Tool = "create_task", Critical = true, Compensation = Compensation.Cancel, Arguments = new JsonObject { ["leadId"] = "$steps.upsert_lead.recordId", ["subject"] = "Call", ["dueDate"] = "2026-03-04" } },
            .. converting ? conversion : [],
        ], email);
    }

    private static PlanStep Step(int index, string tool, JsonObject arguments) =>
        new() { Id = tool, Index = index, Tool = tool, Critical = false, Compensation = ToolRegistry.Default().Find(tool)!.Compensation, Arguments = arguments };

    /// <summary>The first write is not carried out and has no answer.</summary>
    private sealed class Lossy(ICrm inner) : ICrm
    {
        private bool lost;

        public string Provider => inner.Provider;

        public Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken) => inner.ReadAsync(query, cancellationToken);

        public Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken)
        {
            if (lost)
                return inner.WriteAsync(batch, cancellationToken);
            lost = true;
            return Task.FromResult<IReadOnlyList<CrmOutcome>>([.. batch.Writes.Select(_ => new CrmOutcome.Unknown("no answer"))]);
        }
    }

    /// <summary>A worker ends with its first write: nothing of it goes on any more.</summary>
    private async Task DieAsync(LeadWork work)
    {
        var crm = new Deadly();
        _ = HandleAsync(work, crm);
        await crm.Called.WaitAsync(Eventually.Patience);
    }

    private sealed class Deadly : ICrm
    {
        private readonly TaskCompletionSource called = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Provider => "deadly";

        public Task Called => called.Task;

        public Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken) => Task.FromResult(new CrmView());

        public async Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken)
        {
            called.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, CancellationToken.None);
            return [];
        }
    }

    /// <summary>Writing meets a fault that nobody has thought of.</summary>
    private sealed class Faulty : ICrm
    {
        public string Provider => "faulty";

        public Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken) => Task.FromResult(new CrmView());

        public Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken) => throw new InvalidOperationException("surprise");
    }
}
