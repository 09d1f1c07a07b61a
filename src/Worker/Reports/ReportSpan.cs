using System.Globalization;
using System.Text.RegularExpressions;

namespace LeadPipeline.Worker.Reports;

/// <summary>Reads how far back a report goes. Pure.</summary>
internal static partial class ReportSpan
{
    /// <summary>An ISO time, or a span back from now: <c>12h</c>, <c>7d</c>, <c>4w</c>.</summary>
    /// <returns>Null: it is none, or lies ahead.</returns>
    public static DateTimeOffset? Parse(string text, DateTimeOffset now)
    {
        if (Span().Match(text.Trim()) is { Success: true } span)
        {
            var count = int.Parse(span.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture);
            return now - (span.Groups[2].Value switch { "h" => TimeSpan.FromHours(count), "d" => TimeSpan.FromDays(count), _ => TimeSpan.FromDays(7.0 * count) });
        }
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) && at <= now ? at : null;
    }

    [GeneratedRegex(@"\A([0-9]{1,4})([hdw])\z")]
    private static partial Regex Span();
}
