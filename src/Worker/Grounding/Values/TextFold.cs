using System.Text;

namespace LeadPipeline.Worker.Grounding.Values;

/// <summary>Brings texts that a reader would call the same to the same characters.</summary>
internal static class TextFold
{
    /// <summary>NFKC, trimmed, runs of white space made one space. Total: text that Unicode cannot normalise is taken as near as possible.</summary>
    public static string Normal(string text)
    {
        if (IsPlain(text))
            return text;
        string normal;
        try
        {
            normal = text.Normalize(NormalizationForm.FormKC);
        }
        catch (ArgumentException)
        {
            // Lone surrogates and U+FFFE: no text, but the lead or the model may send them.
            normal = new string([.. text.Select(c => char.IsSurrogate(c) || c == '\uFFFE' ? '\uFFFD' : c)]).Normalize(NormalizationForm.FormKC);
        }
        return Collapse(normal);
    }

    /// <summary>
    /// <see cref="Normal"/> and simple case folding: one character to one character, so that ß is not ss. Upper-casing first
    /// brings together letters with two lower-case forms, such as the final sigma.
    /// </summary>
    public static string Fold(string text)
    {
        var normal = Normal(text);
        // ASCII has no letter with two lower-case forms.
        return Ascii.IsValid(normal) ? normal.ToLowerInvariant() : normal.ToUpperInvariant().ToLowerInvariant();
    }

    /// <summary>Whether the word or phrase stands in the text with no letter or digit directly beside it.</summary>
    public static bool ContainsWhole(ReadOnlySpan<char> text, ReadOnlySpan<char> phrase)
    {
        var from = 0;
        for (var at = text.IndexOf(phrase); at >= 0; at = text[from..].IndexOf(phrase))
        {
            at += from;
            var end = at + phrase.Length;
            if ((at == 0 || !char.IsLetterOrDigit(text[at - 1])) && (end == text.Length || !char.IsLetterOrDigit(text[end])))
                return true;
            from = at + 1;
            if (from > text.Length)
                return false;
        }
        return false;
    }

    /// <summary>The words of a text: runs of letters and digits.</summary>
    public static IEnumerable<string> Words(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var start = i;
            while (i < text.Length && char.IsLetterOrDigit(text[i]))
                i++;
            if (i > start)
                yield return text[start..i];
        }
    }

    private static bool IsPlain(string text)
    {
        // Most values are short ASCII with single spaces; they are already normal.
        var previous = ' ';
        foreach (var c in text)
        {
            if (c is < ' ' or > '~' || (c == ' ' && previous == ' '))
                return false;
            previous = c;
        }
        return text.Length == 0 || previous != ' ';
    }

    private static string Collapse(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            if (!char.IsWhiteSpace(c))
                result.Append(c);
            else if (result.Length > 0 && result[^1] != ' ')
                result.Append(' ');
        }
        if (result.Length > 0 && result[^1] == ' ')
            result.Length--;
        return result.ToString();
    }
}
