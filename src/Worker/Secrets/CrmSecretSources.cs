using LeadPipeline.Mcp.Crm.Http;
using LeadPipeline.Mcp.Crm.HubSpot;
using LeadPipeline.Mcp.Crm.Salesforce;
using LeadPipeline.Worker.Hosting;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Secrets;

/// <summary>Where each CRM's secret is: in Secrets Manager when it is named there, else in mounted files, else among the settings.</summary>
public sealed class CrmSecretSources(
    ISecretsManager manager, IOptions<AwsOptions> aws, IOptions<SecretsOptions> files, IOptionsMonitor<HubSpotOptions> hubspot, TimeProvider time, ILogger<RotatingSecret> logger)
{
    private readonly Lazy<RotatingSecret?> salesforceSecret = new(() => Rotating(manager, aws.Value.SalesforceSecret, time, logger));
    private readonly Lazy<RotatingSecret?> hubspotSecret = new(() => Rotating(manager, aws.Value.HubSpotSecret, time, logger));

    /// <summary>Salesforce's; null: its settings hold it all.</summary>
    public ICrmSecrets? Salesforce => salesforceSecret.Value ?? (files.Value.Directory is { Length: > 0 } directory
        ? new FileSecrets(directory, "SALESFORCE_", () => new Dictionary<string, string?>())
        : (ICrmSecrets?)null);

    /// <summary>HubSpot's.</summary>
    public ICrmSecrets HubSpot => hubspotSecret.Value ?? (files.Value.Directory is { Length: > 0 } directory
        ? new FileSecrets(directory, "HUBSPOT_", HubSpotSettings)
        : (ICrmSecrets)new SettingSecrets(HubSpotSettings));

    /// <summary>Whether a CRM's credentials need not be among the settings.</summary>
    public bool AreElsewhere(CrmProviderKind crm) => NameOf(crm) is not null || !string.IsNullOrWhiteSpace(files.Value.Directory);

    /// <summary>A CRM's secret in Secrets Manager; null: it is not there.</summary>
    public string? NameOf(CrmProviderKind crm) => crm switch
    {
        CrmProviderKind.Salesforce when aws.Value.SalesforceSecret is { Length: > 0 } name => name,
        CrmProviderKind.HubSpot when aws.Value.HubSpotSecret is { Length: > 0 } name => name,
        _ => null,
    };

    /// <summary>Forgets everything that is kept.</summary>
    public void Clear()
    {
        salesforceSecret.Value?.Clear();
        hubspotSecret.Value?.Clear();
    }

    private Dictionary<string, string?> HubSpotSettings() => new() { [HubSpotCredentials.Token] = hubspot.CurrentValue.AccessToken };

    private static RotatingSecret? Rotating(ISecretsManager manager, string? name, TimeProvider time, ILogger<RotatingSecret> logger) =>
        string.IsNullOrWhiteSpace(name) ? null : new RotatingSecret(manager, name, time, logger);
}
