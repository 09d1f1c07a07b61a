using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Http;
using LeadPipeline.Mcp.Crm.HubSpot;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Worker.Secrets;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Hosting;

/// <summary>HubSpot, made when it is the configured CRM.</summary>
internal static class HubSpotRegistration
{
    /// <summary>Time for all calls of one read or write of the port; each call has <c>Crm:CallTimeout</c>.</summary>
    public static readonly TimeSpan AllCalls = TimeSpan.FromSeconds(30);

    public static void AddHubSpot(this IServiceCollection services)
    {
        services.AddSingleton(sp => Create(sp.GetRequiredService<IOptions<HubSpotOptions>>().Value, sp.GetRequiredService<CrmSecretSources>(), sp.GetRequiredService<IOptions<CrmOptions>>().Value, sp.GetRequiredService<IRateLimiter>(), sp.GetRequiredService<TimeProvider>()));
        services.AddKeyedSingleton<ICrmProbe>(CrmProviderKind.HubSpot, (sp, _) => sp.GetRequiredService<HubSpotCrm>());
    }

    private static HubSpotCrm Create(HubSpotOptions options, CrmSecretSources secrets, CrmOptions crm, IRateLimiter limiter, TimeProvider time)
    {
        if (string.IsNullOrWhiteSpace(options.AccessToken) && !secrets.AreElsewhere(CrmProviderKind.HubSpot))
            throw new ConfigurationException("HubSpot:AccessToken: the value is missing; set HUBSPOT_ACCESS_TOKEN to a service key or an app's access token, or keep it elsewhere (Secrets:Directory, AWS_SECRET_NAME_HUBSPOT)");
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(options.TimeZone, out _))
            throw new ConfigurationException($"HubSpot:TimeZone: '{options.TimeZone}' is not a time zone; write an IANA name such as Europe/Berlin");
        // The provider counts the time itself, by a clock that tests can turn.
        var http = new HttpClient(VendorHttp.NewHandler()) { Timeout = Timeout.InfiniteTimeSpan };
        var credentials = new HubSpotCredentials(new Uri(options.BaseUrl), secrets.HubSpot);
        var calls = options.CallsPerTenSeconds == 0 ? null
            : new CallLimiter(limiter, new RateLimit("hubspot", LimitType.Crm, options.CallsPerTenSeconds, TimeSpan.FromSeconds(10)), time);
        return new HubSpotCrm(new VendorHttp(HubSpotCrm.Name, http, credentials, time, calls), options, crm.CallTimeout, time);
    }
}
