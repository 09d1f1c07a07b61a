using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Worker.Evidence;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Execution;

/// <summary>
/// Whether a plan may begin now. Counted is each time that a plan sets out towards the CRM: the first time, and again after a deferral for another
/// reason than a limit. A plan with an open epoch, one that an attempt left in the middle, and one that is being undone are under way and not asked.
/// </summary>
/// <param name="limiter">Counts over all workers.</param>
/// <param name="limits">Plans a minute for a lead, a company, all; 0: no limit.</param>
/// <param name="accountKey">Makes a name of a domain that tells nobody which one it is.</param>
/// <param name="quota">What is left of the vendor's allowance; null: it has none.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
public sealed partial class PlanAdmission(
    IRateLimiter limiter, (int PerLead, int PerAccount, int Global) limits, Func<string, string> accountKey, ICrmAllowance? quota, TimeProvider time, ILogger<PlanAdmission> logger)
{
    private static readonly TimeSpan WarnEvery = TimeSpan.FromHours(1);
    private DateTimeOffset warned;

    /// <summary>Why a lead waits that met a limit, but for the limit's type.</summary>
    public const string Reason = "rate-limited-";

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    /// <summary>Asks. No limit in force: answered at once.</summary>
    public async ValueTask<RateAnswer> AskAsync(LeadWork work)
    {
        var saga = work.Saga;
        if (saga.Status == LeadStatus.Executing || saga is { Status: LeadStatus.Deferred, Reason: PlanAttempt.PersonBusy } || IsGivenBack(saga))
            return default;
        if (quota?.Left is { } left && Judge(left, work) is { } wait)
            return wait;
        var asked = Limits(saga.LeadId, work.Lead).ToList();
        if (asked.Count == 0)
            return default;
        var returning = saga is { Status: LeadStatus.Deferred, Reason: { } reason } && reason.StartsWith(Reason, StringComparison.Ordinal);
        return await limiter.AskAsync(new RateRequest(asked, returning));
    }

    private static bool IsGivenBack(LeadSaga saga) =>
        saga is { Status: LeadStatus.Deferred, Reason: { } reason } && (reason == PlanAttempt.Interrupted || reason.StartsWith(PlanAttempt.Unexpected, StringComparison.Ordinal));

    private RateAnswer? Judge(CrmAllowance left, LeadWork work)
    {
        var now = time.GetUtcNow();
        switch (QuotaGate.Decide(left, work.Decision == LeadDecision.ROUTE_TO_SDR, now))
        {
            case QuotaVerdict.Spent or QuotaVerdict.RoutedOnly:
                return new RateAnswer(new RateLimit("quota", LimitType.Crm, (int)Math.Min(left.Allowed, int.MaxValue), TimeSpan.FromDays(1)), QuotaGate.ComeBack(work.Saga.LeadId, now));
            case QuotaVerdict.Warn when now - warned >= WarnEvery:
                warned = now;
                Log.NearlySpent(logger, left.Used, left.Allowed);
                break;
        }
        return null;
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

    private static partial class Log
    {
        [LoggerMessage(330, LogLevel.Warning, "{Used} of {Allowed} CRM calls of the day are used; from 90 % on only leads that are routed to sales go ahead")]
        public static partial void NearlySpent(ILogger logger, long used, long allowed);
    }
}
