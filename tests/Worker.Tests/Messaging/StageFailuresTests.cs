using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm.Mock;
using LeadPipeline.Worker.Messaging;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Tests.Execution;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;

namespace LeadPipeline.Worker.Tests.Messaging;

[TestFixture]
public sealed class StageFailuresTests : PlannedLeads
{
    [Test]
    public async Task Should_leave_a_lead_that_a_living_worker_has_in_hand()
    {
        var work = await HeldAsync(owner: 7);

        await RecordAsync(work, living: 7);

        await using var db = Database.Open();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(await StatusAsync(work), Is.EqualTo((LeadStatus.Executing, (string?)null)));
            Assert.That(await db.DeadLetters.AnyAsync(d => d.LeadId == work.Saga.LeadId), Is.False);
        }
    }

    [Test]
    public async Task Should_make_a_dead_letter_of_a_lead_whose_worker_is_gone()
    {
        var work = await HeldAsync(owner: 7);

        await RecordAsync(work, living: 8);

        await using var db = Database.Open();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(await StatusAsync(work), Is.EqualTo((LeadStatus.DeadLettered, "unexpected:InvalidOperationException")));
            Assert.That(await db.DeadLetters.CountAsync(d => d.LeadId == work.Saga.LeadId), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_make_a_dead_letter_of_a_lead_that_this_worker_could_not_give_back()
    {
        var work = await HeldAsync(owner: 7);

        await RecordAsync(work, living: 8, me: 7);

        Assert.That(await StatusAsync(work), Is.EqualTo((LeadStatus.DeadLettered, "unexpected:InvalidOperationException")));
    }

    [Test]
    public async Task Should_leave_a_lead_that_waits_for_its_time()
    {
        var work = await HeldAsync(owner: 7);
        _ = await Store.ApplyAsync(work, new SagaMessage.StageDeferred(1, LeadStage.Execution, Time.GetUtcNow() + TimeSpan.FromDays(1), Failed: false, "approval-required", work.Saga.Epoch), []);

        await RecordAsync(work, living: 8);

        Assert.That(await StatusAsync(work), Is.EqualTo((LeadStatus.Deferred, "approval-required")), "another copy of the command has put it off");
    }

    private async Task<LeadWork> HeldAsync(int owner)
    {
        var work = await PlannedAsync(lead => []);
        _ = await Store.ApplyAsync(work, new SagaMessage.EpochOpened(1, 0, owner), []);
        return work;
    }

    private Task RecordAsync(LeadWork work, int living, int me = 1)
    {
        var worker = new Living(me, living);
        return new StageFailures(Store, new LeadGate(), worker, Time, NullLogger<StageFailures>.Instance)
            .RecordAsync(new StageCommand(work.Saga.LeadId, LeadStage.Execution, 1, 0), new InvalidOperationException("surprise"));
    }

    private sealed class Living : WorkerIdentity
    {
        private readonly int living;

        public Living(int id, int living) => (Id, this.living) = (id, living);

        public override Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override Task<bool> IsAliveAsync(int worker, CancellationToken cancellationToken) => Task.FromResult(worker == Id || worker == living);

        public override Task<bool> IsAnyAliveAsync(CancellationToken cancellationToken) => Task.FromResult(true);

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
