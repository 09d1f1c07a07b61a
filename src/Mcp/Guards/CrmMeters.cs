using System.Diagnostics.Metrics;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Http;

namespace LeadPipeline.Mcp.Guards;

/// <summary>What is counted about CRM calls. Labels come from short lists: never a lead, an address or a message.</summary>
public static class CrmMeters
{
    /// <summary>The meter's name, for whoever listens.</summary>
    public const string Name = "LeadPipeline.Mcp";

    internal static readonly Meter Meter = new(Name);
    private static readonly Counter<long> Calls = Meter.CreateCounter<long>("crm_api_calls_total", "{call}", "HTTP calls to the CRM.");
    private static readonly UpDownCounter<long> Connections = Meter.CreateUpDownCounter<long>("mcp_active_connections", "{call}", "Calls to the CRM that are under way in this worker.");
    private static readonly Gauge<long> Quota = Meter.CreateGauge<long>("crm_quota_remaining", "{call}", "Calls that the CRM's allowance leaves.");

    /// <summary>One HTTP exchange with a vendor has ended.</summary>
    public static void Called(string provider, string operation, VendorReply reply) =>
        Calls.Add(1, new("crm_provider", provider), new("operation", operation), new("status", Status(reply)));

    /// <summary>Makes the series that have no labels, so that each is there, at zero, before its first event.</summary>
    internal static void ShowAll() => Connections.Add(0);

    /// <summary>A call to the CRM is under way, until this is disposed of.</summary>
    internal static UnderWay Connect()
    {
        Connections.Add(1);
        return default;
    }

    /// <summary>A vendor has told how much of its allowance is left.</summary>
    public static void QuotaLeft(string provider, long calls) => Quota.Record(calls, new KeyValuePair<string, object?>("crm_provider", provider));

    /// <summary>A kind of trouble as a label.</summary>
    public static string Label(this CrmFault fault) => fault switch
    {
        CrmFault.ConnectionRefused => "connection_refused",
        CrmFault.Timeout => "timeout",
        CrmFault.DnsFailure => "dns_failure",
        CrmFault.Unauthorized => "unauthorized",
        CrmFault.Forbidden => "forbidden",
        CrmFault.RateLimited => "rate_limited",
        CrmFault.ServerError => "server_error",
        _ => "unknown",
    };

    private static string Status(VendorReply reply) => reply switch
    {
        VendorReply.Answer { Status: < 400 } => "success",
        VendorReply.Answer { Status: 429 } => CrmFault.RateLimited.Label(),
        VendorReply.Answer { Status: 408 or >= 500 } => CrmFault.ServerError.Label(),
        VendorReply.Answer => "refused",
        VendorReply.NotTaken none => none.Fault.Label(),
        VendorReply.Lost lost => lost.Fault.Label(),
        _ => CrmFault.Unknown.Label(),
    };

    internal readonly struct UnderWay : IDisposable
    {
        public void Dispose() => Connections.Add(-1);
    }
}
