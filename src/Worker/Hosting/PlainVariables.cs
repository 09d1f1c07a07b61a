using System.Globalization;

namespace LeadPipeline.Worker.Hosting;

/// <summary>Environment variables with names of their own, as deployments of such workers have them. A <c>Section__Key</c> variable wins over its plain one.</summary>
public static class PlainVariables
{
    private static readonly (string Variable, string Key)[] Names =
    [
        ("CRM_PROVIDER", "Crm:Provider"),
        ("HUBSPOT_ACCESS_TOKEN", "HubSpot:AccessToken"),
        ("HUBSPOT_PIPELINE_ID", "HubSpot:PipelineId"),
        ("SALESFORCE_LOGIN_URL", "Salesforce:LoginUrl"),
        ("SALESFORCE_CLIENT_ID", "Salesforce:ClientId"),
        ("SALESFORCE_CLIENT_SECRET", "Salesforce:ClientSecret"),
        ("SALESFORCE_USERNAME", "Salesforce:Username"),
        ("SALESFORCE_PASSWORD", "Salesforce:Password"),
        ("SALESFORCE_SECURITY_TOKEN", "Salesforce:SecurityToken"),
        ("SALESFORCE_PRIVATE_KEY_FILE", "Salesforce:PrivateKeyFile"),
        ("SALESFORCE_CUSTOM_FIELD_AI_SCORE", "Salesforce:Fields:Score"),
        ("SALESFORCE_CUSTOM_FIELD_AI_INTENT", "Salesforce:Fields:Intent"),
        ("AWS_SECRET_NAME_SALESFORCE", "Aws:SalesforceSecret"),
        ("AWS_SECRET_NAME_HUBSPOT", "Aws:HubSpotSecret"),
        ("AWS_REGION", "Aws:Region"),
        ("DATABASE_URL", "ConnectionStrings:Database"),
        ("GEMINI_API_KEY", "Gemini:ApiKey"),
        ("GEMINI_MODEL", "Gemini:Model"),
        ("GOOGLE_CLOUD_PROJECT", "Gemini:Project"),
        ("GOOGLE_CLOUD_LOCATION", "Gemini:Location"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "Gemini:CredentialsFile"),
    ];

    /// <summary>The settings that they stand for.</summary>
    public static Dictionary<string, string?> Read(Func<string, string?> variable)
    {
        var settings = new Dictionary<string, string?>();
        foreach (var (name, key) in Names)
        {
            if (variable(name) is { Length: > 0 } value)
                settings[key] = value;
        }
        if (variable("MCP_TOOL_TIMEOUT_MS") is { Length: > 0 } milliseconds)
        {
            if (!int.TryParse(milliseconds, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < 10)
                throw new ConfigurationException($"MCP_TOOL_TIMEOUT_MS: '{milliseconds}' is not allowed; write milliseconds as a whole number of at least 10");
            settings["Crm:CallTimeout"] = TimeSpan.FromMilliseconds(number).ToString("c", CultureInfo.InvariantCulture);
        }
        return settings;
    }
}
