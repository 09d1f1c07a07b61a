using LeadPipeline.Worker.Saga;

namespace LeadPipeline.Worker.Tests.Saga;

[TestFixture]
public sealed class DeferralPolicyTests
{
    private static readonly DateTimeOffset First = new(2026, 3, 3, 12, 0, 0, TimeSpan.Zero);

    [TestCase(0, 30)]
    [TestCase(1, 120)]
    [TestCase(2, 600)]
    [TestCase(3, 1800)]
    [TestCase(4, 3600)]
    [TestCase(5, 3600)]
    [TestCase(500, 3600)]
    public void Should_wait_longer_each_time_up_to_an_hour(int failures, int seconds) =>
        Assert.That(DeferralPolicy.NextTry(new DeferralOptions(), failures, First, First.AddMinutes(5)), Is.EqualTo(First.AddMinutes(5).AddSeconds(seconds)));

    [Test]
    public void Should_begin_to_count_with_the_first_failure() =>
        Assert.That(DeferralPolicy.NextTry(new DeferralOptions(), 0, null, First), Is.EqualTo(First.AddSeconds(30)));

    [Test]
    public void Should_try_a_last_time_when_the_day_is_over() =>
        Assert.That(DeferralPolicy.NextTry(new DeferralOptions(), 20, First, First.AddHours(23.5)), Is.EqualTo(First.AddHours(24)));

    [TestCase(24)]
    [TestCase(25)]
    public void Should_give_up_after_a_day(int hours) =>
        Assert.That(DeferralPolicy.NextTry(new DeferralOptions(), 20, First, First.AddHours(hours)), Is.Null);

    [Test]
    public void Should_keep_to_configured_waits_alone()
    {
        var options = new DeferralOptions { Delays = [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2)], MaxAge = TimeSpan.FromSeconds(10) };

        Assert.That(
            new[] { 0, 1, 2 }.Select(failures => DeferralPolicy.NextTry(options, failures, First, First)),
            Is.EqualTo(new DateTimeOffset?[] { First.AddSeconds(1), First.AddSeconds(2), First.AddSeconds(2) }));
    }

    [Test]
    public void Should_end_after_a_day_however_the_tries_fall()
    {
        var (now, failures) = (First, 0);
        while (DeferralPolicy.NextTry(new DeferralOptions(), failures, First, now) is { } next)
            (now, failures) = (next, failures + 1);

        Assert.That((now, failures), Is.EqualTo((First.AddHours(24), 28)));
    }
}
