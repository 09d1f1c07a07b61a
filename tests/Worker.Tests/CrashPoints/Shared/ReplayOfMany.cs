using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Mock;
using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.MockCrm;
using LeadPipeline.Worker.Tests.Storage;
using Microsoft.EntityFrameworkCore;

namespace LeadPipeline.Worker.Tests.CrashPoints;

/// <summary>
/// A thousand leads whose worker dies while half of each plan is in the CRM; whose next worker is refused by the CRM, so that all of them become dead letters; and which are then
/// replayed by a job whose worker is replaced in the middle.
/// </summary>
public abstract class ReplayOfMany<TDatabase> : StorageFixture<TDatabase>
    where TDatabase : StorageDatabase, new()
{
    private const int Leads = 1000;

    [Test]
    [CancelAfter(600_000)]
    public async Task Should_make_no_duplicate(CancellationToken cancellationToken)
    {
        await using var records = new MockCrmStore(Database.Sql, TimeProvider.System);
        var crm = new MockCrm(records, MockFaults.None, () => TimeSpan.Zero, TimeProvider.System);
        var world = new PaperWorld(Database.Sql, crm, Cipher, TimeProvider.System, new MadeRecords(), IsRemote: false, HandOver: Leads);

        var doomed = new DoomedProcess();
        await using (var first = new PaperWorker(world with { Crm = new HalfwayCrm(crm, Leads, doomed) }, doomed))
            await Task.WhenAll(Enumerable.Range(0, Leads).Select(i => DieAsync(first, Submitted(i))));
        world.Workers = 1;
        await using (var second = new PaperWorker(world with { Crm = new RefusingCrm() }, new DoomedProcess()))
            await HandleAsync(second, await PendingAsync(), cancellationToken);
        var dead = await CountAsync("status = 'DeadLettered'");
        var halfDone = await Database.TextsAsync("SELECT COUNT(*) FROM effects WHERE state IN ('sent', 'unknown')");

        world.Workers = 2;
        ReplayProgress half;
        await using (var third = new PaperWorker(world, new DoomedProcess()))
            half = await ReplayAsync(third, keep: 300, cancellationToken);
        world.Workers = 3;
        await using var fourth = new PaperWorker(world, new DoomedProcess());
        var all = await ReplayAsync(fourth, keep: int.MaxValue, cancellationToken);

        var keys = await Database.TextsAsync("SELECT effect_key FROM crm_tasks WHERE effect_key IS NOT NULL UNION ALL SELECT effect_key FROM crm_activities WHERE effect_key IS NOT NULL UNION ALL SELECT effect_key FROM crm_opportunities WHERE effect_key IS NOT NULL");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(dead, Is.EqualTo(Leads));
            Assert.That(int.Parse(halfDone[0], System.Globalization.CultureInfo.InvariantCulture), Is.GreaterThan(Leads), "plans were in the middle");
            Assert.That(half.Next, Is.InRange(300, Leads - 1), "the first worker did not come to the end");
            Assert.That((all.Replayed, all.Completed, all.Failed, all.Stopped, all.Refused.Count), Is.EqualTo((Leads, Leads, 0, (string?)null, 0)));
            Assert.That(await CountAsync("status = 'Completed'"), Is.EqualTo(Leads));
            Assert.That(world.Made.SentAgain, Is.Empty, "nothing was sent that was there");
            Assert.That(keys, Is.Unique);
            Assert.That(keys, Has.Count.EqualTo(3 * Leads), "a task, an activity and an opportunity of each");
            Assert.That(await Database.TextsAsync("SELECT COUNT(*) FROM crm_leads"), Is.EqualTo(new[] { Leads.ToString(System.Globalization.CultureInfo.InvariantCulture) }));
        }
    }

    private static LeadSubmitted Submitted(int number)
    {
        var lead = CrashPath.Hot($"person{number}@company{number}-{Guid.NewGuid():N}.example");
        return new LeadSubmitted { Lead = JsonSerializer.SerializeToElement(lead), Door = "api", Trusted = true, AcceptedAt = DateTimeOffset.UtcNow };
    }

    private static async Task DieAsync(PaperWorker worker, LeadSubmitted lead)
    {
        try
        {
            await worker.HandleAsync(lead);
        }
        catch (Exception) when (worker.Process.HasEnded)
        {
        }
    }

    /// <summary>Carries out a job from where it is kept, beside a worker that does what it makes pending; as a worker that dies when so many have been sent on.</summary>
    private async Task<ReplayProgress> ReplayAsync(PaperWorker worker, int keep, CancellationToken cancellationToken)
    {
        var (jobs, letters, operations) = (worker.Get<ReplayJobStore>(), worker.Get<DeadLetterStore>(), worker.Get<DeadLetterOperations>());
        var job = await jobs.ListAsync(ReplayJob.Running, 1, cancellationToken) is [var begun]
            ? begun
            : await jobs.AddAsync(await letters.ListAsync("open", null, int.MaxValue, cancellationToken), new ReplayPace(Ramp: true, null, TimeSpan.FromMinutes(2)), "ada", cancellationToken);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var working = WorkAsync(worker, stop.Token);
        var progress = await operations.ReplayAsync(job.Items, job.Pace, waitForEnds: true, "ada", job.Progress, isTakenOver: job.Progress.Next > 0, async step =>
        {
            if (step.Next > keep)
                return false;
            job = await jobs.SaveAsync(job, job with { Progress = step }, cancellationToken) ?? throw new InvalidOperationException("Nobody else has it.");
            return true;
        }, cancellationToken);
        await stop.CancelAsync();
        await working;
        return progress;
    }

    private async Task WorkAsync(PaperWorker worker, CancellationToken stopped)
    {
        while (!stopped.IsCancellationRequested)
        {
            await HandleAsync(worker, await PendingAsync(), CancellationToken.None);
            await Task.Yield();
        }
    }

    private static Task HandleAsync(PaperWorker worker, IReadOnlyList<StageCommand> commands, CancellationToken cancellationToken) =>
        Parallel.ForEachAsync(commands, new ParallelOptions { MaxDegreeOfParallelism = 64, CancellationToken = cancellationToken }, async (command, _) => await worker.HandleAsync(command));

    private async Task<List<StageCommand>> PendingAsync()
    {
        await using var db = Database.Open();
        return [.. (await db.Leads.AsNoTracking().Where(l => l.Pending != null).Select(l => new { l.Id, l.Pending, l.Run, l.Attempt }).ToListAsync())
            .Select(l => new StageCommand(l.Id, l.Pending == "analysis" ? LeadStage.Analysis : LeadStage.Execution, l.Run, l.Attempt))];
    }

    private async Task<int> CountAsync(string which) => int.Parse((await Database.TextsAsync($"SELECT COUNT(*) FROM leads WHERE {which}"))[0], System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Takes the first half of every batch; when so many have come, the process ends under all of them at once.</summary>
    private sealed class HalfwayCrm(ICrm inner, int until, DoomedProcess process) : ICrm
    {
        private readonly TaskCompletionSource all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int come;

        public string Provider => inner.Provider;

        public Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken) => inner.ReadAsync(query, cancellationToken);

        public async Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken)
        {
            _ = await inner.WriteAsync(batch with { Writes = [.. batch.Writes.Take((batch.Writes.Count + 1) / 2)] }, cancellationToken);
            if (Interlocked.Increment(ref come) == until)
            {
                process.End();
                all.SetResult();
            }
            await all.Task;
            throw new ProcessEndedException("with half of a plan in the CRM");
        }
    }

    /// <summary>A CRM that does not know us any more.</summary>
    private sealed class RefusingCrm : ICrm
    {
        public string Provider => "mock";

        public Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken) => throw new CrmUnavailableException(NotNowKind.Unauthorized, "who are you");

        public Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken) => throw new InvalidOperationException("Nothing is written without a read.");
    }
}
