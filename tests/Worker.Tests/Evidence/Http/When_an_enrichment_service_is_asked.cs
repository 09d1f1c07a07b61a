using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm.Http;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.TestKit;
using LeadPipeline.TestKit.Simulators;
using LeadPipeline.TestKit.Simulators.Enrichment;
using LeadPipeline.Worker.Evidence;
using LeadPipeline.Worker.Evidence.Http;
using LeadPipeline.Worker.Tests.Analysis.Gemini;
using LeadPipeline.Worker.Tests.Storage;
using Microsoft.Extensions.Logging;

namespace LeadPipeline.Worker.Tests.Evidence.Http;

/// <summary>A service that knows companies, over real HTTP, with the clock in the hands of the test.</summary>
[TestFixture]
public sealed class When_an_enrichment_service_is_asked : StorageFixture<SqliteStorage>
{
    private static readonly TimeSpan Break = TimeSpan.FromSeconds(30);
    private static readonly EnrichmentQuestion Acme = new("jane@acme.example", "Acme", "France");

    private EnrichmentSimulator service = null!;
    private FakeTimeProvider time = null!;
    private KeptLogs logs = null!;
    private HttpClient http = null!;
    private HttpEnrichmentOptions options = null!;

    [SetUp]
    public async Task StartAsync()
    {
        service = await EnrichmentSimulator.StartAsync();
        service.Companies["acme.example"] = EnrichmentSimulator.Company("ACME Robotics SAS");
        (time, logs, http) = (new FakeTimeProvider(), new KeptLogs(), new HttpClient(VendorHttp.NewHandler()) { Timeout = Timeout.InfiniteTimeSpan });
        options = new HttpEnrichmentOptions { UrlTemplate = service.UrlTemplate, Header = EnrichmentSimulator.Header };
        foreach (var (leaf, pointer) in (ReadOnlySpan<(string, string)>)[("company", "/company/legal~1name"), ("employees", "/company/metrics/employees"), ("industry", "/company/sector"), ("techStack", "/company/tags"), ("geo", "/sites/0/address"), ("foundedYear", "/company/founded")])
            options.Map[leaf] = pointer;
        await Database.ExecuteAsync("DELETE FROM enrichment_cache");
    }

    [TearDown]
    public async Task StopAsync()
    {
        http.Dispose();
        await service.DisposeAsync();
    }

    [Test]
    public async Task Should_read_what_is_mapped_and_ask_once_while_it_holds()
    {
        var enrichment = Make();

        var first = await enrichment.FindAsync(Acme, CancellationToken.None);
        time.Advance(TimeSpan.FromDays(29));
        var second = await enrichment.FindAsync(Acme, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first!.Facts.ToJsonString(), Is.EqualTo("""{"company":"ACME Robotics SAS","employees":700,"industry":"Software","techStack":["AWS","Snowflake"],"geo":"Lyon, France"}"""));
            Assert.That(second!.Facts.ToJsonString(), Is.EqualTo(first.Facts.ToJsonString()));
            Assert.That(second.LoadedAt, Is.EqualTo(first.LoadedAt), "as old as it is");
            Assert.That(service.Calls(), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_ask_again_when_the_answer_has_aged()
    {
        options.TimeToLive = TimeSpan.FromDays(2);
        var enrichment = Make();
        _ = await enrichment.FindAsync(Acme, CancellationToken.None);
        service.Companies["acme.example"] = EnrichmentSimulator.Company("ACME Robotics SAS", 900);

        time.Advance(TimeSpan.FromDays(3));
        var later = await enrichment.FindAsync(Acme, CancellationToken.None);

        Assert.That((later!.Facts["employees"]!.GetValue<int>(), later.LoadedAt, service.Calls()), Is.EqualTo((900, time.GetUtcNow(), 2)));
    }

    [Test]
    public async Task Should_remember_for_a_day_that_a_company_is_not_known()
    {
        var enrichment = Make();
        var question = Acme with { Email = "joe@nobody.example" };

        var first = await enrichment.FindAsync(question, CancellationToken.None);
        _ = await enrichment.FindAsync(question, CancellationToken.None);
        time.Advance(TimeSpan.FromHours(25));
        service.Companies["nobody.example"] = EnrichmentSimulator.Company("Somebody");
        var later = await enrichment.FindAsync(question, CancellationToken.None);

        Assert.That((first, later!.Facts["company"]!.ToString(), service.Calls()), Is.EqualTo(((KnownCompany?)null, "Somebody", 2)));
    }

    [Test]
    public async Task Should_ask_once_for_leads_of_one_company_that_come_together()
    {
        var enrichment = Make();

        var all = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => enrichment.FindAsync(Acme with { Email = $"p{i}@acme.example" }, CancellationToken.None)));

        Assert.That((all.Count(a => a is not null), service.Calls()), Is.EqualTo((40, 1)));
    }

    [TestCase("jane@gmail.com")]
    [TestCase("jane@mailinator.com")]
    public async Task Should_not_ask_about_a_domain_that_is_no_company(string email) =>
        Assert.That((await Make().FindAsync(Acme with { Email = email }, CancellationToken.None), service.Calls()), Is.EqualTo(((KnownCompany?)null, 0)));

    [Test]
    public async Task Should_go_on_with_the_older_answer_when_the_service_does_not_work()
    {
        var enrichment = Make();
        var first = await enrichment.FindAsync(Acme, CancellationToken.None);
        time.Advance(TimeSpan.FromDays(40));
        service.Faults.FailNext("find", new SimulatorFault.Refuse(503));

        var later = await enrichment.FindAsync(Acme, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(later!.LoadedAt, Is.EqualTo(first!.LoadedAt), "with its age, so that grounding finds it stale");
            Assert.That(logs.Text, Does.Contain("221 Warning").And.Contain("503"));
        }
    }

