using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Mock;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Reviews;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.MockCrm;
using LeadPipeline.Worker.Tests.Storage;
using Microsoft.EntityFrameworkCore;

namespace LeadPipeline.Worker.Tests.CrashPoints;

/// <summary>A plan is handed to a person while a call of it has no answer, and the person lets it go on at once.</summary>
[TestFixture]
public sealed class When_a_call_of_an_earlier_run_comes_late : StorageFixture<SqliteStorage>
{
    private static readonly TimeSpan SettleTime = TimeSpan.FromMinutes(2);

    [Test]
    public async Task Should_wait_until_it_can_come_no_more()
    {
        var time = new FakeTimeProvider(Now);
        await using var records = new MockCrmStore(Database.Sql, time);
        var crm = new Late(new MockCrm(records, MockFaults.None, () => TimeSpan.Zero, time));
        await using var worker = Worker(crm, time);

        var halted = await HaltedAsync(worker, "late.example");
        // The person sees to it that there is one account, and lets the lead go on.
        await crm.RemoveSecondAsync();
        var approved = await worker.Get<ReviewOperations>().ApproveAsync(new ReviewId(halted.Id, 1), "One of them was a copy.", new ReviewCorrections(), "ada", CancellationToken.None);
        await worker.HandleAsync(new StageCommand(halted.Id, LeadStage.Analysis, 2, 0));
        var waiting = await LeadAsync(halted.Id);
        await crm.CarryOutAsync();
        time.Advance(SettleTime);
        await worker.HandleAsync(new StageCommand(halted.Id, LeadStage.Analysis, 2, waiting.Attempt));

        var effects = await Database.TextsAsync($"SELECT step || ' ' || state FROM effects WHERE run = 2 AND effect_key LIKE '{halted.Id:N}%'");
        using (Assert.EnterMultipleScope())
        {
            Assert.That((halted.Status, halted.Reason), Is.EqualTo(("NeedsReview", CrmCodes.Ambiguous)));
            Assert.That(approved, Is.TypeOf<OperatorAnswer.Done>());
            Assert.That((waiting.Status, waiting.Reason, waiting.DueAt), Is.EqualTo(("Deferred", PlanOutcome.NotNow.Settling, (DateTimeOffset?)(Now + SettleTime))));
            Assert.That((await LeadAsync(halted.Id)).Status, Is.EqualTo("Completed"));
            Assert.That(effects, Has.Member("create_task unchanged"));
            Assert.That(await Database.TextsAsync($"SELECT COUNT(*) FROM crm_tasks WHERE effect_key LIKE '{halted.Id:N}%'"), Is.EqualTo(new[] { "1" }));
        }
    }

    [Test]
    public async Task Should_wait_as_well_when_everything_is_to_be_done_once_more()
    {
        var time = new FakeTimeProvider(Now);
        await using var records = new MockCrmStore(Database.Sql, time);
        await using var worker = Worker(new Late(new MockCrm(records, MockFaults.None, () => TimeSpan.Zero, time)), time);

        var halted = await HaltedAsync(worker, "again.example");
        var replayed = await worker.Get<LeadOperations>().ReplayAsync(halted.Id, again: true, "ada", CancellationToken.None);
        await worker.HandleAsync(new StageCommand(halted.Id, LeadStage.Analysis, 2, 0));

        var waiting = await LeadAsync(halted.Id);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(replayed, Is.TypeOf<OperatorAnswer.Done>());
            Assert.That((waiting.Status, waiting.Reason), Is.EqualTo(("Deferred", PlanOutcome.NotNow.Settling)), "a contact has no key of the person");
        }
    }

    private PaperWorker Worker(ICrm crm, TimeProvider time) =>
        new(new PaperWorld(Database.Sql, crm, Cipher, time, new MadeRecords(), IsRemote: false, HandOver: 8) { SettleTime = SettleTime }, new DoomedProcess());

    /// <summary>A lead whose plan a person is asked about.</summary>
    private async Task<LeadRow> HaltedAsync(PaperWorker worker, string domain)
    {
        await worker.HandleAsync(new LeadSubmitted { Lead = JsonSerializer.SerializeToElement(CrashPath.Hot($"kim@{domain}")), Door = "api", Trusted = true, AcceptedAt = Now });
        await using var db = Database.Open();
        return await LeadAsync((await db.Leads.SingleAsync(l => l.RecordKey == Cipher.RecordKey($"kim@{domain}"))).Id);
    }

    private async Task<LeadRow> LeadAsync(Guid id)
    {
        await using var db = Database.Open();
        return await db.Leads.AsNoTracking().SingleAsync(l => l.Id == id);
    }

    /// <summary>Nobody hears of what came of the first call, and its task is made later; meanwhile there are two accounts of the company.</summary>
    private sealed class Late(ICrm inner) : ICrm
    {
        private CrmBatch? late;
        private string? second;

        public string Provider => inner.Provider;

        public Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken) => inner.ReadAsync(query, cancellationToken);

        public async Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken)
        {
            if (late is not null)
                return await inner.WriteAsync(batch, cancellationToken);
            late = batch with { Writes = [.. batch.Writes.Where(w => w.Tool is "upsert_lead" or "create_task")] };
            _ = await inner.WriteAsync(batch with { Writes = [.. batch.Writes.Where(w => w.Tool == "upsert_lead")] }, cancellationToken);
            var accounts = await inner.WriteAsync(new CrmBatch(batch.LeadId, "x@x.example", [Account(batch, 1), Account(batch, 2)], new HashSet<string>()), cancellationToken);
            second = ((CrmOutcome.Done)accounts[1]).RecordId;
            return [.. batch.Writes.Select(_ => new CrmOutcome.Unknown("no answer"))];
        }

        /// <summary>The CRM gets round to it.</summary>
        public Task CarryOutAsync() => inner.WriteAsync(late!, CancellationToken.None);

        public Task RemoveSecondAsync() =>
            inner.WriteAsync(new CrmBatch(Guid.Empty, "x@x.example", [new RemoveRecord("people", "people", CrmObject.Account, second!, null)], new HashSet<string>()), CancellationToken.None);

        private static CreateRecord Account(CrmBatch of, int number) =>
            new($"people{number}", "people", CrmObject.Account, $"people{number}.{of.Email}", null, new Dictionary<string, string> { [CrmFields.Name] = $"Late {number}", [CrmFields.Domain] = of.Email.Split('@')[1] });
    }
}
