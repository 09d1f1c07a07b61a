using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Http;
using LeadPipeline.Mcp.Crm.HubSpot;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Hosting;

/// <summary>HubSpot, made when it is the configured CRM.</summary>
internal static class HubSpotRegistration
{
    /// <summary>Time for all calls of one read or write of the port; each call has <c>Crm:CallTimeout</c>.</summary>
    public static readonly TimeSpan AllCalls = TimeSpan.FromSeconds(30);

    public static void AddHubSpot(this IServiceCollection services)
    {
        services.AddSingleton(sp => Create(sp.GetRequiredService<IOptionsMonitor<HubSpotOptions>>(), sp.GetRequiredService<IOptions<CrmOptions>>().Value, sp.GetRequiredService<TimeProvider>()));
        services.AddKeyedSingleton<ICrmProbe>(CrmProviderKind.HubSpot, (sp, _) => sp.GetRequiredService<HubSpotCrm>());
    }

    private static HubSpotCrm Create(IOptionsMonitor<HubSpotOptions> monitor, CrmOptions crm, TimeProvider time)
    {
        var options = monitor.CurrentValue;
        if (string.IsNullOrWhiteSpace(options.AccessToken))
            throw new ConfigurationException("HubSpot:AccessToken: the value is missing; set HUBSPOT_ACCESS_TOKEN to a service key or an app's access token");
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(options.TimeZone, out _))
            throw new ConfigurationException($"HubSpot:TimeZone: '{options.TimeZone}' is not a time zone; write an IANA name such as Europe/Berlin");
        // The provider counts the time itself, by a clock that tests can turn.
        var http = new HttpClient(VendorHttp.NewHandler()) { Timeout = Timeout.InfiniteTimeSpan };
        // Asked anew after a refusal: a mounted file or a reloaded setting may hold a newer token by then.
        var credentials = new HubSpotCredentials(new Uri(options.BaseUrl), () => monitor.CurrentValue.AccessToken);
        return new HubSpotCrm(new VendorHttp(HubSpotCrm.Name, http, credentials, time), options, crm.CallTimeout, time);
    }
}
