using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;

namespace LeadPipeline.Mcp.Crm.Salesforce;

/// <summary>How to reach a Salesforce org, and what our fields are called there.</summary>
public sealed partial class SalesforceOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Salesforce";

    /// <summary>Host for the login and all calls, whatever the login answers; for proxies and tests. Default: none.</summary>
    public string? BaseUrl { get; set; }

    /// <summary>The org's My Domain address, <c>https://NAME.my.salesforce.com</c>. Required unless <see cref="BaseUrl"/> is set.</summary>
    public string? LoginUrl { get; set; }

    /// <summary>Version of the API. Default <c>v67.0</c>.</summary>
    [RegularExpression(@"v[0-9]{2,3}\.0", ErrorMessage = "write it like v67.0")]
    public string ApiVersion { get; set; } = "v67.0";

    /// <summary>Consumer key of the External Client App. Required.</summary>
    public string? ClientId { get; set; }

    /// <summary>Its secret: logs in by the client-credentials flow, unless a private key is given. Default: none.</summary>
    public string? ClientSecret { get; set; }

    /// <summary>PEM file of the RSA key whose certificate the app knows: logs in by the JWT bearer flow as <see cref="Username"/>. Default: none.</summary>
    public string? PrivateKeyFile { get; set; }

    /// <summary>The user to act for, with a private key or a password. Default: none.</summary>
    public string? Username { get; set; }

    /// <summary>The user's password; needs <see cref="AllowPasswordFlow"/>. Default: none.</summary>
    public string? Password { get; set; }

    /// <summary>The user's security token, which follows the password. Default: none.</summary>
    public string? SecurityToken { get; set; }

    /// <summary>Whether to log in by the username-password flow, which Salesforce is retiring. Default false.</summary>
    public bool AllowPasswordFlow { get; set; }

    /// <summary>Names of the custom fields.</summary>
    public SalesforceFieldNames Fields { get; set; } = new();

    /// <summary>Our lead statuses as the org calls them, where it calls them otherwise: <c>New</c> → <c>Open - Not Contacted</c>. Default: none.</summary>
    public IDictionary<string, string> LeadStatuses { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Our opportunity stages as the org calls them, where it calls them otherwise. Default: none; <c>Negotiation</c> is also found as <c>Negotiation/Review</c>.</summary>
    public IDictionary<string, string> Stages { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>The status that a cancelled task gets. Default <c>Deferred</c>, the nearest of the standard ones.</summary>
    [Required]
    public string CancelledTaskStatus { get; set; } = "Deferred";

    /// <summary>Whether the org keeps several currencies, so that an amount is written with its own. Default false.</summary>
    public bool MultiCurrency { get; set; }

    /// <summary>ISO code of the currency of an org that keeps one only; without it an amount with a currency is refused. Default: none.</summary>
    [RegularExpression("[A-Z]{3}", ErrorMessage = "write the ISO code, three capital letters")]
    public string? Currency { get; set; }

    /// <summary>Calls of one worker at once; the next ones wait. Default 20. Allowed: 1 to 100.</summary>
    [Range(1, 100)]
    public int ConcurrentCalls { get; set; } = 20;

    /// <summary>Time for one read. Default 10 s. Allowed: 10 ms to 5 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:05:00")]
    public TimeSpan ReadTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Time for one write. Default 15 s. Allowed: 10 ms to 5 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:05:00")]
    public TimeSpan WriteTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>What is missing or does not fit together; each names the key and what to do, and no value that is a secret.</summary>
    /// <param name="secretElsewhere">Whether what is secret may lie outside the settings; then it is not missed here.</param>
    public IEnumerable<string> Problems(bool secretElsewhere = false)
    {
        foreach (var (name, value) in ((string, string?)[])[(nameof(BaseUrl), BaseUrl), (nameof(LoginUrl), LoginUrl)])
        {
            if (!string.IsNullOrWhiteSpace(value) && !IsAddress(value))
                // Somebody may have written a password into the address.
                yield return $"{Section}:{name}: {(value.Contains('@', StringComparison.Ordinal) ? "the value" : $"'{value}'")} is not allowed; write https://HOST (http only for this machine)";
        }
        if (string.IsNullOrWhiteSpace(BaseUrl) && string.IsNullOrWhiteSpace(LoginUrl))
            yield return $"{Section}:LoginUrl is not set; give the org's My Domain address, https://NAME.my.salesforce.com";
        if (!secretElsewhere && string.IsNullOrWhiteSpace(ClientId))
            yield return $"{Section}:ClientId is not set; give the consumer key of an External Client App";
        if (!string.IsNullOrWhiteSpace(PrivateKeyFile))
        {
            if (!File.Exists(PrivateKeyFile))
                yield return $"{Section}:PrivateKeyFile: '{PrivateKeyFile}' is not there";
            if (!secretElsewhere && string.IsNullOrWhiteSpace(Username))
                yield return $"{Section}:Username is not set; a private key needs the user to act for";
        }
        else if (AllowPasswordFlow)
        {
            foreach (var (name, value) in ((string, string?)[])[(nameof(ClientSecret), ClientSecret), (nameof(Username), Username), (nameof(Password), Password)])
            {
                if (!secretElsewhere && string.IsNullOrWhiteSpace(value))
                    yield return $"{Section}:{name} is not set; the username-password flow needs it";
            }
        }
        else if (!secretElsewhere && string.IsNullOrWhiteSpace(ClientSecret))
        {
            yield return string.IsNullOrWhiteSpace(Password)
                ? $"{Section}:ClientSecret is not set; give it, or {Section}:PrivateKeyFile and {Section}:Username"
                : $"{Section}:Password is set without {Section}:AllowPasswordFlow=true; better give {Section}:ClientSecret alone, or {Section}:PrivateKeyFile";
        }
        foreach (var property in typeof(SalesforceFieldNames).GetProperties())
        {
            if (!ApiName().IsMatch(property.GetValue(Fields) as string ?? ""))
                yield return $"{Section}:Fields:{property.Name}: '{property.GetValue(Fields)}' is not the API name of a field";
        }
    }

    /// <summary>The host that logs us in.</summary>
    internal Uri LoginAddress => new(string.IsNullOrWhiteSpace(BaseUrl) ? LoginUrl! : BaseUrl);

    internal static bool IsAddress(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.UserInfo.Length == 0 && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback));

    [GeneratedRegex(@"\A[A-Za-z][A-Za-z0-9_]{0,79}\z")]
    private static partial Regex ApiName();
}

