using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.TestKit;

namespace LeadPipeline.Mcp.Tests.Guards;

[TestFixture]
public sealed class QuotaGateTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 3, 12, 0, 0, TimeSpan.Zero);

    [TestCase(799, true, QuotaVerdict.Free)]
    [TestCase(800, false, QuotaVerdict.Warn)]
    [TestCase(899, false, QuotaVerdict.Warn)]
    [TestCase(900, false, QuotaVerdict.RoutedOnly)]
    [TestCase(999, true, QuotaVerdict.Warn)]
    [TestCase(1000, true, QuotaVerdict.Spent)]
    [TestCase(1200, false, QuotaVerdict.Spent)]
    public void Keeps_the_last_tenth_for_leads_that_are_routed(long used, bool routed, QuotaVerdict verdict) =>
        Assert.That(QuotaGate.Decide(new CrmAllowance(used, 1000, Now.AddMinutes(-59)), routed, Now), Is.EqualTo(verdict));

    [Test]
    public void Lets_everything_go_when_the_vendor_has_said_nothing() =>
        Assert.That(((QuotaVerdict[])[QuotaGate.Decide(null, false, Now), QuotaGate.Decide(new CrmAllowance(5, 0, Now), false, Now)]), Is.All.EqualTo(QuotaVerdict.Free));

    [Test]
    public void Lets_somebody_ask_again_an_hour_after_the_vendor_said_that_nothing_is_left() =>
        Assert.That(QuotaGate.Decide(new CrmAllowance(1000, 1000, Now.AddHours(-1)), false, Now), Is.EqualTo(QuotaVerdict.Free));

    [Test]
    public void Spreads_those_who_wait_over_an_hour()
    {
        var times = Enumerable.Range(0, 1000).Select(_ => QuotaGate.ComeBack(Guid.NewGuid(), Now)).ToList();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(times, Is.All.InRange(Now.AddHours(1), Now.AddHours(2)));
            Assert.That(times.GroupBy(t => t.Minute).Max(g => g.Count()), Is.LessThan(100));
        }
    }

    [Test]
    public async Task Makes_a_call_wait_a_moment_and_no_longer()
    {
        var time = new FakeTimeProvider(Now);
        var answers = new Queue<RateAnswer>([Wait(0.5), default, Wait(5)]);
        var calls = new CallLimiter(new Scripted(answers), Limit, time);

        var first = calls.EnterAsync(CancellationToken.None);
        await time.UntilTimersAreArmedAsync();
        time.Advance(TimeSpan.FromSeconds(0.5));
        var second = await calls.EnterAsync(CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await first, Is.Null);
            Assert.That((second?.Kind, second?.Fault, second?.RetryAfter), Is.EqualTo((NotNowKind.RateLimited, CrmFault.RateLimited, (TimeSpan?)TimeSpan.FromSeconds(4.5))));
        }
    }

    private static readonly RateLimit Limit = new("crm:test", LimitType.Crm, 100, TimeSpan.FromSeconds(10));

    private static RateAnswer Wait(double seconds) => new(Limit, Now.AddSeconds(seconds));

    private sealed class Scripted(Queue<RateAnswer> answers) : IRateLimiter
    {
        public Task<RateAnswer> AskAsync(RateRequest request) => Task.FromResult(answers.Dequeue());
    }
}
