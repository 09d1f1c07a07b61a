using System.Globalization;

namespace LeadPipeline.Worker.Intake.Webhooks.Signatures;

/// <summary>What a sender counts its time in, since 1970.</summary>
public enum TimeUnit
{
    /// <summary>Seconds.</summary>
    Seconds,
    /// <summary>Milliseconds.</summary>
    Milliseconds,
}

/// <summary>The sender's time, which keeps a post that somebody has recorded from being posted again much later.</summary>
/// <param name="Header">The header that it is in.</param>
/// <param name="Unit">What it is counted in.</param>
public sealed record SignedTime(string Header, TimeUnit Unit)
{
    /// <summary>Why the time is not acceptable; null when it is.</summary>
    public static string? Refuse(string? text, TimeUnit unit, DateTimeOffset now, TimeSpan tolerance)
    {
        if (string.IsNullOrEmpty(text))
            return "the timestamp is missing";
        // Fifteen digits are enough for either unit, and cannot overflow.
        if (text.Length > 15 || !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count))
            return "the timestamp is not a number";
        var milliseconds = unit == TimeUnit.Seconds ? count * 1000 : count;
        return Math.Abs(now.ToUnixTimeMilliseconds() - milliseconds) > tolerance.TotalMilliseconds ? "the timestamp is too far from the time here" : null;
    }
}
