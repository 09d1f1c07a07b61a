namespace LeadPipeline.Mcp.Guards;

/// <summary>How much of a vendor's allowance of calls is used, as the vendor told last. Read by guards, told by providers; safe for many threads.</summary>
public sealed class CrmQuota(string provider, TimeProvider time) : ICrmAllowance
{
    private CrmAllowance? told;

    /// <inheritdoc/>
    public CrmAllowance? Left => Volatile.Read(ref told);

    /// <summary>The vendor has told.</summary>
    public void Observe(long used, long limit)
    {
        Volatile.Write(ref told, new CrmAllowance(used, limit, time.GetUtcNow()));
        CrmMeters.QuotaLeft(provider, Math.Max(0, limit - used));
    }

    /// <summary>The vendor has refused a call because nothing is left.</summary>
    public void Exhausted()
    {
        if (Left is { } known)
            Observe(Math.Max(known.Used, known.Allowed), known.Allowed);
    }
}
