using LeadPipeline.Mcp.Crm.Http;

namespace LeadPipeline.Mcp.Crm.HubSpot;

/// <summary>
/// A token that somebody else keeps. It is asked for once and kept until HubSpot refuses it; then it is asked for again, since it may
/// have been exchanged meanwhile.
/// </summary>
/// <param name="baseAddress">HubSpot's address.</param>
/// <param name="token">The token as it is now; null or empty: there is none.</param>
public sealed class HubSpotCredentials(Uri baseAddress, Func<string?> token) : IVendorCredentials
{
    private volatile VendorAccess? known;

    /// <inheritdoc/>
    public ValueTask<VendorAccess> GetAsync(CancellationToken cancellationToken)
    {
        if (known is { } access)
            return new(access);
        return token() is { Length: > 0 } text
            ? new(known = new VendorAccess(baseAddress, text))
            : throw new CrmUnavailableException(NotNowKind.Unauthorized, "there is no HubSpot access token", fault: CrmFault.Unauthorized);
    }

    /// <inheritdoc/>
    public void Refused(VendorAccess access) => _ = Interlocked.CompareExchange(ref known, null, access);
}
