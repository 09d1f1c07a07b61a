namespace LeadPipeline.TestKit;

/// <summary>
/// A clock that moves only when told to. Timers fire inside <see cref="Advance"/>, on the calling thread, in the order
/// in which they fall due, and each sees the clock at its own due time.
/// </summary>
/// <remarks>
/// A timer that is due at once fires at the next <see cref="Advance"/>, of zero if need be, and never inside
/// <see cref="CreateTimer"/>, whose caller has not got hold of it yet.
/// </remarks>
public sealed class FakeTimeProvider(DateTimeOffset start) : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<FakeTimer> _armed = [];
    private readonly List<(int Count, TaskCompletionSource Reached)> _watchers = [];
    private DateTimeOffset _now = start;
    private long _sequence;

    /// <summary>Starts on a Tuesday at noon, UTC: far from any midnight, weekend or change of clocks.</summary>
    public FakeTimeProvider() : this(new DateTimeOffset(2026, 3, 3, 12, 0, 0, TimeSpan.Zero))
    {
    }

    /// <inheritdoc />
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <inheritdoc />
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>How many timers are waiting to fire.</summary>
    public int ArmedTimers
    {
        get
        {
            lock (_gate)
                return _armed.Count;
        }
    }

    /// <inheritdoc />
    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
            return _now;
    }

    /// <inheritdoc />
    public override long GetTimestamp() => GetUtcNow().UtcTicks;

    /// <inheritdoc />
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new FakeTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves the clock on and fires what falls due on the way, also timers that are set on the way.</summary>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        var target = GetUtcNow() + by;
        while (TakeNextDue(target) is { } timer)
            timer.Fire();

        lock (_gate)
        {
            // A callback may itself have moved the clock further.
            if (_now < target)
                _now = target;
        }
    }

    /// <summary>
    /// Completes when at least so many timers wait, so that a test can let the code under test fall asleep before it
    /// moves the clock.
    /// </summary>
    public Task UntilTimersAreArmedAsync(int count = 1)
    {
        lock (_gate)
        {
            if (_armed.Count >= count)
                return Task.CompletedTask;

            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _watchers.Add((count, reached));
            return reached.Task.WaitAsync(Eventually.Patience);
        }
    }

    private FakeTimer? TakeNextDue(DateTimeOffset target)
    {
        lock (_gate)
        {
            var next = _armed.Where(t => t.Due <= target).OrderBy(t => t.Due).ThenBy(t => t.Sequence).FirstOrDefault();
            if (next is null)
                return null;

            if (_now < next.Due)
                _now = next.Due;

            _armed.Remove(next);
            if (next.Period > TimeSpan.Zero)
                Arm(next, next.Due + next.Period);

            return next;
        }
    }

    private void Arm(FakeTimer timer, DateTimeOffset due)
    {
        timer.Due = due;
        timer.Sequence = ++_sequence;
        _armed.Add(timer);
        foreach (var watcher in _watchers.Where(w => w.Count <= _armed.Count).ToList())
        {
            _watchers.Remove(watcher);
            watcher.Reached.SetResult();
        }
    }

    private sealed class FakeTimer(FakeTimeProvider clock, TimerCallback callback, object? state) : ITimer
    {
        private bool _disposed;

        public DateTimeOffset Due { get; set; }

        public long Sequence { get; set; }

        public TimeSpan Period { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._gate)
            {
                if (_disposed)
                    return false;

                clock._armed.Remove(this);
                // As with the real timers, a period of zero means "once".
                Period = period == Timeout.InfiniteTimeSpan ? TimeSpan.Zero : period;
                if (dueTime != Timeout.InfiniteTimeSpan)
                    clock.Arm(this, clock._now + dueTime);

                return true;
            }
        }

        public void Fire() => callback(state);

        public void Dispose()
        {
            lock (clock._gate)
            {
                _disposed = true;
                clock._armed.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
