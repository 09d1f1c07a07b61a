using System.Buffers;
using System.Text;

namespace LeadPipeline.Worker.Privacy;

/// <summary>
/// Finds e-mail addresses, telephone numbers and US social-security numbers in prose. One pass, no patterns: the text is a
/// stranger's. Long ids, dates, UUIDs, hashes and versions are left alone.
/// </summary>
internal static class PersonalText
{
    private static readonly SearchValues<char> Starts = SearchValues.Create("0123456789+(@");

    private static readonly SearchValues<char> DigitsAndHyphen = SearchValues.Create("0123456789-");
    private static readonly SearchValues<char> DigitsAndDot = SearchValues.Create("0123456789.");

    internal static string Mask(string text, bool phones = true)
    {
        if (!text.AsSpan().ContainsAny(Starts))
            return text;

        StringBuilder? masked = null;
        var copied = 0;
        for (var i = 0; i < text.Length;)
        {
            var (start, end, mask) = text[i] == '@' ? EmailAt(text, i, copied) : phones ? PhoneAt(text, i) : default;
            if (mask is null)
            {
                i = Math.Max(i + 1, end);
                continue;
            }
            masked = (masked ?? new StringBuilder(text.Length)).Append(text, copied, start - copied).Append(mask);
            i = copied = end;
        }
        return masked?.Append(text, copied, text.Length - copied).ToString() ?? text;
    }

    private static (int Start, int End, string? Mask) EmailAt(string text, int at, int from)
    {
        var start = at;
        while (start > from && IsLocal(text[start - 1]))
            start--;
        var end = at + 1;
        while (end < text.Length && (char.IsLetterOrDigit(text[end]) || text[end] is '.' or '-' or '_'))
            end++;
        while (end > at + 1 && !char.IsLetterOrDigit(text[end - 1]))
            end--;
        var domain = text.AsSpan(at + 1, end - at - 1);
        // "user@host" is masked as well: a short host is no reason to show who.
        return start == at || domain.IsEmpty ? (at, at + 1, null) : (start, end, Redactor.MaskEmail(text[start..end]));
    }

    private static bool IsLocal(char c) => char.IsLetterOrDigit(c) || char.IsSurrogate(c) || c is '.' or '_' or '%' or '+' or '-' or '\'' or '!' or '#' or '$' or '&' or '*' or '/' or '=' or '?' or '^' or '`' or '{' or '|' or '}' or '~';

    /// <summary>A null mask with an end: not a telephone number, go on after it.</summary>
    private static (int Start, int End, string? Mask) PhoneAt(string text, int start)
    {
        if (!(char.IsAsciiDigit(text[start]) || text[start] is '+' or '('))
            return default;
        if (start > 0 && (char.IsLetterOrDigit(text[start - 1]) || text[start - 1] is '_' or '#' or '$' or '€' or '£'))
            return (start, SkipWord(text, start), null);

        var (end, digits, groups, separated) = (start, 0, 0, false);
        for (var i = start; i < text.Length; i++)
        {
            var c = text[i];
            if (char.IsAsciiDigit(c))
            {
                if (i == start || !char.IsAsciiDigit(text[i - 1]))
                    groups++;
                digits++;
                end = i + 1;
            }
            else if (c is ' ' or '-' or '.' or '/' or '(' or ')' or '\u00A0' or '\u2011' && (i == start || i - end < 3))
            {
                separated |= i > start;
            }
            else if (c != '+' || i != start)
            {
                break;
            }
        }
        // Part of a word, an e-mail's local part, a clock time, a unit or an amount.
        if (end < text.Length && (char.IsLetter(text[end]) || text[end] is '_' or '@' or ':' or '%' || text[end] == ',' && end + 1 < text.Length && char.IsAsciiDigit(text[end + 1])))
            return (start, Math.Max(end, SkipWord(text, start)), null);

        var run = text.AsSpan(start, end - start);
        if (IsSocialSecurity(run))
            return (start, end, "***");
        if (digits is < 8 or > 15 || IsDate(run))
            return (start, end, null);
        var likely = run[0] is '+' or '(' || run.StartsWith("00")
            || (separated && groups > 1 ? digits >= 9 || run[0] == '0' : run[0] == '0' && digits <= 12 || digits is 10 or 11);
        return likely ? (start, end, Redactor.MaskPhone(run.ToString())) : (start, end, null);
    }

    private static int SkipWord(string text, int start)
    {
        var end = start + 1;
        while (end < text.Length && (char.IsLetterOrDigit(text[end]) || text[end] is '-' or '_'))
            end++;
        return end < text.Length && text[end] == '@' ? start + 1 : end;
    }

    private static bool IsSocialSecurity(ReadOnlySpan<char> run) =>
        run.Length == 11 && run[3] == '-' && run[6] == '-' && !run.ContainsAnyExcept(DigitsAndHyphen);

    /// <summary>2026-01-15, 15.01.2026, and an IPv4 address, which is dotted in fours.</summary>
    private static bool IsDate(ReadOnlySpan<char> run)
    {
        if (run.Count('.') == 3 && !run.ContainsAnyExcept(DigitsAndDot))
            return run.Length <= 15;
        if (run.Length >= 10 && (run[4] is '-' or '/' or '.') && run[7] == run[4])
            return run.Length == 10 || run[10] is ' ' or '-' or '/';
        return run.Length == 10 && run[2] is '-' or '/' or '.' && run.Length == 10 && run[5] == run[2];
    }
}
