using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Http;

namespace LeadPipeline.Mcp.Guards;

/// <summary>
/// Keeps the HTTP calls to a vendor under its own limit, over all processes. A call that would have to wait a moment waits; one that would have
/// to wait longer is not made, and the lead is deferred for that time.
/// </summary>
/// <param name="limiter">Counts over all processes.</param>
/// <param name="limit">The vendor's limit, for example 100 in 10 s.</param>
/// <param name="time">The clock.</param>
public sealed class CallLimiter(IRateLimiter limiter, RateLimit limit, TimeProvider time)
{
    /// <summary>Longest wait in place: shorter than the time that a call is given, so that there is some left for the call.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Waits for a call's turn.</summary>
    /// <returns>Null when the call may be made; else why it was not, with the time to wait.</returns>
    public async Task<VendorReply.NotTaken?> EnterAsync(CancellationToken cancellationToken)
    {
        var begun = time.GetUtcNow();
        while (true)
        {
            // Calls belong to plans that were admitted already: none of them is a newcomer.
            var answer = await limiter.AskAsync(new RateRequest([limit], Returning: true));
            if (answer.IsAdmitted)
                return null;
            var now = time.GetUtcNow();
            if (answer.Until - begun > Patience)
            {
                GuardMeters.Limited(limit.Type);
                return new VendorReply.NotTaken(NotNowKind.RateLimited, CrmFault.RateLimited, "the CRM's limit of calls is used up", answer.Until - now);
            }
            await Task.Delay(answer.Until > now ? answer.Until - now : TimeSpan.FromMilliseconds(1), time, cancellationToken);
        }
    }
}
