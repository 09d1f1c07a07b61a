using System.ComponentModel.DataAnnotations;
using LeadPipeline.Worker.Hosting;

namespace LeadPipeline.Worker.Execution;

/// <summary>How many plans may begin in a minute. Over all workers; 0 is no limit.</summary>
public sealed class RateLimitOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "RateLimits";

    /// <summary>For one lead. Default 10, with the mock CRM 0. Allowed: 0 to 1,000,000.</summary>
    [Range(0, 1_000_000)]
    public int? PerLead { get; set; }

    /// <summary>For one company, told by the domain of the e-mail address; free mail has none. Default 100, with the mock CRM 0. Allowed: 0 to 1,000,000.</summary>
    [Range(0, 1_000_000)]
    public int? PerAccount { get; set; }

    /// <summary>For all leads. Default 1000, with the mock CRM 0. Allowed: 0 to 1,000,000.</summary>
    [Range(0, 1_000_000)]
    public int? Global { get; set; }

    /// <summary>The limits in force with a CRM.</summary>
    public (int PerLead, int PerAccount, int Global) InForce(CrmProviderKind crm) => crm == CrmProviderKind.Mock
        ? (PerLead ?? 0, PerAccount ?? 0, Global ?? 0)
        : (PerLead ?? 10, PerAccount ?? 100, Global ?? 1000);
}
