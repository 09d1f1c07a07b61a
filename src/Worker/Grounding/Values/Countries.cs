using System.Collections.Frozen;

namespace LeadPipeline.Worker.Grounding.Values;

/// <summary>Country names and ISO 3166-1 codes, which are synonyms (Data/countries.txt).</summary>
internal static class Countries
{
    private static readonly FrozenDictionary<string, string> CodeOf = Load();

    /// <summary>The lower-case alpha-2 code of a folded country name or code; the text itself when it names no country.</summary>
    public static string Canonical(string folded) => CodeOf.GetValueOrDefault(folded, folded);

    private static FrozenDictionary<string, string> Load()
    {
        var codes = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var names in EmbeddedData.Lines("countries.txt").Select(line => line.Split(';')))
        {
            foreach (var name in names)
                codes.TryAdd(TextFold.Fold(name), names[0].ToLowerInvariant());
        }
        return codes.ToFrozenDictionary(StringComparer.Ordinal);
    }
}
