using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;
using static LeadPipeline.Mcp.Tests.Crm.ConformanceRun;

namespace LeadPipeline.Mcp.Tests.Crm;

/// <summary>
/// What every provider promises, seen through the tools and the executor: the same plan leaves the same records in each CRM, each effect once.
/// A provider's fixture derives from this one and says how to get at its CRM. Each test has a person, a company and records of its own.
/// </summary>
public abstract partial class CrmConformance
{
    private Guid leadId;
    private int runs;

    /// <summary>The provider of this test.</summary>
    protected ICrmUnderTest Under { get; private set; } = null!;

    /// <summary>Starts a provider with a CRM that may hold other tests' records, but none of this one's.</summary>
    protected abstract Task<ICrmUnderTest> StartAsync();

    private string Word { get; set; } = "";

    private string Email => $"ada@{Domain}";

    private string Domain => $"{Word}.example";

    // Company names must not resemble each other across tests, hence words that are all the test's own.
    private string Company => $"{Word} {Second} Ltd";

    private string Second => new([.. Word.Reverse()]);

    [SetUp]
    public async Task StartTestAsync()
    {
        leadId = Guid.NewGuid();
        runs = 0;
        Word = new string([.. leadId.ToString("N").Select(c => (char)(c < 'a' ? c - '0' + 'g' : c))])[..20];
        Under = await StartAsync();
    }

    [TearDown]
    public async Task StopTestAsync() => await Under.DisposeAsync();

    /// <summary>A new run of a plan for the test's lead.</summary>
    private ConformanceRun Plan(params IEnumerable<PlanStep> steps) => new(Under, leadId, ++runs, Email, steps);

    /// <summary>Runs a plan to its end, which has to be a good one.</summary>
    private async Task<ConformanceRun> DoneAsync(params IEnumerable<PlanStep> steps)
    {
        var run = Plan(steps);
        var outcome = await run.ToTheEndAsync();
        Assert.That(outcome, Is.TypeOf<PlanOutcome.Finished>());
        return run;
    }

    /// <summary>Runs one step that has to be refused, and answers how.</summary>
    private async Task<string> RefusedAsync(PlanStep step)
    {
        var run = await DoneAsync(step);
        var effect = run.Effects.Single();
        Assert.That(effect.State, Is.EqualTo(EffectState.Failed), effect.Warning);
        return effect.Error!;
    }

    /// <summary>Runs a plan whose last step the CRM refuses, so that all is undone.</summary>
    private async Task<(ConformanceRun Run, PlanOutcome Outcome)> UndoneAsync(Func<ConformanceRun, Task>? beforeUndo, params IEnumerable<PlanStep> steps)
    {
        var lead = await SomeLeadAsync();
        var run = Plan([.. steps, Step("create_follow_up", $$"""{"leadId":"{{lead}}","subject":"Call","dueDate":"2026-03-04"}""", critical: true, id: "last")]);
        Under.FailNext(PlannedFault.PartRefused, "create_follow_up", CrmObject.Task);
        if (beforeUndo is not null)
            run.BeforeUndo = () => beforeUndo(run);
        var outcome = await run.ToTheEndAsync();
        Assert.That(run.Effect("last").State, Is.EqualTo(EffectState.Failed), "the plan was to fail at its last step");
        return (run, outcome);
    }

    /// <summary>A lead of another person, to tie the failing task to.</summary>
    private Task<string> SomeLeadAsync() => Under.CreateAsync(CrmObject.Lead, (CrmFields.Email, $"other@{Domain}"), (CrmFields.LastName, "Other"), (CrmFields.Company, "Elsewhere"));

    /// <summary>The test's lead as a person has entered it.</summary>
    private Task<string> KnownLeadAsync(params (string Field, string Value)[] more) => Under.CreateAsync(CrmObject.Lead,
        [(CrmFields.Email, Email), (CrmFields.LastName, "Lovelace"), (CrmFields.Company, Company), (CrmFields.Status, "Working"), .. more]);

    private Task<string> AccountAsync(string? name = null, string? domain = null) =>
        Under.CreateAsync(CrmObject.Account, domain is null ? [(CrmFields.Name, name ?? Company)] : [(CrmFields.Name, name ?? Company), (CrmFields.Domain, domain)]);

    private Task<string> UserAsync(string name = "Sam Rivera") => Under.CreateAsync(CrmObject.User, (CrmFields.Name, $"{name} {Word}"), (CrmFields.Email, $"{Key(name)[..8]}@{Domain}"));

    private async Task<string> OpportunityAsync(string stage, params (string Field, string Value)[] more) => await Under.CreateAsync(CrmObject.Opportunity,
        [(CrmFields.Name, $"{Word} deal"), (CrmFields.Stage, stage), (CrmFields.CloseDate, "2026-06-03"), (CrmFields.Account, await AccountAsync()), .. more]);

    /// <summary>A record as the provider reads it; null when it is not there.</summary>
    private async Task<CrmRecord?> FindAsync(CrmObject kind, string id) =>
        (await Under.Crm.ReadAsync(new CrmQuery { Records = [(kind, id)] }, CancellationToken.None)).Records.GetValueOrDefault(id);

    private async Task<CrmRecord> GetAsync(CrmObject kind, string id) => await FindAsync(kind, id) ?? throw new InvalidOperationException($"there is no {kind} {id}");

    /// <summary>The test's own leads.</summary>
    private async Task<List<CrmRecord>> LeadsAsync() =>
        [.. (await Under.ListAsync(CrmObject.Lead)).Where(l => string.Equals(l[CrmFields.Email], Email, StringComparison.OrdinalIgnoreCase))];

    private async Task<List<CrmRecord>> OfLeadAsync(CrmObject kind, string lead) => [.. (await Under.ListAsync(kind)).Where(r => r[CrmFields.Lead] == lead)];

    private async Task<List<CrmRecord>> AccountsAsync() => [.. (await Under.ListAsync(CrmObject.Account)).Where(a => a[CrmFields.Name]?.Contains(Word, StringComparison.OrdinalIgnoreCase) == true)];

    private PlanStep Upsert(string more = "") =>
        Step("upsert_lead", $$"""{"email":"{{Email}}","firstName":"Ada","lastName":"Lovelace","company":"{{Company}}"{{more}}}""", critical: true);

    /// <summary>Whether the provider has something; when it has not, that <paramref name="step"/> is refused as not supported is all there is to see.</summary>
    private async Task<bool> HasAsync(CrmCapability capability, Func<Task<PlanStep>> step)
    {
        if (!Under.Lacks.Contains(capability))
            return true;
        Assert.That(await RefusedAsync(await step()), Does.StartWith(CrmCodes.NotSupported + ":"));
        return false;
    }

    private const string Lead = "\"leadId\":\"$steps.upsert_lead.recordId\"";
}
