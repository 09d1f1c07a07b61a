using System.Net;

namespace LeadPipeline.Integration.Tests;

/// <summary>Broker and database go away under load and come back; the worker stays and has to find its way by itself.</summary>
[Category("Integration")]
[NonParallelizable]
public sealed class When_servers_restart_under_load
{
    private const int Leads = 300;

    [TearDown]
    public async Task LeaveBothRunning()
    {
        await ServerControl.StartAsync(TestServer.Database);
        await ServerControl.StartAsync(TestServer.Broker);
    }

    /// <summary>
    /// PostgreSQL dies; RabbitMQ is stopped. Killed outright, this broker may bring a queue that is only seconds old back without a leader (a
    /// known fault of its older versions), and no worker can help that.
    /// </summary>
    private static Task GoAwayAsync(TestServer server) => server == TestServer.Database ? ServerControl.KillAsync(server) : ServerControl.StopAsync(server);

    [Test]
    public async Task Should_lose_no_lead_and_do_nothing_twice()
    {
        await using var state = await ServedState.CreateAsync();
        await using var worker = await state.StartAsync(("Messaging__PublishTimeout", "00:00:02"), ("Messaging__ResendAfter", "00:00:05"));
        await TestBroker.LetQueuesSettleAsync();
        var sender = new LeadSender(() => worker);

        var sending = sender.SendAsync(0, Leads);
        foreach (var (server, moment) in new[] { (TestServer.Database, 40), (TestServer.Broker, 110), (TestServer.Database, 190) })
        {
            await Eventually.ShouldAsync(() => sender.Answered >= moment, $"have answered {moment} posts");
            await GoAwayAsync(server);
            await ServerControl.StartAsync(server);
        }
        await sending;

        await When_workers_are_killed.UntilDoneAsync(state, worker, Leads);
        await When_workers_are_killed.AssertPromisesAsync(state, sender, Leads);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(sender.Refused.Keys, Is.SubsetOf(new[] { HttpStatusCode.ServiceUnavailable }), "nothing but 503 is answered while a server is away");
            Assert.That(sender.Longest, Is.LessThan(TimeSpan.FromSeconds(25)), "no post hangs");
            Assert.That(worker.Process.HasExited, Is.False);
        }
    }
}
