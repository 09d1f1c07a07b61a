using System.ComponentModel.DataAnnotations;

namespace LeadPipeline.Worker.Intake;

/// <summary>How leads are taken in.</summary>
public sealed class IntakeOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Intake";

    /// <summary>How long equal e-mail and campaign count as the same lead when the sender gave no key. Default 24 h. Allowed: 1 s to 365 days.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan DedupeWindow { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Posts that one token or address may make in a minute at one worker; loopback is never limited, 0 is no limit. Default 600. Allowed: 0 to 1,000,000.</summary>
    [Range(0, 1_000_000)]
    public int RateLimitPerMinute { get; set; } = 600;
}
