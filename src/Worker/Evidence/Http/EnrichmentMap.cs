using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Grounding.Values;
using LeadPipeline.Worker.Intake.Webhooks.Mapping;

namespace LeadPipeline.Worker.Evidence.Http;

/// <summary>Takes the facts out of a service's answer. Pure. What is not a value of its field is not known.</summary>
public sealed class EnrichmentMap
{
    private readonly List<(EvidenceField Field, string Leaf, JsonPointer Pointer)> places;

    /// <summary>A map of leaves of <c>enrichment.*</c> to JSON pointers.</summary>
    /// <exception cref="FormatException">There is no such leaf, or a pointer is none.</exception>
    public EnrichmentMap(IEnumerable<KeyValuePair<string, string>> map) =>
        places = [.. map.Select(m => (EvidenceSchema.TryGet("enrichment." + m.Key, out var field) ? field : throw new FormatException($"there is no enrichment.{m.Key}"), m.Key, JsonPointer.Parse(m.Value)))];

    /// <summary>The paths that it can tell of.</summary>
    public IEnumerable<string> Paths => places.Select(p => p.Field.Path);

    /// <summary>The facts; empty when there are none.</summary>
    public JsonObject Read(JsonElement answer)
    {
        var facts = new JsonObject();
        foreach (var (field, leaf, pointer) in places)
        {
            if (pointer.Find(answer) is not { } found || !LeafValue.TryTake(found, out var value) || ComparableValue.Read(field, value) is null)
                continue;
            facts[leaf] = field.Kind == FieldKind.LowerText && LeafValue.TryGetText(value, out var text) ? JsonValue.Create(text.Trim().ToLowerInvariant())
                : value.ValueKind == JsonValueKind.Array ? JsonArray.Create(value)
                : JsonValue.Create(value);
        }
        return facts;
    }
}
