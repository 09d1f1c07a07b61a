namespace LeadPipeline.Worker.Grounding.Values;

/// <summary>Currency signs and ISO 4217 codes.</summary>
internal static class Currencies
{
    // Longer signs first: US$ is not a word before a dollar.
    private static readonly (string Sign, string Code)[] Signs =
    [
        ("US$", "USD"), ("AU$", "AUD"), ("CA$", "CAD"), ("NZ$", "NZD"), ("HK$", "HKD"), ("A$", "AUD"), ("C$", "CAD"), ("S$", "SGD"), ("R$", "BRL"),
        ("$", "USD"), ("€", "EUR"), ("£", "GBP"), ("¥", "JPY"), ("₹", "INR"), ("₩", "KRW"), ("₽", "RUB"), ("₺", "TRY"), ("₴", "UAH"), ("₪", "ILS"), ("zł", "PLN"),
    ];

    private static readonly string[] Codes =
    [
        "USD", "EUR", "GBP", "JPY", "CNY", "INR", "CHF", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "BGN", "ISK",
        "BRL", "MXN", "ARS", "CLP", "COP", "PEN", "ZAR", "EGP", "NGN", "KES", "SGD", "HKD", "KRW", "TWD", "THB", "IDR", "MYR", "PHP", "VND",
        "ILS", "TRY", "AED", "SAR", "QAR", "KWD", "RUB", "UAH", "PKR", "BDT",
    ];

    private static readonly (string Word, string Code)[] Words =
        [("dollars", "USD"), ("dollar", "USD"), ("euros", "EUR"), ("euro", "EUR"), ("pounds", "GBP"), ("yen", "JPY"), ("rupees", "INR")];

    /// <summary>Takes a sign or code off the front; null when there is none.</summary>
    public static string? TakePrefix(ref ReadOnlySpan<char> text)
    {
        // Most amounts have none, and no sign or code begins with a digit.
        if (text.Length == 0 || char.IsAsciiDigit(text[0]))
            return null;
        foreach (var (sign, code) in Signs)
        {
            if (text.StartsWith(sign, StringComparison.OrdinalIgnoreCase))
            {
                text = text[sign.Length..];
                return code;
            }
        }
        if (text.Length > 3 && !char.IsLetter(text[3]) && Find(text[..3]) is { } found)
        {
            text = text[3..];
            return found;
        }
        return null;
    }

    /// <summary>Takes a sign, code or word that is all of the text, or ends before a character that is no letter; null when there is none.</summary>
    public static string? TakeSuffix(ref ReadOnlySpan<char> text)
    {
        if (text.Length == 0)
            return null;
        foreach (var (word, code) in Words)
        {
            if (text.StartsWith(word, StringComparison.OrdinalIgnoreCase) && (text.Length == word.Length || !char.IsLetter(text[word.Length])))
            {
                text = text[word.Length..];
                return code;
            }
        }
        if (text.Length == 3 && Find(text) is { } whole)
        {
            text = [];
            return whole;
        }
        return TakePrefix(ref text);
    }

    /// <summary>The currency written directly before a number in running text ("$", "USD "); null when there is none.</summary>
    public static string? Before(ReadOnlySpan<char> text)
    {
        var trimmed = text.TrimEnd();
        foreach (var (sign, code) in Signs)
        {
            if (trimmed.EndsWith(sign, StringComparison.OrdinalIgnoreCase))
                return code;
        }
        var start = trimmed.Length - 3;
        return start >= 0 && (start == 0 || !char.IsLetterOrDigit(trimmed[start - 1])) ? InProse(trimmed[start..]) : null;
    }

    /// <summary>The currency written directly after a number in running text ("€", " EUR", " dollars"); null when there is none.</summary>
    public static string? After(ReadOnlySpan<char> text)
    {
        var rest = text.TrimStart();
        foreach (var (sign, code) in Signs)
        {
            // "500 $2M" is a number and an amount, not five hundred dollars.
            if (rest.StartsWith(sign, StringComparison.OrdinalIgnoreCase) && (rest.Length == sign.Length || !char.IsLetterOrDigit(rest[sign.Length])))
                return code;
        }
        foreach (var (word, code) in Words)
        {
            if (rest.StartsWith(word, StringComparison.OrdinalIgnoreCase) && (rest.Length == word.Length || !char.IsLetter(rest[word.Length])))
                return code;
        }
        return rest.Length >= 3 && (rest.Length == 3 || !char.IsLetterOrDigit(rest[3])) ? InProse(rest[..3]) : null;
    }

    // In running text a code is upper case, and PHP is a programming language.
    private static string? InProse(ReadOnlySpan<char> text) => text is not "PHP" && Find(text) is { } code && text.SequenceEqual(code) ? code : null;

    /// <summary>Whether the three letters are a currency code.</summary>
    public static bool IsCode(ReadOnlySpan<char> text) => Find(text) is not null;

    private static string? Find(ReadOnlySpan<char> text)
    {
        foreach (var code in Codes)
        {
            if (text.Equals(code, StringComparison.OrdinalIgnoreCase))
                return code;
        }
        return null;
    }
}
