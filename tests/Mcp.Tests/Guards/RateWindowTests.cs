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
    [FsCheck.NUnit.Property(MaxTest = 300)]
    public Property Never_admits_more_weight_than_the_limit_in_any_stretch_of_its_length() => Prop.ForAll(
        Gen.Choose(1, 200).Zip(Gen.Choose(0, 5000).Zip(Gen.Choose(1, 300)).ListOf()).ToArbitrary(), sample =>
        {
            var limit = Limit(sample.Item1);
            var (window, now, admitted) = (new RateWindow(), Start, new List<(DateTimeOffset At, int Weight)>());
            foreach (var (wait, weight) in sample.Item2)
            {
                now += TimeSpan.FromMilliseconds(wait);
                if (Ask(window, limit, now, returning: wait % 2 == 0, weight).IsAdmitted)
                    admitted.Add((now, Math.Min(weight, limit.Count)));
            }

            return admitted.All(a => admitted.Where(b => b.At >= a.At && b.At - a.At < Minute).Sum(b => b.Weight) <= limit.Count);
        });

    [Test]
    public void Gives_back_what_was_not_used()
    {
        var (limit, window) = (Limit(100), new RateWindow());
        _ = Ask(window, limit, Start, returning: false, weight: 90);

        var full = Ask(window, limit, Start, returning: false, weight: 50);
        Correct(window, limit, Start.AddSeconds(5), -60);
        var room = Ask(window, limit, Start.AddSeconds(5), returning: true, weight: 50);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((full.IsAdmitted, room.IsAdmitted), Is.EqualTo((false, true)));
            Assert.That(window.Taken(limit, Start.AddSeconds(5)), Is.EqualTo(80));
        }
    }

    [Test]
    public void Takes_more_than_the_limit_when_more_was_used_and_lets_others_wait_for_it()
    {
        var (limit, window) = (Limit(100), new RateWindow());
        _ = Ask(window, limit, Start, returning: false, weight: 10);
        Correct(window, limit, Start, 400);

        var answer = Ask(window, limit, Start, returning: true, weight: 1);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.IsAdmitted, Is.False);
            Assert.That(answer.Until - Start, Is.EqualTo(Minute).Within(TimeSpan.FromSeconds(3)));
            Assert.That(Ask(window, limit, answer.Until, returning: true, weight: 1).IsAdmitted, Is.True);
        }
    }

    [Test]
    public void Never_owes_anything_when_more_is_given_back_than_was_taken()
    {
        var (limit, window) = (Limit(100), new RateWindow());
        _ = Ask(window, limit, Start, returning: false, weight: 10);
        Correct(window, limit, Start.AddSeconds(30), -500);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(window.Taken(limit, Start.AddSeconds(30)), Is.Zero);
            Assert.That(RateWindow.Read(window.ToBytes()).Taken(limit, Start.AddSeconds(30)), Is.Zero);
        }
    }

    private static void Correct(RateWindow window, RateLimit limit, DateTimeOffset now, int weight) =>
        RateWindow.Decide(new RateRequest([limit], Returning: true) { Weights = [weight], IsCorrection = true }, new Dictionary<string, RateWindow> { [limit.Name] = window }, now);

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

    private static RateAnswer Ask(RateWindow window, RateLimit limit, DateTimeOffset now, bool returning, int weight = 1) =>
        RateWindow.Decide(new RateRequest([limit], returning) { Weights = [weight] }, new Dictionary<string, RateWindow> { [limit.Name] = window }, now);

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
