using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.TestKit;

namespace LeadPipeline.Worker.Tests.Intake.Webhooks;

/// <summary>Bodies in the shapes that vendors send.</summary>
internal static class VendorSamples
{
    private static readonly JsonArray Samples = JsonNode.Parse(File.ReadAllText(Repository.PathOf("tests/Worker.Tests/Data/vendor-payloads.json")))!["samples"]!.AsArray();

    /// <summary>Strings of the kinds that break programs.</summary>
    public static IReadOnlyList<string> Hostile { get; } = JsonSerializer.Deserialize<string[]>(File.ReadAllText(Repository.PathOf("tests/Worker.Tests/Data/hostile-strings.json")))!;

    /// <summary>A copy of a sample's body.</summary>
    public static JsonNode Body(string vendor, string? of = null) =>
        Samples.Single(s => s!["vendor"]!.GetValue<string>() == vendor && (of is null || s["event"]!.GetValue<string>() == of))!["body"]!.DeepClone();

    public static JsonElement Element(JsonNode body) => JsonSerializer.SerializeToElement(body);
}
