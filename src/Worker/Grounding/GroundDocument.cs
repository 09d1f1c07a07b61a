using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Evidence;

namespace LeadPipeline.Worker.Grounding;

/// <summary>
/// The document that <c>ground FILE</c> and <c>plan FILE</c> read: <c>lead, enrichment, marketing, product, crm, computed,
/// analysis, now, fetchedAt</c>. A file on this machine is trusted, so its blocks are evidence.
/// </summary>
/// <param name="Snapshot">The evidence.</param>
/// <param name="Analysis">The analysis as it stands in the document, whose life it shares.</param>
/// <param name="Now">The document's time, or the caller's.</param>
public sealed record GroundDocument(EvidenceSnapshot Snapshot, JsonElement Analysis, DateTimeOffset Now)
{
    private static readonly string[] Blocks = ["enrichment", "marketing", "product", "crm", "computed"];

    /// <summary>Reads a document.</summary>
    /// <param name="document">A JSON object.</param>
    /// <param name="time">Tells the time when the document does not.</param>
    /// <exception cref="FormatException">The document is not one; the message names the member.</exception>
    public static GroundDocument Read(JsonElement document, TimeProvider time)
    {
        var members = Members(document);
        var (snapshot, now) = Evidence(members, time);
        return members.TryGetValue("analysis", out var analysis) ? new GroundDocument(snapshot, analysis, now) : throw new FormatException("The document lacks \"analysis\".");
    }

    /// <summary>Reads the evidence of a document, whether there is an analysis in it or not.</summary>
    /// <param name="document">A JSON object.</param>
    /// <param name="time">Tells the time when the document does not.</param>
    /// <exception cref="FormatException">The document is not one; the message names the member.</exception>
    public static EvidenceSnapshot ReadEvidence(JsonElement document, TimeProvider time) => Evidence(Members(document), time).Snapshot;

    private static Dictionary<string, JsonElement> Members(JsonElement document)
    {
        if (document.ValueKind != JsonValueKind.Object)
            throw new FormatException("The document must be a JSON object.");
        // Looked up by our own walk: a name that cannot be read makes every look-up by name throw. Of a duplicate the last counts.
        var members = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var (name, value) in LeafValue.Members(document))
            members[name] = value;
        return members;
    }

    private static (EvidenceSnapshot Snapshot, DateTimeOffset Now) Evidence(Dictionary<string, JsonElement> members, TimeProvider time)
    {
        var now = Member(members, "now") is { } stated ? Time(stated, "now") : time.GetUtcNow();
        var ages = Ages(members, now);
        var contributions = new List<EvidenceContribution>();
        foreach (var block in Blocks)
        {
            if (Object(members, block) is { } values)
                contributions.Add(new EvidenceContribution(block, Leaves(values), "file", "file", ages.GetValueOrDefault(block, now)) { LeafFetchedAt = ages });
        }
        return (EvidenceBuilder.BuildRaw(Object(members, "lead") ?? default, contributions, now, "file"), now);
    }

    /// <summary>Grounds the document by the given rules, or as shipped.</summary>
    /// <exception cref="FormatException">The document is not one.</exception>
    public static GroundingResult Answer(JsonElement document, TimeProvider? time = null, GroundingRules? rules = null) =>
        Read(document, time ?? TimeProvider.System).Ground(rules);

    /// <summary>Grounds this document by the given rules, or as shipped.</summary>
    public GroundingResult Ground(GroundingRules? rules = null) => Grounder.Ground(Snapshot, Analysis, rules ?? GroundingRules.Default, Now);

    private static Dictionary<string, DateTimeOffset> Ages(Dictionary<string, JsonElement> document, DateTimeOffset now)
    {
        var ages = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        if (Object(document, "fetchedAt") is not { } members)
            return ages;
        foreach (var member in LeafValue.Members(members))
        {
            // A misspelt path would silently age nothing.
            if (!EvidenceSchema.Namespaces.Contains(member.Name) && !EvidenceSchema.TryGet(member.Name, out _))
                throw new FormatException($"\"fetchedAt\" names {member.Name}, which is neither a namespace nor a path of the evidence.");
            ages[member.Name] = member.Value.ValueKind == JsonValueKind.Null ? now : Time(member.Value, $"fetchedAt.{member.Name}");
        }
        return ages;
    }

    private static JsonObject Leaves(JsonElement block)
    {
        var leaves = new JsonObject();
        foreach (var member in LeafValue.Members(block))
        {
            if (LeafValue.TryTake(member.Value, out var leaf))
                leaves[member.Name] = leaf.ValueKind == JsonValueKind.Array ? JsonArray.Create(leaf) : JsonValue.Create(leaf);
        }
        return leaves;
    }

    private static JsonElement? Object(Dictionary<string, JsonElement> document, string name) => Member(document, name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Object } value => value,
        _ => throw new FormatException($"\"{name}\" must be an object or null."),
    };

    private static JsonElement? Member(Dictionary<string, JsonElement> document, string name) =>
        document.TryGetValue(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static DateTimeOffset Time(JsonElement value, string name) =>
        Values.TimeValue.Read(value)?.From ?? throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"\"{name}\" must be an ISO 8601 time."));
}
