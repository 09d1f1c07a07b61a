using LeadPipeline.Mcp.Crm.Http;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Worker.Evidence.Http;
using LeadPipeline.Worker.Hosting;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Evidence;

/// <summary>Where company facts come from, made as configured.</summary>
internal static class EnrichmentRegistration
{
    public static void AddEnrichment(this IServiceCollection services)
    {
        services.AddSingleton<EnrichmentCache>();
        services.AddSingleton(sp =>
        {
            var service = sp.GetRequiredService<IOptions<HttpEnrichmentOptions>>().Value;
            return new EnrichmentChain(sp.GetRequiredService<CompanyDirectory>(), string.IsNullOrWhiteSpace(service.UrlTemplate) ? null : Service(sp, service));
        });
        services.AddSingleton<EvidenceGatherer>();
        services.AddHostedService<CompanyFileWatch>();
    }

    private static HttpEnrichment Service(IServiceProvider services, HttpEnrichmentOptions options)
    {
        var breaker = services.GetRequiredService<IOptions<BreakerOptions>>().Value;
        var guard = new CrmGuardSettings { FailureRatio = breaker.FailureRatio, MinimumThroughput = breaker.MinimumThroughput, Window = breaker.Window, BreakDuration = breaker.BreakDuration };
        // Redirects are not followed: where we ask is the operator's to say. The exchange counts the time itself, by a clock that tests can turn.
        var http = new HttpClient(VendorHttp.NewHandler()) { Timeout = Timeout.InfiniteTimeSpan };
        return new HttpEnrichment(options, guard, services.GetRequiredService<EnrichmentCache>(), http, services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<HttpEnrichment>>());
    }
}
