using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace LeadPipeline.Worker.Intake;

/// <summary>
/// Splits a name that came in one piece. It is a guess, used only where the sender left the parts out: the last word is the
/// family name, with the particles before it ("van der Berg") and the suffixes after it ("Doe III"); "Family, Given" is read
/// the other way round, and so are names in Chinese characters, kana or hangul.
/// </summary>
public static class PersonName
{
    private static readonly FrozenSet<string> Particles = FrozenSet.Create(StringComparer.OrdinalIgnoreCase,
        "van", "von", "der", "den", "de", "del", "della", "di", "da", "do", "dos", "das", "du", "des", "la", "le", "lo",
        "ter", "ten", "te", "zu", "zum", "zur", "af", "av", "al", "el", "bin", "bint", "ibn", "ben", "san", "st.");

    private static readonly FrozenSet<string> Suffixes = FrozenSet.Create(StringComparer.OrdinalIgnoreCase,
        "jr", "jr.", "sr", "sr.", "ii", "iii", "iv", "phd", "ph.d.", "md", "m.d.", "mba", "esq", "esq.");

    private static readonly FrozenSet<string> Honorifics = FrozenSet.Create(StringComparer.OrdinalIgnoreCase,
        "mr", "mr.", "mrs", "mrs.", "ms", "ms.", "dr", "dr.", "prof", "prof.", "herr", "frau", "mme", "m.", "sr.ª", "sra.", "ing.", "dipl.-ing.");

    /// <summary>Given and family name; either may be null when there is only one word.</summary>
    public static (string? First, string? Last) Split(string name)
    {
        var comma = name.IndexOf(',', StringComparison.Ordinal);
        if (comma > 0 && comma < name.Length - 1 && name.IndexOf(',', comma + 1) < 0 && !Suffixes.Contains(name[(comma + 1)..].Trim()))
            return (Join(Words(name[(comma + 1)..])), Join(Words(name[..comma])));

        var words = Words(name.Replace(',', ' '));
        var start = 0;
        while (start < words.Length - 1 && Honorifics.Contains(words[start]))
            start++;
        words = words[start..];
        if (words.Length == 0)
            return (null, null);

        var familyFirst = IsEastAsian(words[0]);
        if (words.Length == 1)
            return familyFirst ? (null, words[0]) : (words[0], null);
        if (familyFirst)
            return (Join(words[1..]), words[0]);

        var family = words.Length - 1;
        while (family > 1 && Suffixes.Contains(words[family]))
            family--;
        while (family > 1 && Particles.Contains(words[family - 1]))
            family--;
        return (Join(words[..family]), Join(words[family..]));
    }

    /// <summary>The part that is missing when the whole and the other part are known; null when they do not fit together.</summary>
    public static (string? First, string? Last) Complete(string name, string? first, string? last)
    {
        if (first is null && last is null)
            return Split(name);
        if (first is null && name.Length > last!.Length && name.EndsWith(last, StringComparison.OrdinalIgnoreCase))
            return (NullIfEmpty(name[..^last.Length].Trim()), last);
        if (last is null && name.Length > first!.Length && name.StartsWith(first, StringComparison.OrdinalIgnoreCase))
            return (first, NullIfEmpty(name[first.Length..].Trim()));
        return (first, last);
    }

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;

    private static string? Join(string[] words) => words.Length == 0 ? null : string.Join(' ', words);

    private static string[] Words(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private static bool IsEastAsian(string word)
    {
        Rune.DecodeFromUtf16(word, out var rune, out _);
        return rune.Value is >= 0x3040 and <= 0x30FF or >= 0x3400 and <= 0x9FFF or >= 0xAC00 and <= 0xD7AF or >= 0x20000 and <= 0x3FFFF
            && Rune.GetUnicodeCategory(rune) == UnicodeCategory.OtherLetter;
    }
}
