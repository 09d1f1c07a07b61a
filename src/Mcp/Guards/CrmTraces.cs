using System.Diagnostics;
using LeadPipeline.Mcp.Crm;

namespace LeadPipeline.Mcp.Guards;

/// <summary>Spans of calls to the CRM: which vendor, which operation, how many writes. Never a value, a record or a person.</summary>
public static class CrmTraces
{
    /// <summary>The source's name, for whoever listens.</summary>
    public const string Name = "LeadPipeline.Mcp";

    private static readonly ActivitySource Source = new(Name);

    /// <summary>Begins the span of a call; null when nobody listens.</summary>
    /// <param name="provider">The CRM, in lower case.</param>
    /// <param name="operation"><c>read</c> or <c>write</c>.</param>
    /// <param name="writes">How many writes it carries.</param>
    internal static Activity? Call(string provider, string operation, int writes)
    {
        var span = Source.StartActivity($"{operation} {provider}", ActivityKind.Client);
        span?.SetTag("crm.provider", provider);
        span?.SetTag("crm.operation", operation);
        if (writes > 0)
            span?.SetTag("crm.writes", writes);
        return span;
    }

    /// <summary>Says how a call went.</summary>
    /// <param name="span">It.</param>
    /// <param name="fault">What went wrong; null: it was answered.</param>
    internal static void Ended(Activity? span, CrmFault? fault)
    {
        if (span is null || fault is not { } kind)
            return;
        span.SetTag("error.type", kind.Label());
        span.SetStatus(ActivityStatusCode.Error);
    }
}
