using System.ComponentModel.DataAnnotations;

namespace LeadPipeline.Mcp.Crm.HubSpot;

/// <summary>How to reach HubSpot and how the account is set up.</summary>
public sealed class HubSpotOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "HubSpot";

    /// <summary>HubSpot's address. Default <c>https://api.hubapi.com</c>.</summary>
    [Required, Url]
    public string BaseUrl { get; set; } = "https://api.hubapi.com";

    /// <summary>A service key, or the access token of an app. Required when HubSpot is the CRM; the plain variable <c>HUBSPOT_ACCESS_TOKEN</c> sets it.</summary>
    public string? AccessToken { get; set; }

    /// <summary>The dated version in every path, <c>yyyy-MM</c>. Default <c>2026-03</c>; from <c>2026-09</c> on HubSpot enforces an account's own validation rules on our writes.</summary>
    [Required, RegularExpression(@"\d{4}-\d{2}", ErrorMessage = "write a year and a month, for example 2026-03")]
    public string ApiVersion { get; set; } = "2026-03";

    /// <summary>The deal pipeline that opportunities go into. Default <c>default</c>; the plain variable <c>HUBSPOT_PIPELINE_ID</c> sets it.</summary>
    [Required]
    public string PipelineId { get; set; } = "default";

    /// <summary>Ids of the pipeline's stages by our stage's name, spaces left out. Default: the ids of the pipeline that every account begins with.</summary>
    public IDictionary<string, string> Stages { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Values of the contact's lead status by our status's name. Default: values that every account begins with.</summary>
    public IDictionary<string, string> LeadStatuses { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Contact properties by our field's name, where they are not the default ones.</summary>
    public IDictionary<string, string> ContactProperties { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Company properties by our field's name, where they are not the default ones.</summary>
    public IDictionary<string, string> CompanyProperties { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Unique text property of contacts and companies that holds our record key. Default <c>leadpipeline_key</c>.</summary>
    [Required, RegularExpression(HubSpotSchema.PropertyName)]
    public string KeyProperty { get; set; } = "leadpipeline_key";

    /// <summary>Unique text property of contacts, companies, deals, tasks and notes that holds the key of the step that made them. Default <c>leadpipeline_effect</c>.</summary>
    [Required, RegularExpression(HubSpotSchema.PropertyName)]
    public string EffectProperty { get; set; } = "leadpipeline_effect";

    /// <summary>Multiple-checkbox property of contacts whose options are the campaigns. Default <c>leadpipeline_campaign</c>.</summary>
    [Required, RegularExpression(HubSpotSchema.PropertyName)]
    public string CampaignProperty { get; set; } = "leadpipeline_campaign";

    /// <summary>The account's time zone, IANA name: its daily limit ends at midnight there. Default <c>UTC</c>.</summary>
    [Required]
    public string TimeZone { get; set; } = "UTC";
}
