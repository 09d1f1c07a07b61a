using System.Net;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Intake;

namespace LeadPipeline.Worker.Tests.Intake;

public sealed class DoorLimitTests
{
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 3, 3, 12, 0, 15, TimeSpan.Zero));

    [Test]
    public void Counts_each_caller_by_itself_until_the_next_minute()
    {
        var door = new DoorLimit(2, time);

        var first = Enumerable.Range(0, 3).Select(_ => door.Admit("a")).ToList();
        var other = door.Admit("b");
        time.Advance(TimeSpan.FromSeconds(45));
        var later = door.Admit("a");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first.Select(a => (a.IsAdmitted, a.Remaining)), Is.EqualTo(new[] { (true, 1), (true, 0), (false, 0) }));
            Assert.That(first[2].Reset, Is.EqualTo(new DateTimeOffset(2026, 3, 3, 12, 1, 0, TimeSpan.Zero)));
            Assert.That(first[2].RetryAfter, Is.EqualTo(45));
            Assert.That((other.IsAdmitted, other.Remaining), Is.EqualTo((true, 1)));
            Assert.That((later.IsAdmitted, later.Remaining), Is.EqualTo((true, 1)));
        }
    }

    [Test]
    public void Admits_no_more_than_the_limit_however_many_ask_at_once()
    {
        var door = new DoorLimit(100, time);

        var admitted = Enumerable.Range(0, 1000).AsParallel().Count(_ => door.Admit("a").IsAdmitted);

        Assert.That(admitted, Is.EqualTo(100));
    }

    [TestCase("203.0.113.7", "203.0.113.7")]
    [TestCase("::ffff:203.0.113.7", "203.0.113.7")]
    [TestCase("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64")]
    public void Takes_a_network_of_one_customer_for_one_address(string address, string counted)
    {
        Assert.That(DoorLimitRegistration.Neighbourhood(IPAddress.Parse(address)), Is.EqualTo(counted));
    }
}
