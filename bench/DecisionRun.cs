using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.TestKit.Simulators.Gemini;
using LeadPipeline.Worker.Analysis;
using LeadPipeline.Worker.Analysis.Gemini;
using LeadPipeline.Worker.Evidence;
using LeadPipeline.Worker.Grounding;
using LeadPipeline.Worker.Planning;
using Microsoft.Extensions.Logging.Abstractions;

namespace LeadPipeline.Bench;

/// <summary>
/// What deciding costs, without a database or a network: grounding and planning of an analysis with ten claims, and all that is ours around a call of the
/// model. On one thread, in processor time, the best of eight windows: neighbours on the machine take caches and half a core away, and never give any.
/// </summary>
internal static class DecisionRun
{
    private const int Windows = 8;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3), Window = TimeSpan.FromSeconds(0.75);

    public static async Task<int> RunAsync(BenchOptions options)
    {
        using var document = JsonDocument.Parse(TenClaims);
        var read = GroundDocument.Read(document.RootElement, TimeProvider.System);
        var answer = Encoding.UTF8.GetBytes(read.Analysis.GetRawText());
        var tools = ToolRegistry.Default();
        var policy = PolicyLoader.BuiltIn(tools);
        var verdict = read.Ground();
        var plan = Planner.Plan(verdict, read.Snapshot, policy, tools, read.Now, PlanningOptions.Default);
        if (verdict is not { Status: GroundingStatus.VALID, Claims.Count: 10 } || plan.Steps.Count < 8)
            throw new InvalidOperationException("The sample is to be valid, with ten claims and a plan.");
        var rules = new RulesAnalyzer();
        var gemini = Gemini(answer);
        var request = new AnalysisRequest(read.Snapshot, new AnalysisTurn(null));

        List<Cost> costs =
        [
            Measure("grounding of ten claims, the answer parsed", () =>
            {
                using var parsed = JsonDocument.Parse(answer);
                return Grounder.Ground(read.Snapshot, parsed.RootElement, GroundingRules.Default, read.Now).Claims.Count;
            }),
            Measure("planning", () => Planner.Plan(verdict, read.Snapshot, policy, tools, read.Now, PlanningOptions.Default).Steps.Count),
            Measure("analysis by rules/1", () => rules.Analyze(read.Snapshot).Json.Length),
            Measure("freezing and hashing the snapshot", () => SnapshotCodec.Hash(read.Snapshot).Length),
            await MeasureAsync("our code around a call of the model", async () => await gemini.AnalyzeAsync(request, CancellationToken.None) is AnalysisOutcome.Answered answered ? answered.Answer.Json.Length : throw new InvalidOperationException("The model was to answer.")),
        ];
        foreach (var cost in costs)
            Write(cost, options.Json);
        return 0;
    }

    private static Cost Measure(string what, Func<int> work)
    {
        _ = Repeat(work, WarmUp);
        return Enumerable.Range(0, Windows).Select(_ => Repeat(work, Window)).MinBy(c => c.Processor / c.Times)! with { What = what };
    }

    private static Cost Repeat(Func<int> work, TimeSpan length)
    {
        var (times, sum, watch) = (0L, 0L, Stopwatch.StartNew());
        var (bytes, processor) = (GC.GetAllocatedBytesForCurrentThread(), Environment.CpuUsage.TotalTime);
        while (watch.Elapsed < length)
        {
            for (var i = 0; i < 50; i++)
                sum += work();
            times += 50;
        }
        return new Cost("", times, Environment.CpuUsage.TotalTime - processor, GC.GetAllocatedBytesForCurrentThread() - bytes, sum);
    }

    private static async Task<Cost> MeasureAsync(string what, Func<Task<int>> work)
    {
        _ = await RepeatAsync(work, WarmUp);
        var costs = new List<Cost>();
        for (var i = 0; i < Windows; i++)
            costs.Add(await RepeatAsync(work, Window));
        return costs.MinBy(c => c.Processor / c.Times)! with { What = what };
    }

    private static async Task<Cost> RepeatAsync(Func<Task<int>> work, TimeSpan length)
    {
        var (times, sum, watch) = (0L, 0L, Stopwatch.StartNew());
        var (bytes, processor) = (GC.GetTotalAllocatedBytes(), Environment.CpuUsage.TotalTime);
        for (; watch.Elapsed < length; times++)
            sum += await work();
        return new Cost("", times, Environment.CpuUsage.TotalTime - processor, GC.GetTotalAllocatedBytes() - bytes, sum);
    }

    private static void Write(Cost cost, bool json)
    {
        var (perSecond, micros, kilobytes) = (cost.Times / cost.Processor.TotalSeconds, cost.Processor.TotalMicroseconds / cost.Times, cost.Bytes / 1024.0 / cost.Times);
        Console.WriteLine(json
            ? new JsonObject { ["what"] = cost.What, ["perSecondAndCore"] = Math.Round(perSecond), ["microseconds"] = Math.Round(micros, 1), ["kilobytes"] = Math.Round(kilobytes, 2) }.ToJsonString()
            : string.Create(CultureInfo.InvariantCulture, $"{cost.What,-45} {perSecond,10:N0} /s and core {micros,9:N1} µs {kilobytes,8:N1} KB"));
    }

    /// <summary>The analyzer with a model that is in this process: what is left is our own.</summary>
    private static GeminiAnalyzer Gemini(byte[] answer)
    {
        var settings = new GeminiSettings { Model = GeminiSimulator.Model, Prices = (0.5m, 3m) };
        var options = new GeminiOptions { ApiKey = GeminiSimulator.ApiKey, BaseUrl = "http://127.0.0.1:9" };
        var http = new HttpClient(new AtOnce(Encoding.UTF8.GetBytes(GeminiSays.Text(Encoding.UTF8.GetString(answer)).Body.ToJsonString()))) { Timeout = Timeout.InfiniteTimeSpan };
        var client = new GeminiClient(http, new GeminiApiKey(options.ApiKey), GeminiEndpoint.Of(options), settings, new CrmGuardSettings(), TimeProvider.System);
        // Without limits nobody is asked for them, and without reuse nothing is looked up.
        return new GeminiAnalyzer(client, GeminiPrompt.Load(null), settings, new ModelLimits(new NoLimits(), settings.Model, 0, 0), null!, TimeProvider.System, NullLogger<GeminiAnalyzer>.Instance);
    }

    private sealed record Cost(string What, long Times, TimeSpan Processor, long Bytes, long Sum);

    private sealed class NoLimits : IRateLimiter
    {
        public Task<RateAnswer> AskAsync(RateRequest request) => throw new InvalidOperationException("There is no limit to ask for.");
    }

    private sealed class AtOnce(byte[] body) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            // The request is written as it would be to a wire.
            await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent(body) };
        }
    }

    private const string TenClaims = """
        {
          "lead": { "leadId": "0b6d3a52-52f4-5d2c-9a30-6f3bb9f3d0a1", "email": "jane@acme.example", "firstName": "Jane", "lastName": "Doe", "company": "Acme", "title": "Head of Revenue Operations", "phone": "+49 30 5550100", "country": "Germany", "source": "web", "message": "We are forty people and would like to begin in the first quarter. Could you tell us about single sign-on?" },
          "enrichment": {
            "company": "Acme GmbH", "industry": "Financial Technology", "domain": "acme.example", "employees": "5000-10000", "revenue": "$20M-$50M",
            "techStack": ["AWS", "Snowflake", "Kubernetes", "Salesforce"], "geo": "Berlin, Brandenburg, Germany", "foundedYear": 2009
          },
          "marketing": { "emailOpens": 12, "emailClicks": 5, "pageViews": 40, "pricingPageViews": 3, "webinarsAttended": 1, "lastActivityAt": "2026-03-09T08:30:00Z", "campaignType": "Webinar" },
          "product": { "activeUsers": 7, "keyFeatureUses": 31, "trialStartedAt": "2026-03-01" },
          "crm": { "leadStatus": "New", "owner": "Sam", "openOpportunities": 0 },
          "analysis": {
            "evidence": [
              { "source": "ENRICHMENT", "fieldPath": "enrichment.company", "claimType": "FIRMOGRAPHIC", "value": "Acme GmbH", "central": true },
              { "source": "ENRICHMENT", "fieldPath": "enrichment.industry", "claimType": "FIRMOGRAPHIC", "value": "Fintech", "central": true },
              { "source": "ENRICHMENT", "fieldPath": "enrichment.employees", "claimType": "FIRMOGRAPHIC", "value": 7500, "central": true },
              { "source": "ENRICHMENT", "fieldPath": "enrichment.geo", "claimType": "FIRMOGRAPHIC", "value": "Germany", "central": false },
              { "source": "ENRICHMENT", "fieldPath": "enrichment.techStack", "claimType": "FIRMOGRAPHIC", "value": ["AWS", "Kubernetes"], "central": false },
              { "source": "ENRICHMENT", "fieldPath": "enrichment.foundedYear", "claimType": "FIRMOGRAPHIC", "value": 2009, "central": false },
              { "source": "MARKETING", "fieldPath": "marketing.pricingPageViews", "claimType": "BEHAVIOR", "value": 3, "central": true },
              { "source": "MARKETING", "fieldPath": "marketing.lastActivityAt", "claimType": "BEHAVIOR", "value": "2026-03-09", "central": false },
              { "source": "PRODUCT", "fieldPath": "product.activeUsers", "claimType": "BEHAVIOR", "value": 7, "central": true },
              { "source": "CRM", "fieldPath": "crm.openOpportunities", "claimType": "PIPELINE", "value": 0, "central": false }
            ],
            "reasoning": "Acme GmbH is a Fintech company in Germany with 7500 people, founded in 2009. It runs AWS and Kubernetes. There were 3 views of the price list, the last activity was on 2026-03-09, and 7 people use the trial.",
            "intent": "HIGH_FIT", "decision": "ROUTE_TO_SDR", "fitScore": 88
          },
          "now": "2026-03-10T12:00:00Z"
        }
        """;
}
