using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tests.Registry;

[TestFixture]
public sealed class ToolParametersTests
{
    private static readonly ToolParameters Parameters = new(
        new("leadId", ParameterType.Text, "the lead", Required: true, MaxLength: 40),
        new("name", ParameterType.Text, "a name", MaxLength: 10),
        new("score", ParameterType.Integer, "a score", Minimum: 0, Maximum: 100),
        new("amount", ParameterType.Number, "an amount", Minimum: 0),
        new("open", ParameterType.Boolean, "a flag"),
        new("dueDate", ParameterType.Date, "a day"),
        new("priority", ParameterType.Text, "a priority", Allowed: ["Normal", "High"]),
        new("tags", ParameterType.TextMap, "tags", MaxLength: 5));

    [TestCase("""{"leadId":"00Q1"}""")]
    [TestCase("""{"leadId":"$steps.upsert_lead.recordId"}""")]
    [TestCase("""{"leadId":"@upsert_lead"}""")]
    [TestCase("""{"leadId":"x","score":100.0,"amount":0.5,"open":false,"dueDate":"2026-02-28","priority":"High","tags":{"a":"b"}}""")]
    [TestCase("""{"leadId":"x","name":"; SELECT"}""", Description = "no blocklist over values")]
    [TestCase("""{"leadId":"x","name":"$steps.a.b"}""", Description = "no reference in a name, just a name")]
    public void Should_accept(string arguments) =>
        Assert.That(Parameters.Validate(JsonNode.Parse(arguments)!.AsObject()), Is.Empty);

    [TestCase("""{}""", "leadId", "is missing")]
    [TestCase("""{"leadId":" "}""", "leadId", "is empty")]
    [TestCase("""{"leadId":null}""", "leadId", "is null")]
    [TestCase("""{"leadId":7}""", "leadId", "has the wrong type")]
    [TestCase("""{"leadId":"$step.upsert"}""", "leadId", "is '$step.upsert', which is not a reference")]
    [TestCase("""{"leadId":"x","other":1}""", "other", "is not a parameter of this tool")]
    [TestCase("""{"leadId":"x","name":"elf letters"}""", "name", "has 11 characters")]
    [TestCase("""{"leadId":"x","score":101}""", "score", "is 101")]
    [TestCase("""{"leadId":"x","score":-1}""", "score", "is -1")]
    [TestCase("""{"leadId":"x","score":1.5}""", "score", "has the wrong type")]
    [TestCase("""{"leadId":"x","score":"5"}""", "score", "has the wrong type")]
    [TestCase("""{"leadId":"x","amount":1e99}""", "amount", "is out of range")]
    [TestCase("""{"leadId":"x","open":"true"}""", "open", "has the wrong type")]
    [TestCase("""{"leadId":"x","dueDate":"2026-02-30"}""", "dueDate", "has the wrong type")]
    [TestCase("""{"leadId":"x","dueDate":"28.02.2026"}""", "dueDate", "has the wrong type")]
    [TestCase("""{"leadId":"x","priority":"high"}""", "priority", "is 'high'")]
    [TestCase("""{"leadId":"x","tags":{"a":1}}""", "tags", "has a value at 'a' that is not text")]
    [TestCase("""{"leadId":"x","tags":{"a":"sixsix"}}""", "tags", "has a value at 'a' that is too long")]
    [TestCase("""{"leadId":"x","tags":[]}""", "tags", "has the wrong type")]
    public void Should_refuse_naming_parameter_problem_and_remedy(string arguments, string parameter, string problem)
    {
        var errors = Parameters.Validate(JsonNode.Parse(arguments)!.AsObject());

        Assert.That(errors, Has.Count.EqualTo(1));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(errors[0].Parameter, Is.EqualTo(parameter));
            Assert.That(errors[0].Problem, Is.EqualTo(problem));
            Assert.That(errors[0].Remedy, Is.Not.Empty);
        }
    }

    [Test]
    public void Should_tell_all_errors_at_once() =>
        Assert.That(Parameters.Validate(new JsonObject { ["score"] = 101, ["open"] = 1 }), Has.Count.EqualTo(3));

    [Test]
    public void Should_write_a_strict_schema()
    {
        var schema = Parameters.Schema();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(schema["type"]!.GetValue<string>(), Is.EqualTo("object"));
            Assert.That(schema["additionalProperties"]!.GetValue<bool>(), Is.False);
            Assert.That(schema["required"]!.ToJsonString(), Is.EqualTo("""["leadId"]"""));
            Assert.That(schema["properties"]!["score"]!.ToJsonString(), Is.EqualTo("""{"description":"a score","type":"integer","minimum":0,"maximum":100}"""));
            Assert.That(schema["properties"]!["priority"]!["enum"]!.ToJsonString(), Is.EqualTo("""["Normal","High"]"""));
            Assert.That(schema["properties"]!["dueDate"]!["format"]!.GetValue<string>(), Is.EqualTo("date"));
        }
    }
}
