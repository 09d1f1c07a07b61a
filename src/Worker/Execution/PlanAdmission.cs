using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Worker.Evidence;
using LeadPipeline.Worker.Saga;

namespace LeadPipeline.Worker.Execution;

/// <summary>
/// Whether a plan may begin now. Counted is each time that a plan sets out towards the CRM: the first time, and again after a deferral for another
/// reason than a limit. A plan with an open epoch, and one that is being undone, are under way and not asked.
/// </summary>
/// <param name="limiter">Counts over all workers.</param>
/// <param name="limits">Plans a minute for a lead, a company, all; 0: no limit.</param>
/// <param name="accountKey">Makes a name of a domain that tells nobody which one it is.</param>
public sealed class PlanAdmission(IRateLimiter limiter, (int PerLead, int PerAccount, int Global) limits, Func<string, string> accountKey)
{
    /// <summary>Why a lead waits that met a limit, but for the limit's type.</summary>
    public const string Reason = "rate-limited-";

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    /// <summary>No limits at all.</summary>
    public static PlanAdmission Open { get; } = new(new NoLimiter(), (0, 0, 0), domain => domain);

    /// <summary>Asks. No limit in force: answered at once.</summary>
    public async ValueTask<RateAnswer> AskAsync(LeadSaga saga, Lead lead)
    {
        if (saga.Status == LeadStatus.Executing || saga is { Status: LeadStatus.Deferred, Reason: PlanAttempt.PersonBusy })
            return default;
        var asked = Limits(saga.LeadId, lead).ToList();
        if (asked.Count == 0)
            return default;
        var returning = saga is { Status: LeadStatus.Deferred, Reason: { } reason } && reason.StartsWith(Reason, StringComparison.Ordinal);
        return await limiter.AskAsync(new RateRequest(asked, returning));
    }

    private IEnumerable<RateLimit> Limits(Guid leadId, Lead lead)
    {
        if (limits.PerLead > 0)
            yield return new RateLimit($"lead:{leadId:N}", LimitType.Lead, limits.PerLead, Minute);
        if (limits.PerAccount > 0 && EmailDomains.Of(lead.Email) is { } domain && !EmailDomains.IsFree(domain))
            yield return new RateLimit($"account:{accountKey(domain)}", LimitType.Account, limits.PerAccount, Minute);
        if (limits.Global > 0)
            yield return new RateLimit("global", LimitType.Global, limits.Global, Minute);
    }

    private sealed class NoLimiter : IRateLimiter
    {
        public Task<RateAnswer> AskAsync(RateRequest request) => Task.FromResult(default(RateAnswer));
    }
}
