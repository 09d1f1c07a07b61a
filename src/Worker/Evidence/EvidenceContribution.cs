using System.Text.Json.Nodes;

namespace LeadPipeline.Worker.Evidence;

/// <summary>What one provider knows about one namespace.</summary>
/// <param name="Namespace"><c>enrichment</c>, <c>marketing</c>, <c>product</c>, <c>crm</c> or <c>computed</c>.</param>
/// <param name="Values">Members as in the schema, without the namespace; what is not in the schema is left out.</param>
/// <param name="Provider">Who says so: <c>inline</c>, <c>directory</c>, <c>http</c>, <c>mock</c>…</param>
/// <param name="Door">The door it came through; <c>-</c> when we fetched it ourselves.</param>
/// <param name="FetchedAt">When it was known to be true.</param>
public sealed record EvidenceContribution(string Namespace, JsonObject Values, string Provider, string Door, DateTimeOffset FetchedAt)
{
    /// <summary>Times of single leaves by full path, where they differ from <see cref="FetchedAt"/>.</summary>
    public IReadOnlyDictionary<string, DateTimeOffset>? LeafFetchedAt { get; init; }
}
