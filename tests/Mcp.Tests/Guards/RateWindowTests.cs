using FsCheck;
using FsCheck.Fluent;
using LeadPipeline.Mcp.Guards;

namespace LeadPipeline.Mcp.Tests.Guards;

[TestFixture]
public sealed class RateWindowTests
{
    private static readonly DateTimeOffset Start = new(2026, 3, 3, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [FsCheck.NUnit.Property(MaxTest = 300)]
    public Property Never_admits_more_than_the_limit_in_any_stretch_of_its_length() => Prop.ForAll(
        Gen.Choose(1, 30).Zip(Gen.Choose(0, 5000).ListOf()).ToArbitrary(), sample =>
        {
            var limit = Limit(sample.Item1);
            var (window, now, admitted) = (new RateWindow(), Start, new List<DateTimeOffset>());
            foreach (var wait in sample.Item2)
            {
                now += TimeSpan.FromMilliseconds(wait);
                if (Ask(window, limit, now, returning: wait % 2 == 0).IsAdmitted)
                    admitted.Add(now);
            }

            return Busiest(admitted, Minute) <= limit.Count;
        });

    [TestCase(10, 40)]
    [TestCase(100, 350)]
    [TestCase(1000, 3000)]
    public void Lets_a_crowd_through_at_the_limits_pace_when_it_comes_back_late(int count, int crowd)
    {
        var limit = Limit(count);
        // The sweeper looks every second, so that everybody comes back up to a second late.
        var (admitted, asked) = Run(limit, crowd, due => new DateTimeOffset((due.UtcTicks / TimeSpan.TicksPerSecond + 1) * TimeSpan.TicksPerSecond, TimeSpan.Zero));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(admitted, Has.Count.EqualTo(crowd), "nobody is dropped");
            Assert.That(Busiest(admitted, Minute), Is.LessThanOrEqualTo(count));
            // The first limit's worth goes at once; the rest at its pace, of which a fortieth is given away.
            Assert.That((admitted[^1] - Start).TotalMinutes, Is.LessThan((crowd - count) / (double)count * 1.05 + 1.1));
            Assert.That(Busiest([.. admitted.Skip(count)], TimeSpan.FromSeconds(3)), Is.LessThanOrEqualTo(Math.Max(3, count / 8)), "they come spread, not as a herd");
            Assert.That(asked, Is.LessThan(3 * crowd));
        }
    }

    [Test]
    public void Lets_everybody_through_when_nobody_could_come_in_time()
    {
        var limit = Limit(60);

        // All workers were away for ten minutes: whoever had a time in them comes at the end, all together.
        var (admitted, _) = Run(limit, 300, due => due < Start + TimeSpan.FromMinutes(10) ? Start + TimeSpan.FromMinutes(10) : due);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(admitted, Has.Count.EqualTo(300));
            Assert.That(Busiest(admitted, Minute), Is.LessThanOrEqualTo(60));
            Assert.That(admitted[^1], Is.LessThan(Start + TimeSpan.FromMinutes(10 + 5)));
        }
    }

    [Test]
    public void Lets_everybody_through_when_all_are_always_late()
    {
        var (admitted, _) = Run(Limit(60), 300, due => due + TimeSpan.FromSeconds(45));

        Assert.That(admitted, Has.Count.EqualTo(300));
    }

    [Test]
    public void Sends_newcomers_to_the_end_of_the_line()
    {
        var (limit, window) = (Limit(2), new RateWindow());
        Assert.That((bool[])[Ask(window, limit, Start, false).IsAdmitted, Ask(window, limit, Start, false).IsAdmitted], Is.All.True);
        var first = Ask(window, limit, Start, returning: false);

        var late = first.Until + TimeSpan.FromTicks(-1);
        var newcomer = Ask(window, limit, late, returning: false);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(newcomer.IsAdmitted, Is.False);
            Assert.That(newcomer.Until, Is.GreaterThan(first.Until));
            Assert.That(Ask(window, limit, first.Until, returning: true).IsAdmitted, Is.True);
        }
    }

    [Test]
    public void Counts_under_no_limit_when_one_of_them_refuses()
    {
        var (tight, wide) = (new RateLimit("tight", LimitType.Lead, 1, Minute), new RateLimit("wide", LimitType.Global, 100, Minute));
        var windows = new Dictionary<string, RateWindow> { ["tight"] = new(), ["wide"] = new() };
        var request = new RateRequest([tight, wide], Returning: false);
        _ = RateWindow.Decide(request, windows, Start);

        var answer = RateWindow.Decide(request, windows, Start);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Hit?.Type, Is.EqualTo(LimitType.Lead));
            Assert.That(windows["wide"].Taken(wide, Start), Is.EqualTo(1));
            Assert.That(RateWindow.Decide(new RateRequest([wide], Returning: false), windows, Start).IsAdmitted, Is.True, "and nobody else waits for it");
        }
    }

    [Test]
    public void Is_the_same_after_it_was_stored()
    {
        var (limit, window) = (Limit(3), new RateWindow());
        for (var i = 0; i < 7; i++)
            _ = Ask(window, limit, Start + TimeSpan.FromSeconds(2 * i), returning: i % 2 == 0);

        var read = RateWindow.Read(window.ToBytes());

        var later = Start + TimeSpan.FromSeconds(50);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(read.ToBytes(), Is.EqualTo(window.ToBytes()));
            Assert.That(Ask(read, limit, later, false), Is.EqualTo(Ask(window, limit, later, false)));
        }
    }

    [Test]
    public void Does_not_forget_when_another_workers_clock_is_behind()
    {
        var (limit, window) = (Limit(1), new RateWindow());
        _ = Ask(window, limit, Start, returning: false);

        Assert.That(Ask(window, limit, Start - TimeSpan.FromSeconds(30), returning: false).IsAdmitted, Is.False);
    }

    /// <summary>A crowd that comes at once; whoever has to wait comes back when the clock that is given says.</summary>
    private static (List<DateTimeOffset> Admitted, int Asked) Run(RateLimit limit, int crowd, Func<DateTimeOffset, DateTimeOffset> comesBack)
    {
        var (window, admitted, asked) = (new RateWindow(), new List<DateTimeOffset>(), 0);
        var waiting = new PriorityQueue<bool, DateTimeOffset>(Enumerable.Repeat((false, Start), crowd));
        while (waiting.TryDequeue(out var returning, out var now) && asked < 100 * crowd)
        {
            asked++;
            if (Ask(window, limit, now, returning) is { IsAdmitted: false, Until: var until })
                waiting.Enqueue(true, comesBack(until));
            else
                admitted.Add(now);
        }
        return (admitted, asked);
    }

    private static RateAnswer Ask(RateWindow window, RateLimit limit, DateTimeOffset now, bool returning) =>
        RateWindow.Decide(new RateRequest([limit], returning), new Dictionary<string, RateWindow> { [limit.Name] = window }, now);

    private static RateLimit Limit(int count) => new("test", LimitType.Global, count, Minute);

    private static int Busiest(List<DateTimeOffset> times, TimeSpan stretch)
    {
        var (most, first) = (0, 0);
        for (var i = 0; i < times.Count; i++)
        {
            while (times[i] - times[first] >= stretch)
                first++;
            most = Math.Max(most, i - first + 1);
        }
        return most;
    }
}
