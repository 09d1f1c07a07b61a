using System.Text.Json;

namespace LeadPipeline.Contracts;

/// <summary>One known fact: its value and where it came from.</summary>
/// <param name="Value">String, number, boolean or array of strings; never null or an object.</param>
/// <param name="Provider">Who said so: <c>inline</c>, <c>directory</c>, <c>http</c>, <c>mock</c>, <c>computed</c>, <c>lead</c>…</param>
/// <param name="Door">The door it came through: <c>api</c>, <c>queue</c>, <c>file</c>, a webhook's name, or <c>-</c> when we fetched it.</param>
/// <param name="FetchedAt">When it was known to be true; ages against its source's time to live.</param>
public sealed record EvidenceLeaf(JsonElement Value, string Provider, string Door, DateTimeOffset FetchedAt);

/// <summary>
/// What was known about a lead at one moment, frozen. Keys are leaf paths of the closed schema
/// (<c>enrichment.employees</c>, <c>lead.company</c>…); a path that is not a key is not known.
/// </summary>
/// <param name="Leaves">The known facts by path, ordinal order.</param>
/// <param name="TakenAt">When the snapshot was frozen.</param>
public sealed record EvidenceSnapshot(IReadOnlyDictionary<string, EvidenceLeaf> Leaves, DateTimeOffset TakenAt)
{
    /// <summary>The value at a path, or null when it is not known.</summary>
    public JsonElement? Value(string path) => Leaves.TryGetValue(path, out var leaf) ? leaf.Value : null;

    /// <summary>The text at a path, or null when it is not known or not a string.</summary>
    public string? Text(string path) =>
        Leaves.TryGetValue(path, out var leaf) && leaf.Value.ValueKind == JsonValueKind.String ? leaf.Value.GetString() : null;

    /// <summary>Whether any leaf stands under the namespace, given without the dot.</summary>
    public bool Has(string ns) => Leaves.Keys.Any(k => k.Length > ns.Length && k[ns.Length] == '.' && k.StartsWith(ns, StringComparison.Ordinal));
}
