using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Mcp.Tests.Crm;
using LeadPipeline.TestKit;

namespace LeadPipeline.Mcp.Tests.Execution;

/// <summary>A lead that the default policy routes, and the worker's part: it keeps the ledger and asks again, as often as it takes.</summary>
internal sealed class RouteCase
{
    public const string Email = "ada@analytical.example";
    public static readonly Guid LeadId = new("22222222-2222-2222-2222-222222222222");

    /// <summary>The steps of the default policy, by tool; each step is called as its tool.</summary>
    public static readonly string[] Steps =
    [
        "upsert_lead", "log_activity", "set_lead_score", "set_intent_level", "match_account", "create_task",
        "create_opportunity", "attach_campaign", "sync_firmographics", "sync_enrichment_metadata",
    ];

    private readonly ToolRegistry tools = ToolRegistry.Default();

    /// <param name="crm">The CRM to write to; the fake one when it is left out.</param>
    /// <param name="campaign">The id of a campaign in that CRM.</param>
    public RouteCase(ICrm? crm = null, string? campaign = null)
    {
        Campaign = campaign ?? Crm.Add(CrmObject.Campaign, null, (CrmFields.Name, "Spring"));
        Executor = new PlanExecutor(tools, crm ?? Crm, Time, new InPlaceRetry { BaseDelay = TimeSpan.Zero, MaxDelay = TimeSpan.Zero }, Key);
        Run = PlanRun.New(LeadId, 1, Email, Plan());
    }

    public FakeCrm Crm { get; } = new();

    public FakeTimeProvider Time { get; } = new();

    public PlanExecutor Executor { get; }

    public string Campaign { get; }

    /// <summary>The ledger as it was stored last.</summary>
    public PlanRun Run { get; set; }

    /// <summary>Lets something happen to the first step's arguments or to the plan's shape.</summary>
    public RouteCase With(Func<PlanStep, PlanStep?> change)
    {
        Run = PlanRun.New(LeadId, 1, Email, Plan() with { Steps = [.. Plan().Steps.Select(change).OfType<PlanStep>()] });
        return this;
    }

    /// <summary>The plan ends with a conversion of the lead into a contact of the account.</summary>
    public RouteCase Converting()
    {
        var plan = Plan();
        // Nobody can own the contact when nobody owns the lead.
        var upsert = plan.Steps[0] with { Arguments = JsonNode.Parse(Arguments("upsert_lead"))!.AsObject() };
        upsert.Arguments["owner"] = Crm.Add(CrmObject.User, null, (CrmFields.Name, "Sam Rivera"));
        Run = PlanRun.New(LeadId, 1, Email, plan with
        {
            Steps =
            [
                upsert, .. plan.Steps.Skip(1),
                new PlanStep
                {
                    Id = "convert_lead",
                    Index = plan.Steps.Count,
                    Tool = "convert_lead",
                    Critical = true,
                    Compensation = Compensation.None,
                    Arguments = JsonNode.Parse("""{ "leadId": "$steps.upsert_lead.recordId", "accountId": "$steps.match_account.recordId" }""")!.AsObject(),
                },
            ],
        });
        return this;
    }

    /// <summary>The person is in the CRM already, with some fields that the plan is going to change.</summary>
    public string KnownLead() => Crm.Add(CrmObject.Lead, Key(Email),
        (CrmFields.Email, Email), (CrmFields.LastName, "Lovelace"), (CrmFields.Status, "Working"), (CrmFields.Score, "12"), (CrmFields.Industry, "Weaving"));

    public StepEffect Effect(string step) => Run.Effects.Single(e => e.Step.Id == step);

    /// <summary>One delivery of the command: until the plan ends or has to wait. A crash leaves the ledger as it was stored.</summary>
    public Task<PlanOutcome> DeliverAsync()
    {
        // What was stored has no writes in it; within a delivery the worker goes on with what it has in memory.
        Run = Run with { Effects = [.. Run.Effects.Select(e => e with { Writes = [] })] };
        return PlanDelivery.RunAsync(Executor, () => Run, Store);
    }

    /// <summary>Delivers until the plan has ended; a crash and a deferral only make it take longer.</summary>
    public async Task<PlanOutcome> RunToTheEndAsync()
    {
        for (var delivery = 0; delivery < 10; delivery++)
        {
            try
            {
                if (await DeliverAsync() is not PlanOutcome.NotNow and var outcome)
                    return outcome;
            }
            catch (CrashException)
            {
                (Crm.WritesBeforeCrash, Crm.KillAt) = (null, null);
            }
        }
        throw new InvalidOperationException("the plan does not come to an end");
    }

    public static string Key(string text) => "key:" + text;

    private void Store(IReadOnlyList<StepEffect> effects) => Run = Run with { Effects = effects };

    private ActionPlan Plan() => new()
    {
        Status = PlanStatus.Planned,
        Policy = new PolicyIdentity("default", "hash"),
        PlanHash = "hash",
        Steps =
        [
            .. Steps.Select((tool, index) => new PlanStep
            {
                Id = tool,
                Index = index,
                Tool = tool,
                Critical = tool is "upsert_lead" or "create_task",
                Compensation = tools.Find(tool)!.Compensation,
                When = tool == "create_opportunity" ? ["account exists", "steps.match_account.openOpportunities = 0"] : [],
                Arguments = JsonNode.Parse(Arguments(tool))!.AsObject(),
            }),
        ],
    };

    private string Arguments(string tool)
    {
        const string lead = "\"leadId\": \"$steps.upsert_lead.recordId\"";
        return tool switch
        {
            "upsert_lead" => $$"""{"email": "{{Email}}", "firstName": "Ada", "lastName": "Lovelace", "company": "Analytical Engines Ltd"}""",
            "log_activity" => $$"""{ {{lead}}, "subject": "Lead analysed: High Fit", "body": "Why." }""",
            "set_lead_score" => $$"""{ {{lead}}, "score": 90 }""",
            "set_intent_level" => $$"""{ {{lead}}, "intent": "High Fit" }""",
            "match_account" => $$"""{ {{lead}}, "domain": "analytical.example", "company": "Analytical Engines Ltd", "createIfMissing": true }""",
            "create_task" => $$"""{ {{lead}}, "subject": "AI Qualified Lead Review", "priority": "High", "dueDate": "2026-03-04" }""",
            "create_opportunity" => $$"""
                { {{lead}}, "accountId": "$steps.match_account.recordId", "name": "Analytical Engines – Inbound", "stage": "Prospecting",
                  "closeDate": "2026-06-03", "intent": "High Fit", "score": 90 }
                """,
            "attach_campaign" => $$"""{ {{lead}}, "campaignId": "{{Campaign}}" }""",
            "sync_firmographics" => $$"""{ {{lead}}, "industry": "Computing", "employees": "40" }""",
            _ => $$"""{ {{lead}}, "provider": "inline", "confidence": 0.9, "enrichedAt": "2026-03-03T10:00:00Z" }""",
        };
    }
}
