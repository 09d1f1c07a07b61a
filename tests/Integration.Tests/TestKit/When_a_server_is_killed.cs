using Npgsql;
using RabbitMQ.Client.Exceptions;

namespace LeadPipeline.Integration.Tests.TestKit;

[Category("Integration")]
[NonParallelizable]
public sealed class When_a_server_is_killed
{
    [TearDown]
    public async Task LeaveBothRunning()
    {
        await ServerControl.StartAsync(TestServer.Database);
        await ServerControl.StartAsync(TestServer.Broker);
    }

    [Test]
    public async Task Should_find_committed_rows_again_in_the_database()
    {
        await using var database = await TestServers.CreateDatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE leads (id int); INSERT INTO leads VALUES (7)");

        await ServerControl.KillAsync(TestServer.Database);
        var refusal = Assert.CatchAsync<NpgsqlException>(() => database.QueryAsync<int>("SELECT id FROM leads"));
        await ServerControl.StartAsync(TestServer.Database);

        Assert.That(refusal, Is.Not.Null);
        await Eventually.ShouldAsync(async () => await database.QueryAsync<int>("SELECT id FROM leads") == 7, "find the row again");
    }

    [Test]
    public async Task Should_find_confirmed_messages_again_in_the_broker()
    {
        await using var broker = await TestServers.CreateBrokerAsync();
        await broker.DeclareQueueAsync("leads");
        await TestBroker.LetQueuesSettleAsync();
        await broker.PublishAsync("leads", "kept");

        await ServerControl.KillAsync(TestServer.Broker);
        Assert.ThrowsAsync<BrokerUnreachableException>(broker.ConnectAsync);
        await ServerControl.StartAsync(TestServer.Broker);

        // A quorum queue elects its leader a moment after the broker answers.
        ReceivedMessage? message = null;
        await Eventually.ShouldAsync(async () => (message = await broker.GetAsync("leads")) is not null, "hand out the message");
        Assert.That(message?.Text, Is.EqualTo("kept"));
    }

    [Test]
    public async Task Should_get_no_answer_from_a_paused_database_until_it_is_resumed()
    {
        await using var database = await TestServers.CreateDatabaseAsync();
        await using var connection = await database.ConnectAsync();
        await using var command = new NpgsqlCommand("SELECT 1", connection);

        await ServerControl.PauseAsync(TestServer.Database);
        var answer = command.ExecuteScalarAsync();
        var answeredWhilePaused = await Task.WhenAny(answer, Task.Delay(TimeSpan.FromMilliseconds(300))) == answer;
        await ServerControl.ResumeAsync(TestServer.Database);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answeredWhilePaused, Is.False);
            Assert.That(await answer.WaitAsync(Eventually.Patience), Is.EqualTo(1));
        }
    }
}
