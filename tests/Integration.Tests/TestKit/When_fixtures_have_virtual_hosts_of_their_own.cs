using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace LeadPipeline.Integration.Tests.TestKit;

[Category("Integration")]
[Parallelizable]
public sealed class When_fixtures_have_virtual_hosts_of_their_own
{
    [Test]
    public async Task Should_not_see_each_others_queues()
    {
        await using var mine = await TestServers.CreateBrokerAsync();
        await using var yours = await TestServers.CreateBrokerAsync();

        await mine.DeclareQueueAsync("leads");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await mine.QueuesAsync()).Select(q => (q.Name, q.Type)), Is.EqualTo(new[] { ("leads", "quorum") }));
            Assert.That(await yours.QueuesAsync(), Is.Empty);
            Assert.That(await yours.QueueAsync("leads"), Is.Null);
        }
    }

    [Test]
    public async Task Should_count_and_hand_out_what_was_published()
    {
        await using var broker = await TestServers.CreateBrokerAsync();
        await broker.DeclareQueueAsync("leads");

        await broker.PublishAsync("leads", """{"email":"ada@example.com"}""", new BasicProperties { MessageId = "m-1" });
        await Eventually.ShouldAsync(async () => await broker.DepthAsync("leads") == 1, "hold one message");
        var message = await broker.GetAsync("leads");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(message?.Text, Is.EqualTo("""{"email":"ada@example.com"}"""));
            Assert.That(message?.Properties.MessageId, Is.EqualTo("m-1"));
            Assert.That(await broker.GetAsync("leads"), Is.Null);
        }
    }

    [Test]
    public async Task Should_refuse_a_message_that_no_queue_takes()
    {
        await using var broker = await TestServers.CreateBrokerAsync();

        var refusal = Assert.ThrowsAsync<PublishException>(() => broker.PublishAsync("nowhere", "lost"));

        Assert.That(refusal.IsReturn, Is.True);
    }

    [Test]
    public async Task Should_close_connections_on_request()
    {
        await using var broker = await TestServers.CreateBrokerAsync();
        await using var connection = await broker.ConnectAsync();

        // A new connection shows in the management API only after a moment.
        await Eventually.ShouldAsync(async () => await broker.DropConnectionsAsync() == 1, "see the connection");

        await Eventually.ShouldAsync(() => !connection.IsOpen, "lose the connection");
    }

    [Test]
    public async Task Should_leave_nothing_behind()
    {
        var broker = await TestServers.CreateBrokerAsync();
        await broker.DeclareQueueAsync("leads");

        await broker.DisposeAsync();

        Assert.That(() => broker.DeclareQueueAsync("leads"), Throws.InstanceOf<RabbitMQClientException>());
    }
}
