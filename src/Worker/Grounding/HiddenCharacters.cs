using System.Globalization;
using System.Text;

namespace LeadPipeline.Worker.Grounding;

/// <summary>Characters that a reader does not see: control, zero-width, bidirectional and tag characters.</summary>
internal static class HiddenCharacters
{
    /// <summary>Whether the text has any, line breaks and tabs apart, and joiners where a script or an emoji needs them.</summary>
    public static bool Found(string text)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            return false;
        for (var i = 0; i < text.Length; i++)
        {
            if (IsHidden(text, i) && !IsNeededJoiner(text, i))
                return true;
        }
        return false;
    }

    /// <summary>The text without them, as a reader sees it.</summary>
    public static string Remove(string text)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            return text;
        var seen = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (!IsHidden(text, i))
                seen.Append(text[i]);
        }
        return seen.Length == text.Length ? text : seen.ToString();
    }

    private static bool IsHidden(string text, int at)
    {
        var c = text[at];
        if (c is >= ' ' and <= '~' or '\n' or '\r' or '\t')
            return false;
        if (char.IsSurrogate(c))
        {
            // Tag characters (U+E0000 …) and the variation selectors beyond them spell text that nothing shows.
            var high = char.IsLowSurrogate(c) && at > 0 ? text[at - 1] : c;
            return high == '\uDB40';
        }
        // U+FE0F asks for the coloured form of an emoji and is everywhere; it hides nothing.
        return char.IsControl(c)
            || CharUnicodeInfo.GetUnicodeCategory(c) == UnicodeCategory.Format
            || c is '\u034F' or '\u115F' or '\u1160' or '\u17B4' or '\u17B5' or '\u3164' or '\uFFA0';
    }

    private static bool IsNeededJoiner(string text, int at)
    {
        if (text[at] is not ('\u200C' or '\u200D') || at == 0 || at + 1 >= text.Length)
            return false;
        return NeedsJoiner(text[at - 1]) && NeedsJoiner(text[at + 1]);
    }

    // Arabic and the scripts of India join and part letters with these; emoji sequences are glued with them.
    private static bool NeedsJoiner(char c) =>
        c is >= '\u0600' and <= '\u08FF' or >= '\u0900' and <= '\u0DFF' or '\uFE0F' or >= '\u2190' and <= '\u2BFF' || (char.IsSurrogate(c) && c is not ('\uDB40'));
}
