using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tests.Crm;

/// <summary>One run of a plan as the worker would carry it: it keeps the ledger and asks again, as often as it takes.</summary>
internal sealed class ConformanceRun
{
    private static readonly ToolRegistry Tools = ToolRegistry.Default();
    private static readonly Func<IReadOnlyList<string>, Task<IReadOnlySet<string>>> NoOthers = _ => Task.FromResult<IReadOnlySet<string>>(new HashSet<string>());
    private readonly ICrmUnderTest crm;
    private PlanRun run;

    public ConformanceRun(ICrmUnderTest crm, Guid leadId, int number, string email, IEnumerable<PlanStep> steps)
    {
        this.crm = crm;
        var plan = new ActionPlan
        {
            Status = PlanStatus.Planned,
            Policy = new PolicyIdentity("conformance", "hash"),
            PlanHash = "hash",
            Steps = [.. steps.Select((s, i) => s with { Index = i })],
        };
        run = PlanRun.New(leadId, number, email, plan);
    }

    /// <summary>Happens once, between the reading and the writing.</summary>
    public Func<Task>? BeforeWrite { get; set; }

    /// <summary>Happens once, before a plan that failed is undone.</summary>
    public Func<Task>? BeforeUndo { get; set; }

    /// <summary>Batches that were made durable before they were sent.</summary>
    public List<IReadOnlyList<string>> Epochs { get; } = [];

    /// <summary>The ledger.</summary>
    public IReadOnlyList<StepEffect> Effects => run.Effects;

    public StepEffect Effect(string step) => run.Effects.Single(e => e.Step.Id == step);

    /// <summary>The record that a step made or wrote to.</summary>
    public string Record(string step) => Effect(step).RecordId ?? throw new InvalidOperationException($"{step} has no record: {Effect(step).State.Name()}, {Effect(step).Error}");

    /// <summary>A step of a plan; each is called as its tool unless it has to have a name of its own.</summary>
    public static PlanStep Step(string tool, string arguments, bool critical = false, string? id = null) => new()
    {
        Id = id ?? tool,
        Index = 0,
        Tool = tool,
        Critical = critical,
        Compensation = Tools.Find(tool)!.Compensation,
        Arguments = JsonNode.Parse(arguments)!.AsObject(),
    };

    /// <summary>Our external key, of a shape that every CRM takes.</summary>
    public static string Key(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..32];

    /// <summary>Delivers until the plan has ended. A deferral only makes it take longer.</summary>
    public async Task<PlanOutcome> ToTheEndAsync()
    {
        for (var delivery = 0; delivery < 10; delivery++)
        {
            var outcome = await DeliverAsync();
            if (outcome is not PlanOutcome.NotNow notNow)
                return outcome;
            crm.Time.Advance(notNow.RetryAfter ?? TimeSpan.FromMinutes(2));
        }
        throw new InvalidOperationException("the plan does not come to an end");
    }

    /// <summary>One delivery of the command: until the plan ends or has to wait.</summary>
    public async Task<PlanOutcome> DeliverAsync()
    {
        // What was stored has no writes in it; within a delivery the worker goes on with what it has in memory.
        run = run with { Effects = [.. run.Effects.Select(e => e with { Writes = [] })] };
        for (var decisions = 0; decisions < 6; decisions++)
        {
            var executor = new PlanExecutor(Tools, crm.Crm, crm.Time, new InPlaceRetry { BaseDelay = TimeSpan.Zero, MaxDelay = TimeSpan.Zero }, Key);
            var outcome = await executor.PrepareAsync(run, CancellationToken.None);
            if (outcome is PlanOutcome.Prepared)
            {
                var sent = run with { Effects = [.. outcome.Effects.Select(e => e.Writes.Count > 0 ? e with { State = EffectState.Sent } : e)] };
                Epochs.Add([.. sent.Effects.Where(e => e.Writes.Count > 0).Select(e => e.Step.Id)]);
                Store(sent.Effects);
                await OnceAsync(BeforeWrite);
                BeforeWrite = null;
                outcome = await executor.WriteAsync(sent, CancellationToken.None);
            }
            Store(outcome.Effects);
            if (outcome is PlanOutcome.Again)
                continue;
            if (outcome is not PlanOutcome.Failed)
                return outcome;
            await OnceAsync(BeforeUndo);
            BeforeUndo = null;
            outcome = await executor.UndoAsync(run, NoOthers, CancellationToken.None);
            Store(outcome.Effects);
            return outcome;
        }
        throw new InvalidOperationException("the plan is decided again and again");
    }

    private static Task OnceAsync(Func<Task>? act) => act?.Invoke() ?? Task.CompletedTask;

    private void Store(IReadOnlyList<StepEffect> effects)
    {
        crm.Crashes.Pass();
        run = run with { Effects = effects };
        crm.Crashes.Pass();
    }
}
