using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Mcp.Tests.Crm.HubSpot;
using LeadPipeline.Mcp.Tests.Crm.Salesforce;
using LeadPipeline.Mcp.Tests.Execution;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;
using Microsoft.EntityFrameworkCore;
using static LeadPipeline.Mcp.Tests.Crm.ConformanceRun;

namespace LeadPipeline.Mcp.Tests.Crm;

/// <summary>
/// Each tool that writes, on each provider, under each fault of the call that carries its write, and the process killed before and after each
/// exchange with the CRM and each storing of the ledger; then delivered again until the plan has ended. By the CRM's own count every effect is
/// there once and the ledger says so; or the CRM refused it, it is not there, and what came before it is undone.
/// </summary>
[TestFixture]
[Parallelizable]
public sealed class When_anything_fails_and_the_worker_dies_at_any_point
{
    private static readonly PlannedFault?[] Faults = [null, .. Enum.GetValues<PlannedFault>()];

    // Of the points at which the process can end, every n-th is tried, beginning at another one for each tool and fault, so that all of them
    // are tried with some tool and fault. More would only take longer.
    private static readonly Dictionary<string, int> EveryNth = new() { ["mock"] = 5, ["salesforce"] = 6, ["hubspot"] = 8 };

    private static int runs, points, cells;
    private TempFolder folder = null!;
    private SqlDatabase database = null!;

    private static IEnumerable<TestCaseData> Cases() =>
        from provider in EveryNth.Keys
        from row in MatrixRow.All
        select new TestCaseData(provider, row.Tool).SetArgDisplayNames(provider, row.Tool);

    [OneTimeSetUp]
    public async Task MakeDatabaseAsync()
    {
        folder = new TempFolder();
        var connection = $"Data Source={Path.Combine(folder.Path, "crm.db")};Pooling=False";
        database = new SqliteDatabase(connection);
        await Migrator.MigrateAsync(database, CancellationToken.None);
    }

    [OneTimeTearDown]
    public async Task SayHowMuchAsync()
    {
        await TestContext.Progress.WriteLineAsync($"{MatrixRow.All.Count} tools × {EveryNth.Count} providers × {Faults.Length} faults, {cells} of them possible; {runs} runs, {runs - cells} of them killed at one of {points} points "
            + $"(every {string.Join(", ", EveryNth.Select(n => $"{n.Value}th on {n.Key}"))})");
        await database.DisposeAsync();
        folder.Dispose();
    }

    [Test]
    public void Should_cover_every_tool_that_writes() =>
        Assert.That(MatrixRow.All.Select(r => r.Tool), Is.EquivalentTo(ToolRegistry.Default().All.Select(t => t.Name).Where(t => t != "validate_existing_fields")));

    [TestCaseSource(nameof(Cases))]
    public async Task Should_have_every_effect_once_or_not_at_all(string provider, string tool)
    {
        var row = MatrixRow.All.Single(r => r.Tool == tool);
        await using var under = provider switch
        {
            "salesforce" => await SalesforceUnderTest.StartAsync(),
            "hubspot" => await HubSpotUnderTest.StartAsync(),
            _ => (ICrmUnderTest)new MockCrmUnderTest(database),
        };
        if (tool == "convert_lead" && under.Lacks.Contains(CrmCapability.Conversion))
        {
            await AssertNotSupportedAsync(under, row);
            return;
        }
        var ended = new List<Ended>();
        foreach (var (fault, number) in Faults.Select((f, i) => (f, i)))
        {
            if (provider == "mock" && fault == PlannedFault.TokenExpired)
                continue;
            var whole = await RunAsync(under, row, fault, null);
            ended.Add(whole);
            Assert.That(fault is null || under.HasFailed, $"{fault} did not strike");
            var nth = EveryNth[provider];
            for (var point = (number + tool.Length) % nth; point < whole.Points; point += nth)
                ended.Add(await RunAsync(under, row, fault, point));
            _ = Interlocked.Add(ref points, whole.Points);
            _ = Interlocked.Increment(ref cells);
        }
        _ = Interlocked.Add(ref runs, ended.Count);

        var counted = await under.CountEffectsAsync();
        var kinds = new Dictionary<CrmObject, IReadOnlyList<CrmRecord>>();
        foreach (var kind in (CrmObject[])[row.Kind, CrmObject.Task, CrmObject.Contact])
            kinds[kind] = await under.ListAsync(kind);
        Assert.That(ended.SelectMany(e => Wrong(row, e, counted, kinds).Select(w => $"{e.Name}: {w}")), Is.Empty);
    }

