using System.Text.Json.Nodes;
using LeadPipeline.Worker.Http.OpenApi;

namespace LeadPipeline.Worker.Tests.Http.OpenApi;

public sealed class OpenApiSchemasTests
{
    private static readonly JsonObject Schemas = OpenApiSchemas.Read();

    private static IEnumerable<string> Names => Schemas.Select(s => s.Key);

    [TestCaseSource(nameof(Names))]
    public void Has_examples_that_are_what_it_says(string name)
    {
        var check = new SchemaCheck(new JsonObject { ["components"] = new JsonObject { ["schemas"] = Schemas.DeepClone() } });

        var examples = Schemas[name]!["examples"] as JsonArray ?? [];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(examples, Is.Not.Empty);
            Assert.That(examples.SelectMany(e => check.Faults(e, Schemas[name]!)), Is.Empty);
        }
    }

    [TestCase("""{"type":"object","properties":{"a":{"type":"string"}}}""", """{"a":1}""")]
    [TestCase("""{"type":"object","properties":{"a":{"type":"string"}}}""", """{"b":"x"}""")]
    [TestCase("""{"type":"object","required":["a"]}""", "{}")]
    [TestCase("""{"type":"string","format":"uuid"}""", "\"1\"")]
    [TestCase("""{"type":"integer","minimum":1}""", "0.5")]
    [TestCase("""{"enum":["A",null]}""", "\"B\"")]
    [TestCase("""{"type":"array","items":{"type":"integer"}}""", "[1,\"2\"]")]
    [TestCase("""{"oneOf":[{"type":"string"},{"type":"null"}]}""", "1")]
    public void The_check_finds_what_does_not_fit(string schema, string value)
    {
        Assert.That(new SchemaCheck(new JsonObject()).Faults(JsonNode.Parse(value), JsonNode.Parse(schema)!), Is.Not.Empty);
    }
}
