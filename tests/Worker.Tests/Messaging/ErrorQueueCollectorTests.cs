using System.Text;
using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Messaging.RabbitMq;
using RabbitMQ.Client;

namespace LeadPipeline.Worker.Tests.Messaging;

/// <summary>What is read from a message that a consumer put aside.</summary>
public sealed class ErrorQueueCollectorTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 5, 12, 0, 0, TimeSpan.Zero);

    [Test]
    public void Should_keep_when_a_message_to_intake_failed_first()
    {
        var first = Read("lead-intake", ("MT-Fault-Timestamp", "2026-03-02T08:00:00.0000000Z"), ("tenant", "north"));
        var again = Read("lead-intake", [("MT-Fault-Timestamp", "2026-03-04T08:00:00.0000000Z"), .. first.Message.Headers.Select(h => (h.Key, h.Value))]);
        var command = Read("lead-analysis", ("MT-Fault-Timestamp", "2026-03-02T08:00:00.0000000Z"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first.Message.Headers, Is.EquivalentTo(new Dictionary<string, string> { ["tenant"] = "north", [QueueMessage.AcceptedBefore] = "2026-03-02T08:00:00.0000000+00:00" }));
            Assert.That(again.Message.Headers, Is.EquivalentTo(first.Message.Headers));
            Assert.That((again.Id, again.FailedAt.Day), Is.EqualTo((first.Id, 4)), "the same dead letter, failed again");
            Assert.That(command.Message.Headers, Is.Empty);
        }
    }

    [TestCase("2026-03-02T08:00:00.0000000Z", ExpectedResult = "2026-03-02T08:00:00.0000000Z")]
    [TestCase("2026-03-02", ExpectedResult = "2026-03-04T08:00:00.0000000+00:00")]
    [TestCase("yesterday", ExpectedResult = "2026-03-04T08:00:00.0000000+00:00")]
    public string Should_put_a_time_where_there_is_none(string written) =>
        Read("lead-intake", ("MT-Fault-Timestamp", "2026-03-04T08:00:00.0000000Z"), (QueueMessage.AcceptedBefore, written)).Message.Headers[QueueMessage.AcceptedBefore];

    [TestCase("""{"message":{"leadId":"3f2b8c1e-0d4a-4e6b-9a7c-5d1f2e3a4b5c"}}""", "3f2b8c1e-0d4a-4e6b-9a7c-5d1f2e3a4b5c")]
    [TestCase("""{"message":{"leadId":"\ud800"}}""", null)]
    [TestCase("""{"message":{"leadId":17}}""", null)]
    [TestCase("""{"message":[]}""", null)]
    [TestCase("""[1]""", null)]
    [TestCase("""{"message""", null)]
    public void Should_find_the_lead_of_a_command_in_whatever_was_posted(string body, string? lead) =>
        Assert.That(ErrorQueueCollector.LeadOf("lead-analysis", Encoding.UTF8.GetBytes(body))?.ToString(), Is.EqualTo(lead));

    private static FailedMessage Read(string queue, params (string Name, string Value)[] headers) =>
        ErrorQueueCollector.Read(queue, new BasicProperties { Headers = headers.ToDictionary(h => h.Name, h => (object?)Encoding.UTF8.GetBytes(h.Value)) }, "{}"u8.ToArray(), Now);
}
