namespace LeadPipeline.Mcp.Guards;

/// <summary>How much of a vendor's allowance is used, as the vendor last said.</summary>
/// <param name="Used">Calls used.</param>
/// <param name="Allowed">Calls allowed; 0 or less: not known.</param>
/// <param name="ToldAt">When it said so.</param>
public sealed record CrmAllowance(long Used, long Allowed, DateTimeOffset ToldAt);

/// <summary>A provider that knows its allowance.</summary>
public interface ICrmAllowance
{
    /// <summary>As the vendor last said; null: it has not said yet.</summary>
    CrmAllowance? Left { get; }
}

/// <summary>What an allowance says about beginning a plan.</summary>
public enum QuotaVerdict
{
    /// <summary>There is plenty.</summary>
    Free,
    /// <summary>There is enough, but a person should know.</summary>
    Warn,
    /// <summary>What is left is for leads that a salesperson waits for; this one waits.</summary>
    RoutedOnly,
    /// <summary>Nothing is left.</summary>
    Spent,
}

/// <summary>Decides whether a plan may begin, given what is left of the vendor's allowance. Pure.</summary>
public static class QuotaGate
{
    /// <summary>How long a plan waits, and how long it counts what the vendor said: a rolling day lets go of a part every hour.</summary>
    private static readonly TimeSpan Rolling = TimeSpan.FromHours(1);

    /// <summary>From 80 % used a warning, from 90 % only leads that are routed to sales, at 100 % none.</summary>
    /// <param name="quota">The allowance; null: the vendor has none, or has not said yet.</param>
    /// <param name="isRouted">Whether the lead is routed to sales.</param>
    /// <param name="now">The time.</param>
    public static QuotaVerdict Decide(CrmAllowance? quota, bool isRouted, DateTimeOffset now)
    {
        // The vendor says it with its answers: as long as none may call, none would hear that there is some left again.
        if (quota is not { Allowed: > 0 } || now - quota.ToldAt >= Rolling)
            return QuotaVerdict.Free;
        var share = (double)quota.Used / quota.Allowed;
        return share switch
        {
            >= 1 => QuotaVerdict.Spent,
            >= 0.9 when !isRouted => QuotaVerdict.RoutedOnly,
            >= 0.8 => QuotaVerdict.Warn,
            _ => QuotaVerdict.Free,
        };
    }

    /// <summary>When a plan that had to wait comes back: spread over an hour by its lead, so that not all come at once.</summary>
    public static DateTimeOffset ComeBack(Guid leadId, DateTimeOffset now)
    {
        Span<byte> id = stackalloc byte[16];
        _ = leadId.TryWriteBytes(id);
        return now + Rolling + Rolling * (BitConverter.ToUInt16(id[..2]) / 65536.0);
    }
}
