namespace LeadPipeline.Integration.Tests.TestKit;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class FakeTimeProviderTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly List<string> _fired = [];

    [Test]
    public void Should_stand_still_until_advanced()
    {
        var before = _clock.GetUtcNow();
        var stamp = _clock.GetTimestamp();

        _clock.Advance(TimeSpan.FromMinutes(5));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(_clock.GetUtcNow() - before, Is.EqualTo(TimeSpan.FromMinutes(5)));
            Assert.That(_clock.GetElapsedTime(stamp), Is.EqualTo(TimeSpan.FromMinutes(5)));
        }
    }

    [Test]
    public void Should_fire_timers_in_the_order_they_fall_due_each_at_its_own_time()
    {
        var start = _clock.GetUtcNow();
        using var late = Timer("late", 20);
        using var early = Timer("early", 10);
        using var never = Timer("never", 31);

        _clock.Advance(TimeSpan.FromSeconds(30));

        Assert.That(_fired, Is.EqualTo(new[] { "early@10", "late@20" }));

        ITimer Timer(string name, int seconds) => _clock.CreateTimer(
            _ => _fired.Add($"{name}@{(_clock.GetUtcNow() - start).TotalSeconds}"), null, TimeSpan.FromSeconds(seconds), Timeout.InfiniteTimeSpan);
    }

    [Test]
    public void Should_fire_a_periodic_timer_once_for_each_period_passed()
    {
        using var timer = _clock.CreateTimer(_ => _fired.Add("tick"), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10));

        _clock.Advance(TimeSpan.FromSeconds(21));

        Assert.That(_fired, Has.Count.EqualTo(3));
    }

    [Test]
    public void Should_not_fire_a_timer_that_was_disposed_of_or_rearmed_for_later()
    {
        var disposed = _clock.CreateTimer(_ => _fired.Add("disposed"), null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
        using var rearmed = _clock.CreateTimer(_ => _fired.Add("rearmed"), null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
        disposed.Dispose();
        rearmed.Change(TimeSpan.FromSeconds(60), Timeout.InfiniteTimeSpan);

        _clock.Advance(TimeSpan.FromSeconds(30));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(_fired, Is.Empty);
            Assert.That(disposed.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan), Is.False);
        }
    }

    [Test]
    public void Should_fire_a_timer_that_is_due_at_once_only_when_advanced()
    {
        using var timer = _clock.CreateTimer(_ => _fired.Add("now"), null, TimeSpan.Zero, Timeout.InfiniteTimeSpan);

        Assert.That(_fired, Is.Empty);
        _clock.Advance(TimeSpan.Zero);

        Assert.That(_fired, Is.EqualTo(new[] { "now" }));
    }

    [Test]
    public async Task Should_wake_delays_and_cancel_on_time()
    {
        var delay = Task.Delay(TimeSpan.FromMinutes(1), _clock);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2), _clock);

        _clock.Advance(TimeSpan.FromSeconds(61));
        await delay.WaitAsync(Eventually.Patience);
        Assert.That(limit.IsCancellationRequested, Is.False);

        _clock.Advance(TimeSpan.FromSeconds(60));
        Assert.That(limit.IsCancellationRequested, Is.True);
    }

    [Test]
    public async Task Should_tell_when_the_code_under_test_has_fallen_asleep()
    {
        var sleeper = Task.Run(async () =>
        {
            await Task.Delay(TimeSpan.FromHours(1), _clock);
            return _clock.GetUtcNow();
        });
        var start = _clock.GetUtcNow();

        await _clock.UntilTimersAreArmedAsync();
        _clock.Advance(TimeSpan.FromHours(1));

        Assert.That(await sleeper.WaitAsync(Eventually.Patience), Is.EqualTo(start.AddHours(1)));
    }
}
