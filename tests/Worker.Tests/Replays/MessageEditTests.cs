using System.Text;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.DeadLetters;

namespace LeadPipeline.Worker.Tests.Replays;

[TestFixture]
public sealed class MessageEditTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 3, 12, 0, 0, TimeSpan.Zero);
    private const string Answered = "3f2b8c1e-0d4a-4e6b-9a7c-5d1f2e3a4b5c";
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

    [TestCase("""{"email":"jane@acme.example","leadId":"ID"}""", """{"email":"jane@acme.example"}""", ExpectedResult = null)]
    [TestCase("""{"email":"jane@acme.example","leadId":"ID"}""", """{"email":"jane@acme.example","leadId":"0b7c9a3e-1f64-4d8a-9a2b-6f0e5c1d2b3a"}""", ExpectedResult = null)]
    [TestCase("""{"email":"jane@acme.example"}""", """{"email":"jane@acme.example","leadId":"0b7c9a3e-1f64-4d8a-9a2b-6f0e5c1d2b3a"}""", ExpectedResult = null)]
    [TestCase("""{"email":"jane"}""", """{"email":"jane@acme.example"}""", ExpectedResult = Answered)]
    [TestCase("""{"email":"jane","leadId":"ID"}""", """{"email":"jane@acme.example","leadId":"ID"}""", ExpectedResult = Answered)]
    public string? Should_keep_the_id_that_was_answered_unless_the_edit_is_about_the_id(string failed, string lead)
    {
        var envelope = $$"""{"messageId":"old","message":{"leadId":"{{Answered}}","lead":{{failed.Replace("ID", Answered, StringComparison.Ordinal)}} } }""";

        var edit = MessageEdit.Of(Message(envelope), JsonNode.Parse(lead.Replace("ID", Answered, StringComparison.Ordinal))!.AsObject(), MessageId, Now);

        return JsonNode.Parse(((MessageEdit.Edited)edit).Body)!["message"]!["leadId"]?.ToString();
    }

    private static QueueMessage Message(string body) => new(Encoding.UTF8.GetBytes(body), "id", null, new Dictionary<string, string>(), "why");
}
