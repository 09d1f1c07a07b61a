using System.ComponentModel.DataAnnotations;

namespace LeadPipeline.Worker.Retention;

/// <summary>How long things are kept. Nothing is removed by itself unless a time is set.</summary>
public sealed class RetentionOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Retention";

    /// <summary>Time since a lead ended after which its personal data is destroyed; the CRM is left alone. Default none: kept. Allowed: 1 s to 36,500 days.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "36500.00:00:00")]
    public TimeSpan? Leads { get; set; }

    /// <summary>
    /// Time since a lead was erased, by a person or by <see cref="Leads"/>, after which its audit chain is removed as a whole, and with it all rows of the lead.
    /// Chains of leads that are not erased stay. Default none: kept. Allowed: 1 s to 36,500 days.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "36500.00:00:00")]
    public TimeSpan? Audit { get; set; }

    /// <summary>Time after which dead letters are removed, open or not, with their edits and what was done about them, and replays that have ended; their leads stay as they are. Default none: kept. Allowed: 1 s to 36,500 days.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "36500.00:00:00")]
    public TimeSpan? DeadLetters { get; set; }

    /// <summary>How often it is looked for what is too old. Default 1 h. Allowed: 1 s to 1 day.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromHours(1);
}
