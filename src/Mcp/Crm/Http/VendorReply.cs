using System.Net.Http.Headers;
using System.Text.Json.Nodes;

namespace LeadPipeline.Mcp.Crm.Http;

/// <summary>What came of one HTTP exchange with a vendor. A closed family.</summary>
public abstract record VendorReply
{
    private VendorReply() { }

    /// <summary>The kind of trouble, for meters; null: the vendor answered and is well, be it with a refusal.</summary>
    public CrmFault? Trouble => this switch
    {
        Answer { Status: 401 } => CrmFault.Unauthorized,
        Answer { Status: 403 } => CrmFault.Forbidden,
        Answer { Status: 429 } => CrmFault.RateLimited,
        Answer { Status: 408 or >= 500 } => CrmFault.ServerError,
        NotTaken none => none.Fault,
        Lost lost => lost.Fault,
        _ => null,
    };

    /// <summary>The vendor answered; what it means is for the provider to say.</summary>
    /// <param name="Status">The HTTP status, any.</param>
    /// <param name="Body">The body, when it is JSON; an error page of something in between is null.</param>
    /// <param name="Headers">The answer's headers.</param>
    public sealed record Answer(int Status, JsonNode? Body, HttpResponseHeaders Headers) : VendorReply
    {
        /// <summary>The body as text, when it is something else than JSON (SOAP); null otherwise. It may hold personal data.</summary>
        public string? Text { get; init; }
    }

    /// <summary>The request cannot have been taken: nobody listened, or there were no credentials to send it with.</summary>
    /// <param name="Kind">What to do about it.</param>
    /// <param name="Fault">What it was.</param>
    /// <param name="Message">What it was, in words, without personal data.</param>
    /// <param name="RetryAfter">How long to wait, if somebody said.</param>
    public sealed record NotTaken(NotNowKind Kind, CrmFault Fault, string Message, TimeSpan? RetryAfter = null) : VendorReply;

    /// <summary>No whole answer came: the request may have been taken.</summary>
    /// <param name="Fault">What it was.</param>
    /// <param name="Message">What it was, in words, without personal data.</param>
    public sealed record Lost(CrmFault Fault, string Message) : VendorReply;
}
