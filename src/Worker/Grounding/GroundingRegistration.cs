using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Grounding;

/// <summary>Puts grounding into the worker.</summary>
public static class GroundingRegistration
{
    public static IServiceCollection AddGrounding(this IServiceCollection services)
    {
        services.AddOptions<GroundingOptions>().BindConfiguration(GroundingOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services.AddSingleton(provider => provider.GetRequiredService<IOptions<GroundingOptions>>().Value.ToRules());
    }
}
