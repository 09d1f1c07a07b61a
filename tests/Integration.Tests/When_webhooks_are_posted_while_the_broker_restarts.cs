using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace LeadPipeline.Integration.Tests;

/// <summary>A sender that repeats what is not answered 2xx, as senders of webhooks do, posts through an outage of the broker.</summary>
[Category("Integration")]
[NonParallelizable]
public sealed class When_webhooks_are_posted_while_the_broker_restarts
{
    private const int Posts = 2000, Together = 64;
    private const string Secret = "leadpipeline-integration-secret1";

    [TearDown]
    public Task LeaveTheBrokerRunning() => ServerControl.StartAsync(TestServer.Broker);

    [Test]
    public async Task Should_have_every_post_that_was_answered_2xx_and_none_twice()
    {
        await using var state = await ServedState.CreateAsync();
        await using var worker = await state.StartAsync(
            ("Webhooks__standard__Secrets__0", "whsec_" + Convert.ToBase64String(Encoding.UTF8.GetBytes(Secret))), ("Webhooks__standard__Trusted", "true"),
            ("Messaging__PublishTimeout", "00:00:02"), ("Messaging__ResendAfter", "00:00:10"));
        await TestBroker.LetQueuesSettleAsync();
        var sender = new WebhookSender(worker);

        var sending = Parallel.ForEachAsync(Enumerable.Range(0, Posts), new ParallelOptions { MaxDegreeOfParallelism = Together }, async (i, _) => await sender.SendAsync(i));
        await Eventually.ShouldAsync(() => sender.Accepted.Count >= 300, "have accepted 300 posts");
        await ServerControl.StopAsync(TestServer.Broker);
        await ServerControl.StartAsync(TestServer.Broker);
        await sending;
        // A sender that did not hear the answer posts again: the same leads.
        await Parallel.ForEachAsync(Enumerable.Range(0, 100), new ParallelOptions { MaxDegreeOfParallelism = Together }, async (i, _) => await sender.SendAsync(i));
        await When_workers_are_killed.UntilDoneAsync(state, worker, Posts);

        var leads = await state.Database.QueryAsync<long>("SELECT COUNT(*) FROM leads");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(await Promises.BrokenAsync(state.Database, sender.Accepted.Values), Is.Empty);
            Assert.That(sender.Accepted, Has.Count.EqualTo(Posts));
            Assert.That(sender.Accepted.Values.Distinct().Count(), Is.EqualTo(Posts), "each post is a lead of its own, however often it was repeated");
            Assert.That(leads, Is.EqualTo(Posts));
            Assert.That(sender.Otherwise.Keys, Is.SubsetOf(new[] { HttpStatusCode.ServiceUnavailable }));
        }
    }

    private sealed class WebhookSender(RunningWorker worker)
    {
        /// <summary>The lead that each post was answered with.</summary>
        public ConcurrentDictionary<int, Guid> Accepted { get; } = new();

        public ConcurrentDictionary<HttpStatusCode, int> Otherwise { get; } = new();

        public async Task SendAsync(int number)
        {
            var body = $$"""{"type":"lead.created","data":{{GeneratedLeads.Lead(number).ToJsonString()}}}""";
            await Eventually.ShouldAsync(() => PostAsync(number, body), $"accept post {number}");
        }

        private async Task<bool> PostAsync(int number, string body)
        {
            // The id stays; time and signature are of each try.
            var (id, time) = ($"msg_{number}", DateTimeOffset.UtcNow.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
            var signature = Convert.ToBase64String(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret), Encoding.UTF8.GetBytes($"{id}.{time}.{body}")));
            using var request = new HttpRequestMessage(HttpMethod.Post, "/webhooks/standard") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
            request.Headers.Add("webhook-id", id);
            request.Headers.Add("webhook-timestamp", time);
            request.Headers.Add("webhook-signature", "v1," + signature);
            using var response = await worker.Client.SendAsync(request);
            if (!response.IsSuccessStatusCode)
            {
                Otherwise.AddOrUpdate(response.StatusCode, 1, (_, n) => n + 1);
                return false;
            }
            var lead = Guid.Parse((await response.JsonAsync())["leadId"]!.GetValue<string>());
            if (Accepted.GetOrAdd(number, lead) != lead)
                throw new InvalidOperationException($"Post {number} was answered with another lead than before.");
            return true;
        }
    }
}
