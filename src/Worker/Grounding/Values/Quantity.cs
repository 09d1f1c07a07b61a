using System.Globalization;

namespace LeadPipeline.Worker.Grounding.Values;

/// <summary>A single number as people write it: <c>7,500</c>, <c>5k</c>, <c>$2M</c>, <c>1.5 million EUR</c>.</summary>
/// <param name="Value">The number, scale applied; at most 10^24 in size.</param>
/// <param name="Currency">ISO 4217 code, or null when none is written.</param>
internal readonly record struct Quantity(decimal Value, string? Currency)
{
    /// <summary>Larger numbers are no measure of a company, and arithmetic on them would overflow.</summary>
    public const decimal Largest = 1_000_000_000_000_000_000_000_000m;

    /// <summary>Reads a text that is one number and nothing else. The text is NFKC, so that thin spaces are spaces already.</summary>
    public static bool TryRead(ReadOnlySpan<char> text, out Quantity quantity)
    {
        quantity = default;
        var rest = text.Trim();
        var before = Currencies.TakePrefix(ref rest);
        rest = rest.TrimStart();
        var negative = rest.Length > 0 && rest[0] is '-' or '\u2212';
        if (negative)
            rest = rest[1..];
        if (!TryTakeNumber(ref rest, spaces: true, out var value) || !TryTakeScale(ref rest, ref value))
            return false;
        rest = rest.TrimStart();
        var after = Currencies.TakeSuffix(ref rest);
        if (rest.Length > 0 || (before is not null && after is not null && before != after) || value > Largest)
            return false;
        quantity = new Quantity(negative ? -value : value, before ?? after);
        return true;
    }

    /// <summary>
    /// Takes digits with thousands separators and decimals off the front. A separator counts only before a group of exactly
    /// three digits, so that a list or a sentence is not read as one number.
    /// </summary>
    public static bool TryTakeNumber(ref ReadOnlySpan<char> text, bool spaces, out decimal value)
    {
        value = 0;
        Span<char> digits = stackalloc char[40];
        var used = 0;
        var i = 0;
        while (i < text.Length && char.IsAsciiDigit(text[i]))
        {
            if (!Append(digits, ref used, text[i++]))
                return false;
        }
        if (i == 0)
            return false;
        if (i <= 3 && i < text.Length && (text[i] == ',' || (spaces && text[i] == ' ')))
        {
            for (var separator = text[i]; IsGroup(text[i..], separator); i += 4)
            {
                if (!Append(digits, ref used, text[i + 1]) || !Append(digits, ref used, text[i + 2]) || !Append(digits, ref used, text[i + 3]))
                    return false;
            }
        }
        if (i + 1 < text.Length && text[i] == '.' && char.IsAsciiDigit(text[i + 1]))
        {
            if (!Append(digits, ref used, text[i++]))
                return false;
            while (i < text.Length && char.IsAsciiDigit(text[i]))
            {
                if (!Append(digits, ref used, text[i++]))
                    return false;
            }
        }
        text = text[i..];
        return decimal.TryParse(digits[..used], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value) && value <= Largest;
    }

    /// <summary>Takes <c>k</c>, <c>m</c>, <c>bn</c>, <c>million</c>… off the front, perhaps with a currency code grown on to it; other letters stay.</summary>
    public static bool TryTakeScale(ref ReadOnlySpan<char> text, ref decimal value)
    {
        var after = text.TrimStart();
        var length = 0;
        while (length < after.Length && char.IsAsciiLetter(after[length]))
            length++;
        var word = after[..length];
        if (Scale(word) is { } whole)
        {
            text = after[length..];
            return TryScale(ref value, whole);
        }
        // "5kUSD", "2MEUR"; a currency code alone ("5MXN") is left to the caller.
        if (length > 3 && Currencies.IsCode(word[^3..]) && Scale(word[..^3]) is { } part)
        {
            text = after[(length - 3)..];
            return TryScale(ref value, part);
        }
        return true;
    }

    private static bool TryScale(ref decimal value, decimal scale)
    {
        if (value > Largest / scale)
            return false;
        value *= scale;
        return true;
    }

    private static decimal? Scale(ReadOnlySpan<char> word)
    {
        if (word.Equals("k", StringComparison.OrdinalIgnoreCase) || word.Equals("thousand", StringComparison.OrdinalIgnoreCase))
            return 1_000m;
        if (word.Equals("m", StringComparison.OrdinalIgnoreCase) || word.Equals("mn", StringComparison.OrdinalIgnoreCase)
            || word.Equals("mio", StringComparison.OrdinalIgnoreCase) || word.Equals("million", StringComparison.OrdinalIgnoreCase))
            return 1_000_000m;
        if (word.Equals("b", StringComparison.OrdinalIgnoreCase) || word.Equals("bn", StringComparison.OrdinalIgnoreCase)
            || word.Equals("billion", StringComparison.OrdinalIgnoreCase))
            return 1_000_000_000m;
        return null;
    }

    private static bool IsGroup(ReadOnlySpan<char> text, char separator) =>
        text.Length >= 4 && text[0] == separator && char.IsAsciiDigit(text[1]) && char.IsAsciiDigit(text[2]) && char.IsAsciiDigit(text[3])
        && (text.Length == 4 || !char.IsAsciiDigit(text[4]));

    private static bool Append(Span<char> digits, ref int used, char c)
    {
        if (used == digits.Length)
            return false;
        digits[used++] = c;
        return true;
    }
}
