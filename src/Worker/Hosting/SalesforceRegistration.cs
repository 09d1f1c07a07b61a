using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Http;
using LeadPipeline.Mcp.Crm.Salesforce;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Worker.Secrets;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Hosting;

/// <summary>Salesforce, made when it is the configured CRM.</summary>
internal static class SalesforceRegistration
{
    /// <summary>Time for all calls of one read or write of the port; each call has <c>Salesforce:ReadTimeout</c> or <c>Salesforce:WriteTimeout</c>.</summary>
    private static readonly TimeSpan AllCalls = TimeSpan.FromSeconds(30);

    /// <summary>How long the breaker of the writes stays open, at least: an org in trouble is not helped by writers that come back soon.</summary>
    private static readonly TimeSpan WriteBreak = TimeSpan.FromSeconds(60);

    public static void AddSalesforce(this IServiceCollection services)
    {
        services.AddSingleton(sp => Create(sp.GetRequiredService<IOptions<SalesforceOptions>>().Value, sp.GetRequiredService<CrmSecretSources>(), sp.GetRequiredService<TimeProvider>()));
        services.AddKeyedSingleton<ICrmProbe>(CrmProviderKind.Salesforce, (sp, _) => sp.GetRequiredService<SalesforceCrm>());
    }

    /// <summary>The guards' settings for Salesforce.</summary>
    public static CrmGuardSettings Guards(CrmGuardSettings settings, SalesforceOptions options)
    {
        var longest = options.WriteTimeout > options.ReadTimeout ? options.WriteTimeout : options.ReadTimeout;
        return settings with
        {
            CallTimeout = longest > AllCalls ? longest : AllCalls,
            WriteBreakDuration = settings.BreakDuration > WriteBreak ? settings.BreakDuration : WriteBreak,
        };
    }

    private static SalesforceCrm Create(SalesforceOptions options, CrmSecretSources secrets, TimeProvider time)
    {
        if (options.Problems(secrets.AreElsewhere(CrmProviderKind.Salesforce)).ToList() is { Count: > 0 } problems)
            throw new ConfigurationException(problems);
        // The provider counts the time itself, by a clock that tests can turn.
        var http = new HttpClient(VendorHttp.NewHandler(options.ConcurrentCalls)) { Timeout = Timeout.InfiniteTimeSpan };
        return new SalesforceCrm(options, new SalesforceCredentials(options, http, time, secrets.Salesforce), http, new CrmQuota(SalesforceCrm.ProviderName, time), time);
    }
}