/// <summary>API names of the custom fields that hold what Salesforce has no standard field for. <c>doctor</c> tells which are missing.</summary>
public sealed class SalesforceFieldNames
{
    /// <summary>Lead and Account: our key of the person or company; text, unique, external id. Default <c>LeadPipeline_Key__c</c>.</summary>
    public string Key { get; set; } = "LeadPipeline_Key__c";
    /// <summary>All objects that we create: the key of the step; text, unique, external id. Default <c>LeadPipeline_Effect__c</c>.</summary>
    public string Effect { get; set; } = "LeadPipeline_Effect__c";
    /// <summary>Lead: the grounded score; number. Default <c>LeadPipeline_Score__c</c>.</summary>
    public string Score { get; set; } = "LeadPipeline_Score__c";
    /// <summary>Lead: the grounded intent; text or pick list. Default <c>LeadPipeline_Intent__c</c>.</summary>
    public string Intent { get; set; } = "LeadPipeline_Intent__c";
    /// <summary>Lead: tags, separated by semicolons; long text. Default <c>LeadPipeline_Tags__c</c>.</summary>
    public string Tags { get; set; } = "LeadPipeline_Tags__c";
    /// <summary>Lead: its account; lookup. Default <c>LeadPipeline_Account__c</c>.</summary>
    public string Account { get; set; } = "LeadPipeline_Account__c";
    /// <summary>Opportunity: the lead that it came from; lookup. Default <c>LeadPipeline_Lead__c</c>.</summary>
    public string Lead { get; set; } = "LeadPipeline_Lead__c";
    /// <summary>Account: its mail domain; text. Default <c>LeadPipeline_Domain__c</c>.</summary>
    public string Domain { get; set; } = "LeadPipeline_Domain__c";
    /// <summary>Lead and Account: employees, a number or range; text. Default <c>LeadPipeline_Employees__c</c>.</summary>
    public string Employees { get; set; } = "LeadPipeline_Employees__c";
    /// <summary>Lead: yearly revenue, a number or range; text. Default <c>LeadPipeline_Revenue__c</c>.</summary>
    public string Revenue { get; set; } = "LeadPipeline_Revenue__c";
    /// <summary>Lead: technologies, separated by semicolons; long text. Default <c>LeadPipeline_TechStack__c</c>.</summary>
    public string TechStack { get; set; } = "LeadPipeline_TechStack__c";
    /// <summary>Lead: city, region, country; text. Default <c>LeadPipeline_Geo__c</c>.</summary>
    public string Geo { get; set; } = "LeadPipeline_Geo__c";
    /// <summary>Lead: year of foundation; number. Default <c>LeadPipeline_FoundedYear__c</c>.</summary>
    public string FoundedYear { get; set; } = "LeadPipeline_FoundedYear__c";
    /// <summary>Lead: who supplied the company facts; text. Default <c>LeadPipeline_EnrichmentProvider__c</c>.</summary>
    public string EnrichmentProvider { get; set; } = "LeadPipeline_EnrichmentProvider__c";
    /// <summary>Lead: how sure they are, 0 to 1; number. Default <c>LeadPipeline_EnrichmentConfidence__c</c>.</summary>
    public string EnrichmentConfidence { get; set; } = "LeadPipeline_EnrichmentConfidence__c";
    /// <summary>Lead: when they were fetched; date and time. Default <c>LeadPipeline_EnrichedAt__c</c>.</summary>
    public string EnrichedAt { get; set; } = "LeadPipeline_EnrichedAt__c";
}