    /// <summary>One plan: a task for somebody, then the step under test, which is critical.</summary>
    private static async Task<Ended> RunAsync(ICrmUnderTest under, MatrixRow row, PlannedFault? fault, int? kill)
    {
        // Long enough for breakers to forget and for lists that are kept to be read again.
        under.Time.Advance(TimeSpan.FromMinutes(10));
        var world = new MatrixWorld(under);
        var step = await row.Step(world);
        var run = new ConformanceRun(under, world.LeadId, 1, world.Email,
            [Step(row.Tool == "create_task" ? "create_follow_up" : "create_task", $$"""{"leadId":"{{await world.SomebodyAsync()}}","subject":"Before","dueDate":"2027-01-04"}""", id: "before"), step]);
        if (fault is { } planned)
            under.FailNext(planned, row.Tool, row.Kind);
        var begun = under.Crashes.Passed;
        if (kill is { } point)
            under.Crashes.EndAt(point);
        PlanOutcome outcome;
        try
        {
            outcome = await run.ToTheEndAsync();
        }
        catch (CrashException)
        {
            outcome = await run.ToTheEndAsync();
        }
        under.Crashes.Never();
        var passed = under.Crashes.Passed - begun;
        await under.SettleAsync();
        return new Ended(world, run, outcome, fault, kill, passed, step.Id);
    }

    private static IEnumerable<string> Wrong(MatrixRow row, Ended ended, IReadOnlyDictionary<string, int> counted, Dictionary<CrmObject, IReadOnlyList<CrmRecord>> kinds)
    {
        var (before, tested) = (ended.Run.Effect("before"), ended.Run.Effect(ended.Step));
        if (ended.Fault == PlannedFault.PartRefused)
        {
            if (ended.Outcome is not PlanOutcome.Undone)
                yield return $"it ended as {ended.Outcome.GetType().Name}";
            if (tested.State != EffectState.Failed)
                yield return $"the refused step is {tested.State.Name()}";
            if (counted.ContainsKey(tested.EffectKey))
                yield return "what was refused is there";
            if (before.State is not (EffectState.Compensated or EffectState.NotNeeded))
                yield return $"what came before is {before.State.Name()}";
            var tasks = kinds[CrmObject.Task].Where(t => t.EffectKey == before.EffectKey).ToList();
            if (tasks.Count > 1 || tasks.Exists(t => t[CrmFields.Status] != "Cancelled") || (tasks.Count == 1) != (before.State == EffectState.Compensated))
                yield return $"{tasks.Count} tasks from before are there, {before.State.Name()}";
            yield break;
        }
        if (ended.Outcome is not PlanOutcome.Finished)
            yield return $"it ended as {ended.Outcome.GetType().Name}";
        var unmarked = row.Kind == CrmObject.CampaignMember && ended.World.Under.Lacks.Contains(CrmCapability.KeysOnMembers);
        if (before.State != EffectState.Confirmed || (tested.State != EffectState.Confirmed && !(unmarked && tested.State == EffectState.Unchanged)))
            yield return $"the ledger says {before.State.Name()}, {tested.State.Name()} ({tested.Error})";
        if (counted.GetValueOrDefault(before.EffectKey) != 1)
            yield return $"the task before was made {counted.GetValueOrDefault(before.EffectKey)} times";
        var target = row.Field is null || ended.World.Target.Length == 0 ? tested.RecordId : ended.World.Target;
        var records = kinds[row.Kind].Where(r => r.Id == target).ToList();
        if (records.Count != 1)
            yield return $"{records.Count} records {target} are there";
        else if (row.Field is { } field && records[0][field] != (row.Value ?? ended.World.Value))
            yield return $"{field} is '{records[0][field]}'";
        switch (row.Tool)
        {
            case "attach_campaign":
                if (kinds[row.Kind].Count(m => m[CrmFields.Lead] == ended.World.Target) is not 1 and var members)
                    yield return $"the lead is {members} members";
                break;
            case "convert_lead":
                if (kinds[CrmObject.Contact].Count(c => c[CrmFields.Email] == ended.World.Email) is not 1 and var contacts)
                    yield return $"the lead has become {contacts} contacts";
                break;
            case var _ when tested.Created && counted.GetValueOrDefault(tested.EffectKey) != 1:
                yield return $"it was made {counted.GetValueOrDefault(tested.EffectKey)} times";
                break;
            case var _ when tested.Created && records.Count == 1 && records[0].EffectKey != tested.EffectKey:
                yield return "the record that the ledger names is not ours";
                break;
        }
    }

    private static async Task AssertNotSupportedAsync(ICrmUnderTest under, MatrixRow row)
    {
        var ended = await RunAsync(under, row, null, null);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(ended.Outcome, Is.TypeOf<PlanOutcome.Undone>());
            Assert.That(ended.Run.Effect(ended.Step).Error, Does.StartWith(CrmCodes.NotSupported + ":"));
        }
    }

    /// <summary>A run that has come to its end.</summary>
    private sealed record Ended(MatrixWorld World, ConformanceRun Run, PlanOutcome Outcome, PlannedFault? Fault, int? Kill, int Points, string Step)
    {
        public string Name => $"{Fault?.ToString() ?? "no fault"}, {(Kill is { } point ? $"killed at {point.ToString(System.Globalization.CultureInfo.InvariantCulture)}" : "not killed")}";
    }
}
