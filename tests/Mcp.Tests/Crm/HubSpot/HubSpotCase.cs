using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Http;
using LeadPipeline.Mcp.Crm.HubSpot;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Mcp.Tests.Execution;
using LeadPipeline.TestKit;
using LeadPipeline.TestKit.Simulators.HubSpot;

namespace LeadPipeline.Mcp.Tests.Crm.HubSpot;

/// <summary>A simulated HubSpot, the provider that speaks to it over HTTP, and a lead that the default policy routes.</summary>
internal sealed class HubSpotCase : IAsyncDisposable
{
    public const string Email = "ada@analytical.example";
    public const string Company = "Analytical Engines Ltd";
    public static readonly Guid LeadId = new("33333333-3333-3333-3333-333333333333");
    public static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(10);
    public static readonly TimeSpan SettleTime = TimeSpan.FromMinutes(2);

    /// <summary>The steps of the default policy; each is called as its tool.</summary>
    public static readonly string[] Steps =
    [
        "upsert_lead", "log_activity", "set_lead_score", "set_intent_level", "match_account", "create_task",
        "create_opportunity", "attach_campaign", "sync_firmographics", "sync_enrichment_metadata",
    ];

    private readonly ToolRegistry tools = ToolRegistry.Default();
    private readonly HttpClient http;

    private HubSpotCase(HubSpotSimulator simulator, HubSpotOptions options)
    {
        Simulator = simulator;
        http = new HttpClient(VendorHttp.NewHandler()) { Timeout = System.Threading.Timeout.InfiniteTimeSpan };
        options.BaseUrl = simulator.Address.ToString();
        Crm = new HubSpotCrm(new VendorHttp(HubSpotCrm.Name, http, new HubSpotCredentials(simulator.Address, () => simulator.Token), Time), options, CallTimeout, Time);
        Executor = new PlanExecutor(tools, Crm, Time, new InPlaceRetry { BaseDelay = TimeSpan.Zero, MaxDelay = TimeSpan.Zero, SettleTime = SettleTime }, Key);
        Run = Plan(Steps);
    }

    public HubSpotSimulator Simulator { get; }

    public HubSpotCrm Crm { get; }

    public FakeTimeProvider Time { get; } = new();

    public PlanExecutor Executor { get; }

    /// <summary>The ledger as it was stored last.</summary>
    public PlanRun Run { get; private set; }

    public static async Task<HubSpotCase> StartAsync(HubSpotOptions? options = null) => new(await HubSpotSimulator.StartAsync(), options ?? new HubSpotOptions());

    public async ValueTask DisposeAsync()
    {
        Crm.Dispose();
        http.Dispose();
        await Simulator.DisposeAsync();
    }

    public HubSpotCase With(params string[] steps)
    {
        Run = Plan(steps);
        return this;
    }

    /// <summary>Another run, of this lead or of another of the same company.</summary>
    public HubSpotCase Again(string email = Email, int run = 2)
    {
        Run = Plan(Steps, email, run);
        return this;
    }

    public StepEffect Effect(string step) => Run.Effects.Single(e => e.Step.Id == step);

    /// <summary>The contact of a person whom sales knows, with some fields that the plan is going to change.</summary>
    public string KnownContact() => Simulator.Add("contacts",
        ("email", Email), ("lastname", "Lovelace"), ("hs_lead_status", "IN_PROGRESS"), ("leadpipeline_score", "12"), ("leadpipeline_industry", "Weaving"));

    public string KnownCompany() => Simulator.Add("companies", ("name", Company), ("domain", "analytical.example"));

    /// <summary>One delivery of the command: until the plan ends or has to wait.</summary>
    public Task<PlanOutcome> DeliverAsync() => PlanDelivery.RunAsync(Executor, () => Run, Store);

    /// <summary>Delivers until the plan has ended.</summary>
    public async Task<PlanOutcome> RunToTheEndAsync()
    {
        for (var delivery = 0; delivery < 10; delivery++)
        {
            if (await DeliverAsync() is not PlanOutcome.NotNow and var outcome)
                return outcome;
        }
        throw new InvalidOperationException("the plan does not come to an end");
    }

    /// <summary>Writes by themselves, none of their steps critical unless named.</summary>
    public Task<IReadOnlyList<CrmOutcome>> WriteAsync(IReadOnlyList<CrmWrite> writes, params string[] critical) =>
        Crm.WriteAsync(new CrmBatch(LeadId, Email, writes, critical.ToHashSet()), CancellationToken.None);

    public static string Key(string text) => "key:" + text;

    // What the worker stores has no writes in it.
    private void Store(IReadOnlyList<StepEffect> effects) => Run = Run with { Effects = [.. effects.Select(e => e with { Writes = [] })] };

    private PlanRun Plan(string[] steps, string email = Email, int run = 1) => PlanRun.New(email == Email ? LeadId : Guid.NewGuid(), run, email, new ActionPlan
    {
        Status = PlanStatus.Planned,
        Policy = new PolicyIdentity("default", "hash"),
        PlanHash = "hash",
        Steps =
        [
            .. steps.Select((tool, index) => new PlanStep
            {
                Id = tool,
                Index = index,
                Tool = tool,
                Critical = tool is "upsert_lead" or "create_task",
                Compensation = tools.Find(tool)!.Compensation,
                When = tool == "create_opportunity" ? ["account exists", "steps.match_account.openOpportunities = 0"] : [],
                Arguments = JsonNode.Parse(Arguments(tool, email))!.AsObject(),
            }),
        ],
    });

    private static string Arguments(string tool, string email)
    {
        const string lead = "\"leadId\": \"$steps.upsert_lead.recordId\"";
        return tool switch
        {
            "upsert_lead" => $$"""{"email": "{{email}}", "firstName": "Ada", "lastName": "Lovelace", "company": "{{Company}}", "title": "Countess", "country": "United Kingdom", "source": "api", "message": "1 < 2 & \"so\" on"}""",
            "log_activity" => $$"""{ {{lead}}, "subject": "Lead analysed: High Fit", "body": "Why: a <b>bold</b> claim.\nAnd another." }""",
            "add_note" => $$"""{ {{lead}}, "title": "Why not", "body": "Because." }""",
            "set_lead_score" => $$"""{ {{lead}}, "score": 90 }""",
            "set_intent_level" => $$"""{ {{lead}}, "intent": "High Fit" }""",
            "match_account" => $$"""{ {{lead}}, "domain": "analytical.example", "company": "{{Company}}", "createIfMissing": true, "industry": "Computing", "employees": "40" }""",
            "create_task" or "create_follow_up" => $$"""{ {{lead}}, "subject": "AI Qualified Lead Review", "priority": "High", "dueDate": "2026-03-04", "description": "Look." }""",
            "create_opportunity" => $$"""
                { {{lead}}, "accountId": "$steps.match_account.recordId", "name": "Analytical Engines – Inbound", "stage": "Prospecting",
                  "closeDate": "2026-06-03", "intent": "High Fit", "score": 90 }
                """,
            "attach_campaign" => $$"""{ {{lead}}, "campaignId": "CMP-SPRING" }""",
            "sync_firmographics" => $$"""{ {{lead}}, "industry": "Computing", "employees": "40", "foundedYear": 1843 }""",
            _ => $$"""{ {{lead}}, "provider": "inline", "confidence": 0.9, "enrichedAt": "2026-03-03T10:00:00Z" }""",
        };
    }
}
