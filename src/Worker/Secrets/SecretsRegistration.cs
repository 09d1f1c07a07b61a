using LeadPipeline.Mcp.Crm.Http;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Secrets;

/// <summary>The places where credentials are kept.</summary>
internal static class SecretsRegistration
{
    public static void AddSecrets(this IServiceCollection services)
    {
        services.AddSingleton<ISecretsManager>(sp => new SecretsManager(
            sp.GetRequiredService<IOptions<AwsOptions>>(), new HttpClient(VendorHttp.NewHandler()) { Timeout = Timeout.InfiniteTimeSpan }, sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton<CrmSecretSources>();
        services.AddSingleton<SecretVerifier>();
    }
}
