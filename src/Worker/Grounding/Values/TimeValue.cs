using System.Globalization;
using System.Text.Json;
using LeadPipeline.Worker.Evidence;

namespace LeadPipeline.Worker.Grounding.Values;

/// <summary>An instant, or a whole UTC day.</summary>
/// <param name="From">The instant in UTC, or the day's first.</param>
/// <param name="WholeDay">Whether only a date was given.</param>
internal sealed record TimeValue(DateTimeOffset From, bool WholeDay) : ComparableValue
{
    private static readonly string[] Days = ["yyyy-MM-dd", "d MMMM yyyy", "d MMM yyyy"];

    private static readonly string[] Instants =
    [
        "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK", "yyyy-MM-dd HH:mmK",
        "yyyy-MM-dd HH:mm:ss.FFFFFFF K", "yyyyMMdd'T'HHmmssK",
    ];

    /// <summary>ISO 8601, or a date as "d Month yyyy"; a time without a zone is UTC.</summary>
    public static TimeValue? Read(JsonElement value) => LeafValue.TryGetText(value, out var text) ? Parse(TextFold.Normal(text)) : null;

    /// <summary>As <see cref="Read"/>, from normal text.</summary>
    public static TimeValue? Parse(ReadOnlySpan<char> text)
    {
        // A date is at least "1 May 2025", an instant with nine decimals and a zone at most 36 characters.
        if (text.Length is < 10 or > 40)
            return null;
        const DateTimeStyles Utc = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        // Trying a format that cannot fit costs more than everything else that is done with a claim.
        var isIso = text[4] == '-';
        if (!isIso && text[8] is not ('T' or 't') && !IsInWords(text))
            return null;
        if ((!isIso || text.Length == 10) && DateTimeOffset.TryParseExact(text, Days, CultureInfo.InvariantCulture, Utc, out var day))
            return new TimeValue(day, WholeDay: true);
        Span<char> upper = stackalloc char[text.Length];
        text.ToUpperInvariant(upper);
        var length = DropBeyondTicks(upper);
        return DateTimeOffset.TryParseExact(upper[..length], Instants, CultureInfo.InvariantCulture, Utc, out var instant)
            ? new TimeValue(instant, WholeDay: false)
            : null;
    }

    /// <inheritdoc/>
    public override Comparison Against(ComparableValue truth)
    {
        if (truth is not TimeValue known)
            return Comparison.NotFound;
        if (WholeDay || !known.WholeDay)
            return ConflictsWith(truth) ? Comparison.Contradicted : Comparison.Supported;
        // The snapshot knows the day only: a time on that day may be right.
        return SameDay(known) ? Comparison.NotFound : Comparison.Contradicted;
    }

    /// <inheritdoc/>
    public override bool ConflictsWith(ComparableValue other) =>
        other is not TimeValue time || !(WholeDay || time.WholeDay ? SameDay(time) : time.From == From);

    private bool SameDay(TimeValue other) => From.UtcDateTime.Date == other.From.UtcDateTime.Date;

    /// <summary>Whether it could be "d Month yyyy".</summary>
    private static bool IsInWords(ReadOnlySpan<char> text) => char.IsAsciiDigit(text[0]) && (text[1] == ' ' || text[2] == ' ') && text[^5] == ' ' && char.IsAsciiDigit(text[^1]);

    private static int DropBeyondTicks(Span<char> text)
    {
        // .NET keeps seven decimals of a second and refuses more; other systems write nine.
        var point = text.IndexOf('.');
        var end = point + 1;
        while (point >= 0 && end < text.Length && char.IsAsciiDigit(text[end]))
            end++;
        var extra = point < 0 ? 0 : Math.Max(0, end - point - 8);
        if (extra > 0)
            text[end..].CopyTo(text[(end - extra)..]);
        return text.Length - extra;
    }
}
