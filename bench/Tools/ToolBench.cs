using System.Diagnostics;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Mock;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.MockCrm;
using LeadPipeline.Worker.Storage.Sql;
using Microsoft.EntityFrameworkCore;

namespace LeadPipeline.Bench.Tools;

/// <summary>What one call of a tool costs, in the process that makes it.</summary>
/// <param name="Tool">The tool.</param>
/// <param name="OwnMicroseconds">CPU without the CRM's store: read asked, decided, written, settled, through the guards.</param>
/// <param name="OwnBytes">Bytes allocated for that.</param>
/// <param name="AllMicroseconds">CPU with the mock CRM's tables in SQLite, one call after the other.</param>
/// <param name="AllBytes">Bytes allocated for that.</param>
internal sealed record ToolCost(string Tool, double OwnMicroseconds, double OwnBytes, double AllMicroseconds, double AllBytes);

/// <summary>
/// Calls each tool many times through the one path that there is, executor and guards included, on the mock CRM: first with its tables, for a new
/// person each time, then again with a store that only repeats what the first call was answered.
/// </summary>
internal sealed class ToolBench(SqlDatabase database) : IAsyncDisposable
{
    private readonly ToolRegistry tools = ToolRegistry.Default();
    private readonly MockCrmStore store = new(database, TimeProvider.System);

    public static async Task<IReadOnlyList<ToolCost>> RunAsync(int calls)
    {
        using var folder = new TempFolder();
        var connection = $"Data Source={Path.Combine(folder.Path, "crm.db")};Default Timeout=20";
        await using var database = new SqliteDatabase(connection);
        await Migrator.MigrateAsync(database, CancellationToken.None);
        await using var bench = new ToolBench(database);
        await bench.store.SeedAsync(CancellationToken.None);
        if (ToolRow.All.Select(r => r.Tool).Except(bench.tools.All.Select(t => t.Name)).Concat(bench.tools.All.Select(t => t.Name).Except(ToolRow.All.Select(r => r.Tool))).FirstOrDefault() is { } odd)
            throw new InvalidOperationException($"The bench and the registry do not have the same tools: {odd}.");
        // Once for the compiler, then for the figures.
        foreach (var row in ToolRow.All)
            _ = await bench.MeasureAsync(row, "warm" + row.Tool, Math.Min(calls, 100));
        var costs = new List<ToolCost>();
        foreach (var row in ToolRow.All)
            costs.Add(await bench.MeasureAsync(row, row.Tool, calls));
        return costs;
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private async Task<ToolCost> MeasureAsync(ToolRow row, string name, int count)
    {
        var users = await store.ListAsync(CrmObject.User, 2, CancellationToken.None);
        var campaign = (await store.ListAsync(CrmObject.Campaign, 1, CancellationToken.None))[0].Id;
        var made = Enumerable.Range(0, count).Select(n => ToolWorld.New(name, n, users[0].Id, users[1].Id, campaign, RecordIds.For)).ToList();
        await Task.WhenAll(made.Select(m => store.WriteAsync(new CrmBatch(m.World.LeadId, m.World.Email, m.Records, new HashSet<string>()), CancellationToken.None)));
        var runs = made.ConvertAll(m => PlanRun.New(m.World.LeadId, 1, m.World.Email, row.Plan(tools, m.World)));

        var recorded = new RecordedStore(store);
        await CallAsync(Executor(recorded), runs[0]);
        var all = await CostAsync(count - 1, Executor(store), n => runs[n + 1]);
        recorded.Repeat();
        var (repeated, rounds) = (Executor(recorded), count * 10);
        _ = await CostAsync(rounds, repeated, _ => runs[0]);
        var own = await CostAsync(rounds, repeated, _ => runs[0]);
        return new ToolCost(row.Tool, own.Microseconds, own.Bytes, all.Microseconds, all.Bytes);
    }

    private PlanExecutor Executor(IMockCrmStore of) => new(
        tools, new GuardedCrm(new MockCrm(of, MockFaults.None, () => TimeSpan.Zero, TimeProvider.System), new CrmGuardSettings(), TimeProvider.System),
        TimeProvider.System, new InPlaceRetry(), text => "key:" + text);

    private static async Task<(double Microseconds, double Bytes)> CostAsync(int count, PlanExecutor executor, Func<int, PlanRun> run)
    {
        GC.Collect();
        var (cpu, bytes) = (Environment.CpuUsage.TotalTime, GC.GetTotalAllocatedBytes(precise: true));
        for (var n = 0; n < count; n++)
            await CallAsync(executor, run(n));
        return ((Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / count, (GC.GetTotalAllocatedBytes(precise: true) - bytes) / (double)count);
    }

    /// <summary>Read, decide, write, as for a plan of one step. The ledger's commits are the pipeline's and not in it.</summary>
    private static async Task CallAsync(PlanExecutor executor, PlanRun run)
    {
        var outcome = await executor.PrepareAsync(run, CancellationToken.None);
        if (outcome is PlanOutcome.Prepared)
            outcome = await executor.WriteAsync(run with { Effects = [.. outcome.Effects.Select(e => e with { State = EffectState.Sent })] }, CancellationToken.None);
        if (outcome is not PlanOutcome.Finished || outcome.Effects.Any(e => e.State is not (EffectState.Confirmed or EffectState.Unchanged)))
            throw new UnreachableException($"{run.Effects[0].Step.Tool} ended as {outcome.GetType().Name}: {outcome.Effects[0].Error} {outcome.Effects[0].Warning}");
    }

    /// <summary>Passes on and remembers; then repeats.</summary>
    private sealed class RecordedStore(IMockCrmStore inner) : IMockCrmStore
    {
        private readonly List<object> answers = [];
        private bool repeating;
        private int next;

        public void Repeat() => repeating = true;

        public Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken) => AnswerAsync(() => inner.ReadAsync(query, cancellationToken));

        public Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken) => AnswerAsync(() => inner.WriteAsync(batch, cancellationToken));

        public bool IsTransient(Exception exception) => inner.IsTransient(exception);

        private Task<T> AnswerAsync<T>(Func<Task<T>> ask)
        {
            if (!repeating)
            {
                var answer = ask();
                answers.Add(answer);
                return answer;
            }
            return (Task<T>)answers[next++ % answers.Count];
        }
    }
}
