using System.Collections.Frozen;

namespace LeadPipeline.Worker.Grounding.Values;

/// <summary>The versioned table of terms that mean the same (Data/synonyms.txt).</summary>
internal static class Synonyms
{
    private static readonly string[][] Groups =
        [.. EmbeddedData.Lines("synonyms.txt").Select(line => line.Split(" = ").Select(TextFold.Fold).ToArray())];

    private static readonly FrozenDictionary<string, string[]> GroupOf =
        Groups.SelectMany(group => group.Select(term => (term, group))).ToFrozenDictionary(p => p.term, p => p.group, StringComparer.Ordinal);

    /// <summary>The first term of the group that a folded term belongs to; the term itself when it has no synonyms.</summary>
    public static string Canonical(string folded) => GroupOf.TryGetValue(folded, out var group) ? group[0] : folded;

    /// <summary>The folded term and all its synonyms.</summary>
    public static IReadOnlyList<string> Forms(string folded) => GroupOf.TryGetValue(folded, out var group) ? group : [folded];
}
