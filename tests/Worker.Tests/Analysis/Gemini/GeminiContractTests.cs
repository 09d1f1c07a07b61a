using System.Text.Json.Nodes;
using LeadPipeline.TestKit;
using LeadPipeline.TestKit.Simulators;
using LeadPipeline.TestKit.Simulators.Gemini;

namespace LeadPipeline.Worker.Tests.Analysis.Gemini;

/// <summary>Our description of what Google takes and says, by which the simulator judges, held against Google's own.</summary>
[TestFixture]
public sealed class GeminiContractTests
{
    [TestCase(GeminiSimulator.Developer, "gemini-generativelanguage-v1beta.json")]
    [TestCase(GeminiSimulator.Vertex, "vertex-aiplatform-v1.json")]
    public void Nothing_is_allowed_that_the_vendor_does_not_allow(string ours, string document)
    {
        if (OutsideContracts.Find(document) is not { } file)
        {
            Assert.Ignore($"Left out: that {ours}, by which the simulated model judges, allows nothing that {document} does not. It is in none of {string.Join(", ", OutsideContracts.Folders)}; name its folder by {OutsideContracts.Variable}.");
            return;
        }

        var theirs = JsonNode.Parse(File.ReadAllText(file))!["components"]!["schemas"]!.AsObject();
        var (faults, fields) = (new List<string>(), 0);
        foreach (var (name, shape) in ApiShapes.Embedded(ours).All)
        {
            if (theirs[name] is not JsonObject their)
            {
                faults.Add($"{name} is not theirs");
                continue;
            }
            faults.AddRange(Texts(shape["enum"]).Except(Texts(their["enum"])).Select(v => $"{name} has no value {v}"));
            var members = shape["properties"] as JsonObject ?? [];
            foreach (var (field, type) in members)
            {
                fields++;
                if (their["properties"]?[field] is not { } known)
                    faults.Add($"{name}.{field} is not theirs");
                else if (Plain(known) != Plain(type!))
                    faults.Add($"{name}.{field} is {Plain(known)}, not {Plain(type!)}");
            }
            faults.AddRange(Required(their).Where(members.ContainsKey).Except(Texts(shape["required"])).Select(f => $"{name}.{f} is required"));
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(faults, Is.Empty);
            Assert.That(fields, Is.GreaterThan(80));
        }
    }

    /// <summary>What must be there: also of two spellings of which one must be.</summary>
    private static IEnumerable<string> Required(JsonObject schema) =>
        Texts(schema["required"]).Concat(((JsonArray?[])[schema["allOf"] as JsonArray, schema["anyOf"] as JsonArray]).SelectMany(a => a ?? []).SelectMany(a => Required(a!.AsObject())));

    /// <summary>A type in a word, whatever else is said of it.</summary>
    private static string Plain(JsonNode type) => type switch
    {
        _ when type["$ref"] is { } reference => reference.ToString().Split('/')[^1],
        _ when type["anyOf"] is JsonArray forms => string.Join('|', forms.Select(f => Plain(f!)).Order(StringComparer.Ordinal)),
        _ when type["items"] is { } items => $"[{Plain(items)}]",
        _ when type["additionalProperties"] is JsonObject values => $"{{{Plain(values)}}}",
        _ => type["type"]?.ToString() ?? "any",
    };

    private static IEnumerable<string> Texts(JsonNode? list) => (list as JsonArray ?? []).Select(t => t!.GetValue<string>());
}
