using LeadPipeline.Mcp.Crm.Http;

namespace LeadPipeline.Mcp.Crm.HubSpot;

/// <summary>A token that somebody else keeps, and may exchange at any time.</summary>
/// <param name="baseAddress">HubSpot's address.</param>
/// <param name="secrets">Where the token is: its part <c>accesstoken</c>.</param>
public sealed class HubSpotCredentials(Uri baseAddress, ICrmSecrets secrets) : IVendorCredentials
{
    /// <summary>The token's name among the parts of a secret.</summary>
    public const string Token = "accesstoken";

    private volatile Known? known;

    /// <param name="baseAddress">HubSpot's address.</param>
    /// <param name="token">The token as it is now; null or empty: there is none.</param>
    public HubSpotCredentials(Uri baseAddress, Func<string?> token)
        : this(baseAddress, new SettingSecrets(Token, token))
    {
    }

    /// <inheritdoc/>
    public async ValueTask<VendorAccess> GetAsync(CancellationToken cancellationToken)
    {
        var secret = await secrets.GetAsync(cancellationToken);
        if (known is { } last && ReferenceEquals(last.Secret, secret))
            return last.Access;
        if (secret[Token] is not { } text)
            throw new CrmUnavailableException(NotNowKind.Unauthorized, "there is no HubSpot access token", fault: CrmFault.Unauthorized);
        var access = new VendorAccess(baseAddress, text);
        known = new Known(secret, access);
        return access;
    }

    /// <inheritdoc/>
    public bool Refused(VendorAccess access) => known is { } last && ReferenceEquals(last.Access, access) && secrets.Refused(last.Secret);

    private sealed record Known(CrmSecret Secret, VendorAccess Access);
}
