using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Http;
using LeadPipeline.Mcp.Crm.HubSpot;
using LeadPipeline.Mcp.Crm.Salesforce;
using LeadPipeline.Worker.Hosting;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Secrets;

/// <summary>What came of trying a version of a secret.</summary>
/// <param name="Valid">Whether the CRM lets us in with it, and to all that the one in use can see.</param>
/// <param name="Version">Its version id; null: no version carries the stage.</param>
/// <param name="Reason">Why not; null: it does.</param>
public sealed record SecretVerdict(bool Valid, string? Version, string? Reason);

/// <summary>Tries a version of a secret at its CRM, with reads only and beside what is in use: the pending one before it is promoted.</summary>
public sealed class SecretVerifier(
    ISecretsManager manager, CrmSecretSources sources, IOptions<SalesforceOptions> salesforce, IOptions<HubSpotOptions> hubspot, IOptions<CrmOptions> crm, TimeProvider time) : IDisposable
{
    private const string Login = "login";

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
            var against = await HubSpotFaultsAsync(secret, cancellationToken);
            // What the account lacks, the token in use meets as well; that is no reason to keep a new one out.
            if (against.Count > 0 && against.All(f => f.What != Login))
                against = [.. against.Except(await HubSpotFaultsAsync(await sources.HubSpot.GetAsync(cancellationToken), cancellationToken))];
            return new SecretVerdict(against.Count == 0, secret.Version, against.Count == 0 ? null : string.Join("; ", against.Select(f => $"{f.What}: {f.Says}")));
        }
        catch (CrmUnavailableException exception)
        {
            return new SecretVerdict(false, secret?.Version, exception.Message);
        }
    }

    private async Task<IReadOnlyList<CrmFinding>> HubSpotFaultsAsync(CrmSecret secret, CancellationToken cancellationToken)
    {
        var vendor = new VendorHttp(HubSpotCrm.Name, http, new HubSpotCredentials(new Uri(hubspot.Value.BaseUrl), new OneSecret(secret)), time);
        using var account = new HubSpotCrm(vendor, hubspot.Value, crm.Value.CallTimeout, time);
        return [.. (await account.ProbeAsync(cancellationToken)).Where(f => !f.Well)];
    }

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    private sealed class OneSecret(CrmSecret secret) : ICrmSecrets
    {
        public ValueTask<CrmSecret> GetAsync(CancellationToken cancellationToken) => new(secret);

        public bool Refused(CrmSecret secret) => false;
    }
}
