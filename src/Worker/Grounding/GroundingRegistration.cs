using LeadPipeline.Worker.Evidence;
using LeadPipeline.Worker.Evidence.Http;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Grounding;

/// <summary>The rules in force.</summary>
internal static class GroundingRegistration
{
    public static IServiceCollection AddGrounding(this IServiceCollection services) => services.AddSingleton(provider =>
        provider.GetRequiredService<IOptions<GroundingOptions>>().Value.ToRules() with
        {
            ProviderTimesToLive = new Dictionary<string, TimeSpan>
            {
                [CompanyDirectory.Provider] = provider.GetRequiredService<IOptions<EnrichmentDirectoryOptions>>().Value.TimeToLive,
                [HttpEnrichment.Provider] = provider.GetRequiredService<IOptions<HttpEnrichmentOptions>>().Value.TimeToLive,
            },
        });
}
