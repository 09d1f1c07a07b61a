using System.Buffers;
using System.Text.Json;
using LeadPipeline.Worker.Evidence;

namespace LeadPipeline.Worker.Grounding.Values;

/// <summary>An interval with both ends in it; a single number is an interval of one point (G7).</summary>
/// <param name="Low">The lower end.</param>
/// <param name="High">The upper end; null when there is none, as in "10000+".</param>
/// <param name="Currency">ISO 4217 code when one is written.</param>
internal sealed record RangeValue(decimal Low, decimal? High, string? Currency) : ComparableValue
{
    private static readonly SearchValues<char> Dashes = SearchValues.Create("-\u2010\u2011\u2012\u2013\u2014\u2015\u2212");

    private bool IsPoint => High == Low;

    /// <summary>A JSON number, or a text such as "5000-10000", "10000+", "~500", "$2M – $5M".</summary>
    public static RangeValue? Read(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number when value.TryGetDecimal(out var number) && Math.Abs(number) <= Quantity.Largest => new RangeValue(number, number, null),
        JsonValueKind.String when LeafValue.TryGetText(value, out var text) => Parse(TextFold.Normal(text)),
        _ => null,
    };

    /// <inheritdoc/>
    public override Comparison Against(ComparableValue truth)
    {
        if (truth is not RangeValue known)
            return Comparison.NotFound;
        // Without its currency an amount says nothing about the other one, not even that it differs.
        if (Currency != known.Currency)
            return Currency is null || known.Currency is null ? Comparison.NotFound : Comparison.Contradicted;
        if (known.Contains(this))
            return Comparison.Supported;
        return Overlaps(known) ? Comparison.NotFound : Comparison.Contradicted;
    }

    /// <inheritdoc/>
    public override bool ConflictsWith(ComparableValue other)
    {
        if (other is not RangeValue range || range.Currency != Currency)
            return true;
        if (range.Low == Low && range.High == High)
            return false;
        return !(IsPoint && range.Contains(this)) && !(range.IsPoint && Contains(range));
    }

    private bool Contains(RangeValue other) => other.Low >= Low && (High is null || other.High <= High);

    private bool Overlaps(RangeValue other) => (High is null || other.Low <= High) && (other.High is null || Low <= other.High);

    private static RangeValue? Parse(ReadOnlySpan<char> text)
    {
        if (text.Length > 0 && text[0] is '~' or '\u2248' or '\u223C')
            return Parse(text[1..].TrimStart()) is { } near ? near with { Low = near.Low - Tenth(near.Low), High = near.High + Tenth(near.High) } : null;
        if (text.Length > 0 && text[0] is '>' or '\u2265')
            return Single(AfterSign(text)) is { } least ? least with { High = null } : null;
        if (text.Length > 0 && text[0] is '<' or '\u2264')
            return Single(AfterSign(text)) is { Low: >= 0 } to ? to with { Low = 0 } : null;
        if (text.IndexOf('+') is var plus and > 0)
            return Open(text[..plus], text[(plus + 1)..]);
        return Between(text) ?? Single(text);
    }

    private static RangeValue? Open(ReadOnlySpan<char> number, ReadOnlySpan<char> currency)
    {
        if (Single(number) is not { } least)
            return null;
        currency = currency.Trim();
        var code = Currencies.TakeSuffix(ref currency);
        // "10000+ USD" is money; anything else after the sign is no part of a number.
        if (currency.Length > 0 || (code is not null && least.Currency is not null && code != least.Currency))
            return null;
        return least with { High = null, Currency = least.Currency ?? code };
    }

    private static RangeValue? Between(ReadOnlySpan<char> text)
    {
        // A sign at the very front belongs to the number.
        var at = text.Length > 1 ? text[1..].IndexOfAny(Dashes) + 1 : 0;
        var width = 1;
        if (at == 0)
        {
            at = text.IndexOf(" to ", StringComparison.OrdinalIgnoreCase);
            width = 4;
        }
        if (at <= 0 || !Quantity.TryRead(text[..at], out var low) || !Quantity.TryRead(text[(at + width)..], out var high))
            return null;
        if (low.Value > high.Value || (low.Currency is not null && high.Currency is not null && low.Currency != high.Currency))
            return null;
        return new RangeValue(low.Value, high.Value, low.Currency ?? high.Currency);
    }

    private static RangeValue? Single(ReadOnlySpan<char> text) =>
        Quantity.TryRead(text, out var number) ? new RangeValue(number.Value, number.Value, number.Currency) : null;

    private static ReadOnlySpan<char> AfterSign(ReadOnlySpan<char> text) => text[1..].TrimStart('=');

    private static decimal Tenth(decimal? value) => Math.Abs(value ?? 0) / 10;
}
