using System.ComponentModel.DataAnnotations;

namespace LeadPipeline.Worker.Saga;

/// <summary>How often and how long a lead waits for something that does not work now.</summary>
public sealed class DeferralOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Deferral";

    /// <summary>Waits between tries, one after the other; the last repeats. Default 30 s, 2 min, 10 min, 30 min, 1 h.</summary>
    public TimeSpan[] Delays { get; set; } = [];

    /// <summary>Longest time since the first failure before the lead is dead-lettered. Default 24 h. Allowed: 1 s to 30 days.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "30.00:00:00")]
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Longest time that a step which is not critical may hold up its plan. Default 10 min. Allowed: 0 to 30 days.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "30.00:00:00")]
    public TimeSpan NonCriticalMaxAge { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>The waits in force: a bound list is appended to defaults by the binder, so the default lives here.</summary>
    public IReadOnlyList<TimeSpan> DelaysInForce => Delays.Length > 0 ? Delays : DefaultDelays;

    private static readonly TimeSpan[] DefaultDelays =
        [TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(30), TimeSpan.FromHours(1)];
}

/// <summary>Decides how long a failing stage waits, or that it has waited enough. Pure.</summary>
public static class DeferralPolicy
{
    /// <summary>When to try again; null when the lead has failed for good.</summary>
    /// <param name="options">Waits and the longest age.</param>
    /// <param name="failures">Failures so far, not counting this one.</param>
    /// <param name="firstFailedAt">The first of them.</param>
    /// <param name="now">The time.</param>
    public static DateTimeOffset? NextTry(DeferralOptions options, int failures, DateTimeOffset? firstFailedAt, DateTimeOffset now)
    {
        var end = (firstFailedAt ?? now) + options.MaxAge;
        if (now >= end)
            return null;
        var delays = options.DelaysInForce;
        var next = now + delays[Math.Min(failures, delays.Count - 1)];
        // A last try at the very end is worth more than giving up early.
        return next <= end ? next : end;
    }
}
