using System.Text;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.DeadLetters;

namespace LeadPipeline.Worker.Tests.Replays;

[TestFixture]
public sealed class MessageEditTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 3, 12, 0, 0, TimeSpan.Zero);
    private static readonly Guid MessageId = new("7c5ce2a4-6c0f-4b52-8e8c-0d1f5f1b2a01");

    [TestCase("""{"email":"nobody","email":"nowhere"}""")]
    [TestCase("""{"email":"nobody","customFields":{"a":"1","a":"2"}}""")]
    [TestCase("{\"email\":")]
    public void Should_take_a_lead_for_a_message_that_cannot_be_told_apart(string failed)
    {
        var lead = new JsonObject { ["email"] = "jane@acme.example" };

        var edit = MessageEdit.Of(Message(failed), lead, MessageId, Now);

        Assert.That(Encoding.UTF8.GetString(((MessageEdit.Edited)edit).Body), Is.EqualTo("""{"email":"jane@acme.example"}"""));
    }

    [Test]
    public void Should_keep_the_envelope_of_a_lead_that_names_a_member_twice()
    {
        var failed = """{"messageId":"old","messageType":["urn:message:LeadPipeline.Contracts:LeadSubmitted"],"message":{"door":"api","lead":{"email":"nobody","email":"nowhere"}}}""";

        var edit = (MessageEdit.Edited)MessageEdit.Of(Message(failed), new JsonObject { ["email"] = "jane@acme.example" }, MessageId, Now);

        var body = JsonNode.Parse(edit.Body)!;
        Assert.That((body["messageId"]!.ToString(), body["message"]!["door"]!.ToString(), body["message"]!["lead"]!["email"]!.ToString()), Is.EqualTo((MessageId.ToString(), "api", "jane@acme.example")));
    }

    private static QueueMessage Message(string body) => new(Encoding.UTF8.GetBytes(body), "id", null, new Dictionary<string, string>(), "why");
}
