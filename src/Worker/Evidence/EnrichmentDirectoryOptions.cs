using System.ComponentModel.DataAnnotations;

namespace LeadPipeline.Worker.Evidence;

/// <summary>Where companies come from.</summary>
public sealed class EnrichmentDirectoryOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Enrichment:Directory";

    /// <summary>CSV of companies, loaded into the database at start. Default: none.</summary>
    public string? File { get; set; }

    /// <summary>How long the facts of a file count after it was last found to be the one that is loaded. Default 30 days. Allowed: 1 min to 3650 days.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "3650.00:00:00")]
    public TimeSpan TimeToLive { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How often a running worker looks whether the file has changed. Default 1 min; a changed one that is the same at the next look is loaded beside the work. Allowed: 1 s to 1 day.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan CheckEvery { get; set; } = TimeSpan.FromMinutes(1);
}
