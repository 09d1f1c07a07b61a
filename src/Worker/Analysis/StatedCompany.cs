using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace LeadPipeline.Worker.Analysis;

/// <summary>Tells whether two names can mean one company. Doubt counts for the person: only a clear difference is one.</summary>
internal static class StatedCompany
{
    /// <summary>Words that many companies share and none is known by.</summary>
    private static readonly FrozenSet<string> Insignificant = FrozenSet.Create(StringComparer.Ordinal,
        "gmbh", "ag", "se", "kg", "kgaa", "ohg", "ug", "mbh", "ev", "co", "cie", "inc", "incorporated", "corp", "corporation", "company", "companies", "llc", "llp", "lp", "ltd", "limited",
        "plc", "pty", "pvt", "pte", "sa", "sas", "sarl", "sl", "spa", "srl", "bv", "nv", "ab", "as", "asa", "aps", "oy", "oyj", "kk", "kabushiki", "kaisha", "sdn", "bhd", "jsc", "pjsc", "ooo",
        "group", "gruppe", "groupe", "grupo", "gruppo", "holding", "holdings", "international", "global", "worldwide", "the", "and", "und", "et", "y", "e", "of", "de", "la", "le", "der", "die",
        "solutions", "services", "systems", "technologies", "technology", "software", "bank", "com");

    /// <summary>What people write when they have no company to name.</summary>
    private static readonly FrozenSet<string> NoCompany = FrozenSet.Create(StringComparer.Ordinal,
        "na", "n/a", "none", "no", "nil", "null", "-", "self", "selfemployed", "freelance", "freelancer", "private", "privat", "student", "test", "tbd", "unknown", "individual", "home", "personal");

    internal static bool ClearlyDiffer(string stated, string known, string? domain)
    {
        if (NoCompany.Contains(Compact(Fold(stated))) || !SameScript(stated, known))
            return false;
        var (one, other) = (Tokens(stated), Tokens(known));
        if (one.Count == 0 || other.Count == 0 || one.Overlaps(other))
            return false;
        var (compactOne, compactOther) = (Compact(Fold(stated)), Compact(Fold(known)));
        var (shorter, longer) = compactOne.Length < compactOther.Length ? (compactOne, compactOther) : (compactOther, compactOne);
        if (shorter.Length >= 4 && longer.Contains(shorter, StringComparison.Ordinal))
            return false;
        // "IBM" for International Business Machines, and "Google" at google.com whatever the holding is called.
        if (IsShort(compactOne, known) || IsShort(compactOther, stated))
            return false;
        var label = domain?.Split('.')[0] ?? "";
        return label.Length < 2 || !one.Contains(label) && compactOne != label;
    }

    private static HashSet<string> Tokens(string name)
    {
        var words = Fold(name).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var significant = words.Where(w => !Insignificant.Contains(w) && w.Length > 1).ToHashSet(StringComparer.Ordinal);
        // "The Software Company" is all a company has when it is called so.
        return significant.Count > 0 ? significant : [.. words];
    }

    /// <summary>The legal form at the end may be left out of the initials: IBM, not IBMC.</summary>
    private static bool IsShort(string compact, string name) => compact.Length >= 2 && Initials(name).StartsWith(compact, StringComparison.Ordinal);

    private static string Initials(string name) => string.Concat(Fold(name).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(w => w[0]));

    private static string Compact(string folded) => folded.Replace(" ", "", StringComparison.Ordinal);

    /// <summary>Lower case without accents, words by single spaces; "S.A." is one word.</summary>
    private static string Fold(string name)
    {
        var folded = new StringBuilder(name.Length);
        foreach (var rune in name.Normalize(NormalizationForm.FormKD).EnumerateRunes())
        {
            if (Rune.IsLetterOrDigit(rune))
                folded.Append(Rune.ToLowerInvariant(rune));
            else if (Rune.GetUnicodeCategory(rune) != UnicodeCategory.NonSpacingMark && rune.Value is not ('.' or '\'' or '’') && folded.Length > 0 && folded[^1] != ' ')
                folded.Append(' ');
        }
        return folded.ToString().TrimEnd();
    }

    /// <summary>"ソニー" and "Sony" share no letter and are one company; letters of two scripts prove nothing.</summary>
    private static bool SameScript(string one, string other) => HasLatin(one) == HasLatin(other);

    private static bool HasLatin(string text) => text.Any(c => char.IsAsciiLetter(c) || c is >= '\u00C0' and <= '\u024F');
}
