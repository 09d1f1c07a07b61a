using System.Diagnostics;
using System.Net;

namespace LeadPipeline.Integration.Tests;

/// <summary>The broker goes away while leads are under way and comes back. It happens once, and each test looks at something else of it.</summary>
[Category("Integration")]
[NonParallelizable]
public sealed class When_the_broker_is_away_for_a_while
{
    private const int Leads = 100;

    private ServedState state = null!;
    private RunningWorker worker = null!;
    private AuditQueue audit = null!;
    private HttpResponseMessage away = null!, several = null!, live = null!;
    private TimeSpan took;

    [OneTimeSetUp]
    public async Task GoAwayAndComeBackAsync()
    {
        state = await ServedState.CreateAsync();
        worker = await state.StartAsync(("Messaging__PublishTimeout", "00:00:01"), ("Messaging__ResendAfter", "00:00:03"), ("Mock__Latency", "00:00:00.200"));
        audit = await AuditQueue.BindAsync(state.Broker, "#");
        await TestBroker.LetQueuesSettleAsync();
        var sender = new LeadSender(() => worker);
        var sending = sender.SendAsync(0, Leads, together: 4);
        await Eventually.ShouldAsync(() => sender.Answered >= 30, "have answered 30 posts");

        await ServerControl.StopAsync(TestServer.Broker);
        var watch = Stopwatch.StartNew();
        away = await worker.PostAsync(GeneratedLeads.Lead(1000).ToJsonString());
        took = watch.Elapsed;
        several = await worker.PostAsync($"[{GeneratedLeads.Lead(1001)},{GeneratedLeads.Lead(1002)}]");
        await Eventually.ShouldAsync(async () => (await worker.Client.GetAsync("/health/ready")).StatusCode == HttpStatusCode.ServiceUnavailable, "say that it is not ready");
        live = await worker.Client.GetAsync("/health/live");

        await ServerControl.StartAsync(TestServer.Broker);
        await sending;
    }

    [OneTimeTearDown]
    public async Task LeaveItRunningAsync()
    {
        await ServerControl.StartAsync(TestServer.Broker);
        foreach (var answer in (HttpResponseMessage?[])[away, several, live])
            answer?.Dispose();
        if (worker is not null)
            await worker.DisposeAsync();
        if (state is not null)
            await state.DisposeAsync();
    }

    [Test]
    public void Should_answer_503_and_live_on()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(away.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
            Assert.That(away.Headers.RetryAfter, Is.Not.Null);
            Assert.That(away.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/problem+json"));
            Assert.That(took, Is.LessThan(TimeSpan.FromSeconds(15)), "it waits for the confirm as long as it may, and no longer");
            Assert.That(several.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
            Assert.That(live.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test]
    public async Task Should_answer_202_once_it_is_back()
    {
        await worker.Process.UntilReadyAsync(worker.Address);

        using var back = await worker.PostAsync(GeneratedLeads.Lead(1000).ToJsonString());

        Assert.That(back.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        _ = await worker.UntilDoneAsync(Guid.Parse((await back.JsonAsync())["leadId"]!.GetValue<string>()));
    }

    [Test]
    public async Task Should_publish_later_what_could_not_be_published()
    {
        await Eventually.ShouldAsync(async () => await state.Database.QueryAsync<long>("SELECT COUNT(*) FROM leads WHERE pending IS NULL") >= Leads
            && await state.Database.QueryAsync<long>("SELECT COUNT(*) FROM leads WHERE pending IS NOT NULL") == 0, "finish every lead");

        var heard = new Dictionary<string, List<int>>();
        await Eventually.ShouldAsync(async () =>
        {
            foreach (var (_, _, told) in await audit.TakeAsync())
            {
                var lead = told["leadId"]!.GetValue<string>();
                var seq = told["seq"]!.GetValue<int>();
                var before = heard.TryGetValue(lead, out var known) ? known : heard[lead] = [];
                if (!before.Contains(seq))
                    before.Add(seq);
            }
            return heard.Values.Sum(h => h.Count) == await state.Database.QueryAsync<long>("SELECT COUNT(*) FROM audit_events");
        }, "publish every event of every lead");
        Assert.That(heard.Values, Is.All.Ordered, "each lead's events in their order, copies left out");
    }
}
