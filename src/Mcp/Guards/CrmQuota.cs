namespace LeadPipeline.Mcp.Guards;

/// <summary>How much of a vendor's allowance of calls is used, as the vendor told last. Read by guards, told by providers; safe for many threads.</summary>
public sealed class CrmQuota(string provider) : ICrmAllowance
{
    private Level? level;

    /// <summary>What the vendor told last; null: nothing yet.</summary>
    public Level? Known => Volatile.Read(ref level);

    /// <inheritdoc/>
    public CrmAllowance? Left => Known is { } known ? new CrmAllowance(known.Used, known.Limit, ResetsAt: null) : null;

    /// <summary>The vendor has told.</summary>
    public void Observe(long used, long limit)
    {
        Volatile.Write(ref level, new Level(used, limit));
        CrmMeters.QuotaLeft(provider, Math.Max(0, limit - used));
    }

    /// <summary>The vendor has refused a call because nothing is left.</summary>
    public void Exhausted()
    {
        if (Known is { } known)
            Observe(Math.Max(known.Used, known.Limit), known.Limit);
    }

    /// <summary>Calls used and allowed.</summary>
    public sealed record Level(long Used, long Limit);
}
