using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Http;
using LeadPipeline.Mcp.Crm.HubSpot;
using LeadPipeline.Mcp.Crm.Salesforce;
using LeadPipeline.Worker.Hosting;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Secrets;

/// <summary>What came of trying a version of a secret.</summary>
/// <param name="Valid">Whether the CRM lets us in with it.</param>
/// <param name="Version">Its version id; null: no version carries the stage.</param>
/// <param name="Reason">Why not; null: it does.</param>
public sealed record SecretVerdict(bool Valid, string? Version, string? Reason);

/// <summary>Tries a version of a secret at its CRM, with reads only and beside what is in use: the pending one before it is promoted.</summary>
public sealed class SecretVerifier(
    ISecretsManager manager, CrmSecretSources sources, IOptions<SalesforceOptions> salesforce, IOptions<HubSpotOptions> hubspot, IOptions<CrmOptions> crm, TimeProvider time) : IDisposable
{
    private readonly HttpClient http = new(VendorHttp.NewHandler()) { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Tries it; null: the CRM's secret is not in Secrets Manager.</summary>
    public async Task<SecretVerdict?> VerifyAsync(CrmProviderKind provider, string stage, CancellationToken cancellationToken)
    {
        if (sources.NameOf(provider) is not { } name)
            return null;
        CrmSecret? secret = null;
        try
        {
            secret = await manager.FindAsync(name, stage, cancellationToken);
            if (secret is null)
                return new SecretVerdict(false, null, $"no version is {stage}");
            if (provider == CrmProviderKind.Salesforce)
            {
                using var credentials = new SalesforceCredentials(salesforce.Value, http, time, new OneSecret(secret));
                _ = await credentials.GetAsync(cancellationToken);
                return new SecretVerdict(true, secret.Version, null);
            }
            var vendor = new VendorHttp(HubSpotCrm.Name, http, new HubSpotCredentials(new Uri(hubspot.Value.BaseUrl), new OneSecret(secret)), time);
            using var account = new HubSpotCrm(vendor, hubspot.Value, crm.Value.CallTimeout, time);
            var refusal = (await account.ProbeAsync(cancellationToken)).FirstOrDefault(f => f is { What: "login", Well: false });
            return new SecretVerdict(refusal is null, secret.Version, refusal?.Says);
        }
        catch (CrmUnavailableException exception)
        {
            return new SecretVerdict(false, secret?.Version, exception.Message);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    private sealed class OneSecret(CrmSecret secret) : ICrmSecrets
    {
        public ValueTask<CrmSecret> GetAsync(CancellationToken cancellationToken) => new(secret);

        public bool Refused(CrmSecret secret) => false;
    }
}
