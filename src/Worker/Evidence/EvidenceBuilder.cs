using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Evidence;

/// <summary>
/// Freezes what is known about a lead. Pure: the same lead, contributions and time give the same snapshot. What is not in
/// <see cref="EvidenceSchema"/> is left out; null and empty values are not known; the first contribution that has a leaf wins.
/// </summary>
public static class EvidenceBuilder
{
    /// <summary>Snapshot of a normalised lead.</summary>
    /// <param name="lead">The lead. Its own blocks are believed when its sender is trusted, and come before the contributions.</param>
    /// <param name="contributions">What providers know, in order of precedence.</param>
    /// <param name="now">When the snapshot is taken.</param>
    /// <param name="door">The door that the lead came through; its source when null.</param>
    /// <param name="inlineFetchedAt">When the sender's own blocks were known to be true; <paramref name="now"/> when null.</param>
    public static EvidenceSnapshot Build(
        Lead lead,
        IReadOnlyList<EvidenceContribution> contributions,
        DateTimeOffset now,
        string? door = null,
        DateTimeOffset? inlineFetchedAt = null)
    {
        door ??= lead.Source;
        var inline = lead.Trusted ? Inline(lead, door, inlineFetchedAt ?? now) : [];
        return Build(LeadLeaves.Of(lead), [.. inline, .. contributions], now, door, lead.ReceivedAt);
    }

    /// <summary>Snapshot of a lead as raw JSON, which may lack fields, even the e-mail; its own blocks are not believed.</summary>
    /// <param name="lead">An object; anything else is a lead of which nothing is known.</param>
    /// <param name="contributions">What providers know, in order of precedence.</param>
    /// <param name="now">When the snapshot is taken.</param>
    /// <param name="door">The door that the lead came through.</param>
    public static EvidenceSnapshot BuildRaw(JsonElement lead, IReadOnlyList<EvidenceContribution> contributions, DateTimeOffset now, string door)
    {
        var stated = lead.ValueKind == JsonValueKind.Object ? LeadLeaves.Of(lead) : [];
        return Build(stated, contributions, now, door, now);
    }

    private static EvidenceSnapshot Build(
        IEnumerable<(string Path, JsonElement Value)> stated,
        IReadOnlyList<EvidenceContribution> contributions,
        DateTimeOffset now,
        string door,
        DateTimeOffset statedAt)
    {
        // Sorted, so that two snapshots of the same facts are the same document.
        var leaves = new SortedDictionary<string, EvidenceLeaf>(StringComparer.Ordinal);
        foreach (var contribution in contributions)
            Add(leaves, contribution);
        foreach (var (path, value) in stated)
        {
            if (EvidenceSchema.TryGet(path, out _))
                leaves.TryAdd(path, new EvidenceLeaf(value, "lead", door, statedAt));
        }

        var known = new EvidenceSnapshot(leaves, now);
        // A recorded block of computed facts stands as it was; otherwise they follow from the rest.
        if (!contributions.Any(c => c.Namespace == "computed"))
        {
            foreach (var (path, value) in ComputedFacts.Of(known, now))
                leaves.TryAdd(path, new EvidenceLeaf(value, "computed", "-", now));
        }
        // In the same order, and found by hash: grounding looks up each claim.
        return known with { Leaves = new OrderedDictionary<string, EvidenceLeaf>(leaves, StringComparer.Ordinal) };
    }

    private static IEnumerable<EvidenceContribution> Inline(Lead lead, string door, DateTimeOffset fetchedAt)
    {
        var blocks = new (string Namespace, JsonObject? Values)[]
        {
            ("enrichment", lead.Enrichment), ("marketing", lead.Marketing), ("product", lead.Product),
        };
        return blocks.Where(b => b.Values is not null).Select(b => new EvidenceContribution(b.Namespace, b.Values!, "inline", door, fetchedAt));
    }

    private static void Add(SortedDictionary<string, EvidenceLeaf> leaves, EvidenceContribution contribution)
    {
        foreach (var (name, node) in contribution.Values)
        {
            var path = $"{contribution.Namespace}.{name}";
            // A provider speaks for its own namespace only: lead.* are the person's words.
            if (!EvidenceSchema.TryGet(path, out var field) || field.Source == EvidenceSource.LEAD || !LeafValue.TryTake(node, out var value))
                continue;
            var fetchedAt = contribution.LeafFetchedAt?.GetValueOrDefault(path, contribution.FetchedAt) ?? contribution.FetchedAt;
            leaves.TryAdd(path, new EvidenceLeaf(value, contribution.Provider, contribution.Door, fetchedAt));
        }
    }
}
