using System.Text;
using System.Text.RegularExpressions;
using FuzzySharp;

namespace LeadPipeline.Mcp.Tools;

/// <summary>Compares company names without regard to legal forms, punctuation, case and the order of words.</summary>
public static partial class CompanyNames
{
    private static readonly HashSet<string> LegalForms = new(StringComparer.Ordinal)
    {
        "inc", "incorporated", "llc", "llp", "lp", "ltd", "limited", "plc", "corp", "corporation", "co", "company",
        "gmbh", "mbh", "ag", "kg", "kgaa", "ohg", "ug", "ev", "eg", "se", "sa", "sas", "sasu", "sarl", "sàrl", "sà", "rl", "eurl", "cie",
        "srl", "spa", "sl", "slu", "lda", "ltda", "bv", "nv", "vof", "cv", "oy", "oyj", "ab", "as", "asa", "aps", "hf", "ehf",
        "pty", "pte", "pvt", "sdn", "bhd", "kk", "sro", "doo", "dd", "kft", "zrt", "nyrt", "spzoo", "sia", "uab", "oü", "ooo",
    };

    // Words that only join a name to its legal form, as in "Muster GmbH & Co. KG" ("&" is no letter and is gone by then).
    private static readonly HashSet<string> Joints = new(StringComparer.Ordinal) { "and", "und", "et", "y" };

    /// <summary>Likeness of two names from 0 to 1; 0 when either has no letters or digits.</summary>
    public static decimal Likeness(string name, string other)
    {
        var (a, b) = (Core(name), Core(other));
        return a.Length == 0 || b.Length == 0 ? 0 : Fuzz.TokenSortRatio(a, b) / 100m;
    }

    /// <summary>The name in lower case, letters and digits only, without its legal form.</summary>
    public static string Core(string name)
    {
        // FuzzySharp's own preprocessing keeps ASCII letters only, which makes any two Cyrillic names equal: hence ours.
        var joined = PolishForm().Replace(name.Normalize(NormalizationForm.FormKC).ToLowerInvariant(), "spzoo");
        joined = DottedLetters().Replace(joined, match => match.Value.Replace(".", "", StringComparison.Ordinal));
        var words = NotWord().Replace(joined.Replace("'", "", StringComparison.Ordinal).Replace("’", "", StringComparison.Ordinal), " ")
            .Split(' ', StringSplitOptions.RemoveEmptyEntries).ToList();

        var stripped = false;
        while (words.Count > 1 && (LegalForms.Contains(words[^1]) || (stripped && Joints.Contains(words[^1]))))
        {
            words.RemoveAt(words.Count - 1);
            stripped = true;
        }
        return string.Join(' ', words);
    }

    // S.A., G.m.b.H. and B.V., but not example.com.
    [GeneratedRegex(@"(?<![\p{L}\p{N}])\p{L}{1,2}(?:\.\p{L}{1,2})+\.?(?![\p{L}\p{N}])", RegexOptions.CultureInvariant)]
    private static partial Regex DottedLetters();

    [GeneratedRegex(@"\bsp\.?\s*z\.?\s*o\.?\s*o\.?(?=\W|$)", RegexOptions.CultureInvariant)]
    private static partial Regex PolishForm();

    [GeneratedRegex(@"[^\p{L}\p{M}\p{N}]+", RegexOptions.CultureInvariant)]
    private static partial Regex NotWord();
}
