using System.Buffers;
using System.Globalization;
using System.Text;

namespace LeadPipeline.Worker.Intake;

/// <summary>
/// The one form in which text enters: NFKC, trimmed, without characters that a reader cannot see. Look-alikes of one
/// string become one string, so that duplicates are found and nothing hidden travels to the CRM or the model.
/// </summary>
public static class LeadText
{
    private static readonly SearchValues<char> PrintableAscii =
        SearchValues.Create(string.Concat(Enumerable.Range(0x20, 0x5F).Select(c => (char)c)));

    /// <summary>Cleans a value; new lines and tabs stay only when it may have <paramref name="lines"/>.</summary>
    public static string Clean(string text, bool lines = false)
    {
        // Nearly all values are plain ASCII on one line, and those need no work at all.
        if (!text.AsSpan().ContainsAnyExcept(PrintableAscii))
            return text.Trim();

        // What is invisible goes first: it can keep a letter and its accent apart, and the normalised form would not be stable.
        var visible = Strip(text, lines);
        if (!visible.IsNormalized(NormalizationForm.FormKC))
            visible = Strip(visible.Normalize(NormalizationForm.FormKC), lines);
        return visible.Trim();
    }

    /// <summary>Cuts to a number of UTF-16 units without halving a character.</summary>
    public static string Cut(string text, int length)
    {
        if (text.Length <= length)
            return text;
        return text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)].TrimEnd();
    }

    private static string Strip(string text, bool lines)
    {
        var first = 0;
        while (first < text.Length && !char.IsSurrogate(text[first]) && Stays(text[first], lines))
            first++;
        if (first == text.Length)
            return text;

        var kept = new StringBuilder(text, 0, first, text.Length);
        // Lone surrogates, which only a caller could pass, come out of the enumeration as U+FFFD.
        foreach (var rune in text.AsSpan(first).EnumerateRunes())
        {
            if (Stays(rune.Value, lines))
                kept.Append(rune);
            else if (lines && (rune.Value is 0x2028 or 0x2029))
                kept.Append('\n');
        }
        return kept.ToString();
    }

    private static bool Stays(int value, bool lines) => value switch
    {
        '\n' or '\t' => lines,
        < 0x20 or >= 0x7F and <= 0x9F => false,
        < 0xAD => true,
        0x2028 or 0x2029 => false,
        _ => !IsInvisible(value),
    };

    /// <summary>Zero-width, bidirectional, tag and filler characters, and code points that are no characters.</summary>
    private static bool IsInvisible(int value) => value switch
    {
        0xAD or 0x034F or 0x061C or 0x115F or 0x1160 or 0x17B4 or 0x17B5 or 0x3164 or 0xFEFF or 0xFFA0 => true,
        >= 0x180B and <= 0x180F => true,
        >= 0x200B and <= 0x200F => true,
        >= 0x202A and <= 0x202E => true,
        >= 0x2060 and <= 0x206F => true,
        >= 0xFDD0 and <= 0xFDEF => true,
        >= 0xFE00 and <= 0xFE0F => true,
        >= 0xFFF0 and <= 0xFFFB => true,
        >= 0x1D173 and <= 0x1D17A => true,
        >= 0xE0000 and <= 0xE0FFF => true,
        _ => (value & 0xFFFE) == 0xFFFE,
    };

    /// <summary>Whether the text holds anything that <see cref="Clean"/> would leave out because it cannot be seen.</summary>
    public static bool HidesCharacters(string text)
    {
        if (!text.AsSpan().ContainsAnyExcept(PrintableAscii))
            return false;
        foreach (var rune in text.EnumerateRunes())
            if (rune.Value >= 0xAD && IsInvisible(rune.Value) && Rune.GetUnicodeCategory(rune) != UnicodeCategory.NonSpacingMark)
                return true;
        return false;
    }
}