    [Test]
    public async Task Should_go_on_without_after_a_lost_answer([Values] bool midway)
    {
        service.Faults.FailNext("find", midway ? new SimulatorFault.DropAfter(20) : new SimulatorFault.ResetBefore());

        var answer = await Make().FindAsync(Acme, CancellationToken.None);

        Assert.That((answer, logs.Text.Contains("220 Warning", StringComparison.Ordinal)), Is.EqualTo(((KnownCompany?)null, true)));
    }

    [Test]
    public async Task Should_not_wait_longer_than_the_time_out()
    {
        service.Faults.FailNext("find", new SimulatorFault.Silence());
        var asking = Make().FindAsync(Acme, CancellationToken.None);
        await Eventually.ShouldAsync(() => Task.FromResult(service.Calls() == 1), "have asked");

        time.Advance(options.Timeout);

        Assert.That(await asking, Is.Null);
    }

    [Test]
    public async Task Should_let_leads_of_one_company_wait_for_one_time_out_together_and_ask_again_after_the_break()
    {
        service.Faults.FailBy((_, _) => new SimulatorFault.Silence());
        var enrichment = Make();
        var first = enrichment.FindAsync(Acme, CancellationToken.None);
        await Eventually.ShouldAsync(() => Task.FromResult(service.Calls() == 1), "have asked");
        var waiting = Enumerable.Range(0, 20).Select(i => enrichment.FindAsync(Acme with { Email = $"p{i}@acme.example" }, CancellationToken.None)).ToList();

        time.Advance(options.Timeout);
        var all = await Task.WhenAll(waiting.Prepend(first)).WaitAsync(Eventually.Patience);
        var calls = service.Calls();
        service.Faults.FailBy(null);
        var before = await enrichment.FindAsync(Acme, CancellationToken.None);
        time.Advance(Break);
        var after = await enrichment.FindAsync(Acme, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(all, Is.All.Null);
            Assert.That((calls, before, after is not null, service.Calls()), Is.EqualTo((1, (KnownCompany?)null, true, 2)));
        }
    }

    [Test]
    public async Task Should_open_the_breaker_and_ask_again_after_the_break()
    {
        service.Faults.FailBy((_, _) => new SimulatorFault.Refuse(500));
        var enrichment = Make();
        for (var i = 0; i < 30; i++)
            _ = await enrichment.FindAsync(Acme with { Email = $"p@company{i}.example" }, CancellationToken.None);
        var whileOpen = service.Calls();
        service.Faults.FailBy(null);

        time.Advance(TimeSpan.FromSeconds(31));
        var after = await enrichment.FindAsync(Acme, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(whileOpen, Is.EqualTo(10));
            Assert.That(after, Is.Not.Null);
            Assert.That(logs.Text, Does.Contain("224 Warning").And.Contain("225 Information"));
        }
    }

    [TestCase(429, 120, 120, "223 Warning")]
    [TestCase(429, null, 60, "223 Warning")]
    [TestCase(401, null, 60, "222 Error")]
    [TestCase(403, null, 60, "222 Error")]
    public async Task Should_leave_a_service_in_peace_that_says_so(int status, int? retryAfter, int seconds, string log)
    {
        service.RetryAfter = retryAfter;
        service.Faults.FailNext("find", new SimulatorFault.Refuse(status));
        var enrichment = Make();

        _ = await enrichment.FindAsync(Acme, CancellationToken.None);
        time.Advance(TimeSpan.FromSeconds(seconds - 1));
        var before = await enrichment.FindAsync(Acme, CancellationToken.None);
        time.Advance(TimeSpan.FromSeconds(2));
        var after = await enrichment.FindAsync(Acme, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((before, after is not null, service.Calls()), Is.EqualTo(((KnownCompany?)null, true, 2)));
            Assert.That(logs.Text, Does.Contain(log));
        }
    }

    [Test]
    public async Task Should_not_follow_to_another_address()
    {
        service.Faults.FailNext("find", new SimulatorFault.Refuse(302));

        Assert.That(await Make().FindAsync(Acme, CancellationToken.None), Is.Null);
    }

    [Test]
    public async Task Should_take_nothing_that_is_no_value_of_its_field()
    {
        service.Companies["acme.example"] = JsonNode.Parse("""{"company":{"legal/name":{"en":"Acme"},"metrics":{"employees":"very many"},"sector":null,"tags":[1,2]},"sites":[]}""")!.AsObject();

        Assert.That(await Make().FindAsync(Acme, CancellationToken.None), Is.Null);
    }

    [Test]
    public async Task Should_keep_key_and_lead_out_of_logs_and_the_names_of_what_is_kept()
    {
        service.Faults.FailNext("find", new SimulatorFault.Refuse(500));
        var enrichment = Make();

        _ = await enrichment.FindAsync(Acme, CancellationToken.None);
        time.Advance(Break);
        _ = await enrichment.FindAsync(Acme, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(logs.Text, Does.Not.Contain("acme").And.Not.Contain(EnrichmentSimulator.Key).And.Not.Contain("jane"));
            Assert.That(await Database.TextsAsync("SELECT key FROM enrichment_cache"), Has.One.Items.And.All.Not.Contain("acme"));
        }
    }

    private HttpEnrichment Make() => new(options, new CrmGuardSettings { FailureRatio = 0.5, MinimumThroughput = 10, Window = TimeSpan.FromSeconds(30), BreakDuration = Break }, new EnrichmentCache(Database.Sql, Cipher), http, time, new LoggerFactory([logs]).CreateLogger<HttpEnrichment>());
}
