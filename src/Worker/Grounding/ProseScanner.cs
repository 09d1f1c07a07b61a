using LeadPipeline.Worker.Grounding.Values;

namespace LeadPipeline.Worker.Grounding;

/// <summary>
/// Finds the numbers, dates, links and e-mail addresses of a running text. A digit that follows a letter ("B2B", "Q3") is
/// part of a word, not a number.
/// </summary>
internal static class ProseScanner
{
    /// <summary>Whether every mention is accepted; stops at the first that is not.</summary>
    /// <param name="text">Normal text; see <see cref="TextFold.Normal"/>.</param>
    /// <param name="accept">Called with each mention from left to right.</param>
    /// <param name="isOwnWord">Words, folded, in which digits do not count.</param>
    public static bool All(string text, Func<Mention, bool> accept, Func<string, bool>? isOwnWord = null)
    {
        text = AsciiDigits(text);
        for (var i = 0; i < text.Length;)
        {
            if (!IsWordStart(text, i))
            {
                i++;
                continue;
            }
            if (AddressLength(text, i) is var address and > 0)
            {
                if (!accept(new Mention.Address(TextFold.Fold(text.Substring(i, address)))))
                    return false;
                i += address;
            }
            else if (!char.IsAsciiDigit(text[i]) || (isOwnWord is not null && isOwnWord(TextFold.Fold(text[i..WordEnd(text, i)]))))
                i = WordEnd(text, i);
            else if (!TryTime(text, ref i, accept, out var backed))
            {
                if (!AcceptNumber(text, ref i, accept))
                    return false;
            }
            else if (!backed)
                return false;
        }
        return true;
    }

    private static bool TryTime(string text, ref int i, Func<Mention, bool> accept, out bool backed)
    {
        var length = TimeLength(text.AsSpan(i), out var time);
        backed = time is not null && accept(new Mention.Time(time));
        i += length;
        return length > 0;
    }

    private static bool AcceptNumber(string text, ref int i, Func<Mention, bool> accept)
    {
        // "12 500" may be one number or two: it is one when that is what was claimed.
        var (joined, joinedEnd) = NumberAt(text, i, spaces: true);
        if (joined is not null && accept(joined))
        {
            i = joinedEnd;
            return true;
        }
        var (plain, plainEnd) = NumberAt(text, i, spaces: false);
        if (plain is null || plainEnd == joinedEnd || !accept(plain))
            return false;
        i = plainEnd;
        return true;
    }

    private static (Mention? Number, int End) NumberAt(string text, int start, bool spaces)
    {
        var rest = text.AsSpan(start);
        if (!Quantity.TryTakeNumber(ref rest, spaces, out var value) || !Quantity.TryTakeScale(ref rest, ref value))
            return (null, start);
        var currency = Currencies.Before(text.AsSpan(0, start)) ?? Currencies.After(rest);
        var tail = rest.TrimStart();
        var percent = tail.StartsWith("%", StringComparison.Ordinal) || tail.StartsWith("percent", StringComparison.OrdinalIgnoreCase);
        return (new Mention.Number(value, currency, percent), text.Length - rest.Length);
    }

    private static int TimeLength(ReadOnlySpan<char> text, out TimeValue? time)
    {
        var length = 0;
        while (length < text.Length && (char.IsAsciiLetterOrDigit(text[length]) || text[length] is '-' or ':' or '.' or '+'))
            length++;
        // "2025-03-01 10:00": the blank stands where ISO 8601 has a T.
        if (length == 10 && text.Length >= 16 && text[10] == ' ' && text[13] == ':')
        {
            length = 16;
            while (length < text.Length && (char.IsAsciiDigit(text[length]) || text[length] is ':' or '.' or '+' or 'Z'))
                length++;
        }
        while (length > 0 && text[length - 1] is '.' or ':' or '-')
            length--;
        time = TimeValue.Parse(text[..length]);
        if (time is not null)
            return length;
        // A date that a sentence goes on from ("2025-03-01-ish"), or one in words.
        if (text.Length >= 10 && (text.Length == 10 || !char.IsAsciiLetterOrDigit(text[10])) && (time = TimeValue.Parse(text[..10])) is { WholeDay: true })
            return 10;
        var words = WordsLength(text, 3);
        time = words > 0 && TimeValue.Parse(text[..words]) is { WholeDay: true } day ? day : null;
        return time is null ? 0 : words;
    }

    /// <summary>Length of the next so many words with single blanks between; 0 when there are fewer.</summary>
    private static int WordsLength(ReadOnlySpan<char> text, int count)
    {
        var at = 0;
        for (var word = 0; word < count; word++)
        {
            if (word > 0 && (at >= text.Length || text[at++] != ' '))
                return 0;
            var start = at;
            while (at < text.Length && char.IsAsciiLetterOrDigit(text[at]))
                at++;
            if (at == start)
                return 0;
        }
        return at;
    }

    /// <summary>Length of the link or e-mail address that begins here; 0 when none does.</summary>
    private static int AddressLength(string text, int start)
    {
        var end = start;
        while (end < text.Length && (char.IsLetterOrDigit(text[end]) || text[end] is '.' or '+' or '-' or '_' or '%' or '\''))
            end++;
        // The first character settles it for nearly every word.
        var isLink = (end < text.Length && text[end] == ':' && text.AsSpan(end).StartsWith("://", StringComparison.Ordinal))
            || (text[start] is 'w' or 'W' && text.AsSpan(start).StartsWith("www.", StringComparison.OrdinalIgnoreCase));
        var isMail = end < text.Length - 1 && text[end] == '@' && char.IsLetterOrDigit(text[end + 1]);
        if (!isLink && !isMail)
            return 0;
        while (end < text.Length && !char.IsWhiteSpace(text[end]) && text[end] is not ('<' or '>' or '"' or ')' or ']' or '}'))
            end++;
        while (end > start && text[end - 1] is '.' or ',' or ';' or ':' or '!' or '?' or '\'')
            end--;
        return end - start;
    }

    private static bool IsWordStart(string text, int at) => char.IsLetterOrDigit(text[at]) && (at == 0 || !char.IsLetterOrDigit(text[at - 1]));

    private static int WordEnd(string text, int at)
    {
        while (at < text.Length && char.IsLetterOrDigit(text[at]))
            at++;
        return at;
    }

    private static string AsciiDigits(string text)
    {
        // Other scripts write the same numbers with digits of their own.
        foreach (var c in text)
        {
            if (char.IsDigit(c) && !char.IsAsciiDigit(c))
                return new string([.. text.Select(d => char.IsDigit(d) ? (char)('0' + (int)char.GetNumericValue(d)) : d)]);
        }
        return text;
    }
}
