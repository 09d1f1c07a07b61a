using LeadPipeline.TestKit.Simulators.HubSpot;
using LeadPipeline.TestKit.Simulators.Salesforce;

namespace LeadPipeline.TestKit.Simulators;

/// <summary>What a worker has to be told to take a simulator for its CRM: environment variables by name.</summary>
public static class SimulatorSettings
{
    /// <summary>Salesforce by the client-credentials flow, with the one status that the org calls otherwise.</summary>
    public static Dictionary<string, string> For(SalesforceSimulator org) => new()
    {
        ["CRM_PROVIDER"] = "SALESFORCE",
        ["Salesforce__BaseUrl"] = org.Address.ToString(),
        ["SALESFORCE_CLIENT_ID"] = SalesforceSimulator.ClientId,
        ["SALESFORCE_CLIENT_SECRET"] = SalesforceSimulator.ClientSecret,
        ["Salesforce__LeadStatuses__New"] = "Open - Not Contacted",
    };

    /// <summary>HubSpot by its token.</summary>
    public static Dictionary<string, string> For(HubSpotSimulator hubspot) => new()
    {
        ["CRM_PROVIDER"] = "HUBSPOT",
        ["HubSpot__BaseUrl"] = hubspot.Address.ToString(),
        ["HUBSPOT_ACCESS_TOKEN"] = hubspot.Token,
    };
}
