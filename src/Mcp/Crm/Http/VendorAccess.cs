namespace LeadPipeline.Mcp.Crm.Http;

/// <summary>Where a vendor is and what lets us in.</summary>
/// <param name="BaseAddress">The host that calls go to; a login may name another than the one it was made at.</param>
/// <param name="Bearer">The token.</param>
/// <param name="UserId">Who the vendor takes us for, when the login said so.</param>
public sealed record VendorAccess(Uri BaseAddress, string Bearer, string? UserId = null)
{
    /// <summary>Without the token.</summary>
    public override string ToString() => BaseAddress.ToString();
}

/// <summary>Obtains a vendor's access once for everybody, and again when it was refused.</summary>
public interface IVendorCredentials
{
    /// <summary>The access in force; a login, when there is none.</summary>
    /// <exception cref="CrmUnavailableException">The login failed; <see cref="NotNowKind.Unauthorized"/> when it was refused.</exception>
    ValueTask<VendorAccess> GetAsync(CancellationToken cancellationToken);

    /// <summary>
    /// The vendor has refused this access. If it still is the one in force, the next <see cref="GetAsync"/> obtains another; many callers
    /// that were refused at once cause one login.
    /// </summary>
    /// <returns>Whether that other one is of another secret, and so worth a further try.</returns>
    bool Refused(VendorAccess access);
}
