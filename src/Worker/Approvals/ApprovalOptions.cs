using System.ComponentModel.DataAnnotations;

namespace LeadPipeline.Worker.Approvals;

/// <summary>Requests for a person's approval.</summary>
public sealed class ApprovalOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Approvals";

    /// <summary>How long a request stands, approved or not, before it means nothing any more. Default 24 h. Allowed: 1 s to 30 days.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "30.00:00:00")]
    public TimeSpan ExpireAfter { get; set; } = TimeSpan.FromHours(24);
}
