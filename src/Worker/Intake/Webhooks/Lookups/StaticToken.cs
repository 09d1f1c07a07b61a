using LeadPipeline.Mcp.Crm.Http;

namespace LeadPipeline.Worker.Intake.Webhooks.Lookups;

/// <summary>A token that was given to us: there is no other to be had when it is refused.</summary>
internal sealed class StaticToken(Uri address, string token) : IVendorCredentials
{
    private readonly VendorAccess access = new(address, token);

    public ValueTask<VendorAccess> GetAsync(CancellationToken cancellationToken) => ValueTask.FromResult(access);

    public bool Refused(VendorAccess access) => false;
}
