using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm.Http;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.TestKit;
using LeadPipeline.TestKit.Simulators.Gemini;
using LeadPipeline.Worker.Analysis;
using LeadPipeline.Worker.Analysis.Gemini;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Tests.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace LeadPipeline.Worker.Tests.Analysis.Gemini;

/// <summary>An analyzer before the simulated model, with real limits in a database and a clock that stands still. It never waits between tries.</summary>
public abstract class GeminiCase : StorageFixture<SqliteStorage>
{
    protected static readonly GeminiSettings Settings = new()
    {
        Model = GeminiSimulator.Model,
        BaseDelay = TimeSpan.Zero,
        BusyDelay = TimeSpan.Zero,
        Prices = (0.5m, 3m),
    };

    private readonly HttpClient http = new(VendorHttp.NewHandler()) { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>For files that an analyzer is to read.</summary>
    protected TempFolder Folder { get; } = new();

    protected FakeTimeProvider Time { get; private set; } = null!;

    protected GeminiSimulator Model { get; private set; } = null!;

    protected RateLimiter Limiter { get; private set; } = null!;

    [SetUp]
    public async Task StartAsync()
    {
        Time = new FakeTimeProvider(Now);
        Model = await GeminiSimulator.StartAsync();
        Limiter = new RateLimiter(Database.Sql, Time);
        await Database.ExecuteAsync("DELETE FROM rate_limits");
    }

    [TearDown]
    public async Task StopAsync()
    {
        await Limiter.DisposeAsync();
        await Model.DisposeAsync();
    }

    [OneTimeTearDown]
    public void Hang()
    {
        http.Dispose();
        Folder.Dispose();
    }

    protected GeminiAnalyzer Analyzer(GeminiOptions? options = null, GeminiSettings? settings = null, IGeminiCredentials? credentials = null, int requests = 0, int tokens = 0, CrmGuardSettings? guard = null)
    {
        options ??= new GeminiOptions { ApiKey = GeminiSimulator.ApiKey };
        options.BaseUrl ??= Model.Address.ToString();
        settings ??= Settings;
        settings = settings with { Model = options.Model };
        var client = new GeminiClient(http, credentials ?? new GeminiApiKey(options.ApiKey!), GeminiEndpoint.Of(options), settings, guard ?? new CrmGuardSettings(), Time);
        return new GeminiAnalyzer(
            client, GeminiPrompt.Load(null), settings, new ModelLimits(Limiter, options.Model, requests, tokens), new EarlierAnswers(Database.Sql, Cipher, Time), Time, NullLogger<GeminiAnalyzer>.Instance);
    }

    protected static async Task<AnalysisOutcome> AskAsync(GeminiAnalyzer analyzer, EvidenceSnapshot? snapshot = null, string? deferredFor = null)
    {
        var turn = await analyzer.EnterAsync(deferredFor, CancellationToken.None);
        return turn.NotNow ?? await analyzer.AnalyzeAsync(new AnalysisRequest(snapshot ?? Snapshot(), turn), CancellationToken.None);
    }

    /// <summary>A lead with company facts and behaviour.</summary>
    protected static EvidenceSnapshot Snapshot(params (string Path, object Value)[] more)
    {
        (string Path, object Value)[] leaves =
        [
            ("computed.engagementScore", 80), ("computed.icpScore", 90), ("crm.owner", "Olga Owner"), ("enrichment.company", "Acme"),
            ("enrichment.employees", "500-1000"), ("lead.company", "Acme"), ("lead.email", "jane.doe@acme.com"), ("lead.firstName", "Jane"),
            ("lead.lastName", "Doe"), ("lead.message", "Hello"), ("lead.phone", "+49 30 1234567"), ("marketing.pricingPageViews", 4),
        ];
        var all = leaves.Concat(more).GroupBy(l => l.Path).ToDictionary(
            g => g.Key, g => new EvidenceLeaf(JsonSerializer.SerializeToElement(g.Last().Value), "test", "-", Now), StringComparer.Ordinal);
        return new EvidenceSnapshot(new SortedDictionary<string, EvidenceLeaf>(all, StringComparer.Ordinal), Now);
    }
}
