using LeadPipeline.TestKit;
using LeadPipeline.Worker.OpsConsole.Session;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Tests.OpsConsole;

public sealed class ConsoleSessionsTests
{
    private readonly FakeTimeProvider time = new();

    [Test]
    public void Should_open_what_any_worker_with_the_same_key_has_sealed()
    {
        using LeadCipher here = new(new byte[32]), there = new(new byte[32]);

        var session = new ConsoleSessions(there, time).Open(new ConsoleSessions(here, time).Begin("secret"));

        Assert.That(session?.Token, Is.EqualTo("secret"));
    }

    [Test]
    public void Should_end_after_twelve_hours()
    {
        using LeadCipher cipher = new(new byte[32]);
        var sessions = new ConsoleSessions(cipher, time);
        var cookie = sessions.Begin("secret");

        time.Advance(ConsoleSessions.Lifetime - TimeSpan.FromSeconds(1));
        var before = sessions.Open(cookie);
        time.Advance(TimeSpan.FromSeconds(1));

        Assert.That((before is null, sessions.Open(cookie) is null), Is.EqualTo((false, true)));
    }

    [TestCase(null)]
    [TestCase("")]
    [TestCase("not base64 !")]
    [TestCase("AAAA")]
    public void Should_open_nothing_else(string? cookie)
    {
        using LeadCipher cipher = new(new byte[32]);

        Assert.That(new ConsoleSessions(cipher, time).Open(cookie), Is.Null);
    }

    [Test]
    public void Should_notice_every_changed_byte()
    {
        using LeadCipher cipher = new(new byte[32]);
        var sessions = new ConsoleSessions(cipher, time);
        var sealedBytes = Convert.FromBase64String(sessions.Begin("secret")!);

        for (var i = 0; i < sealedBytes.Length; i++)
        {
            var changed = (byte[])sealedBytes.Clone();
            changed[i] ^= 1;
            Assert.That(sessions.Open(Convert.ToBase64String(changed)), Is.Null, $"byte {i}");
        }
    }

    [Test]
    public void Should_refuse_a_token_that_no_browser_would_keep()
    {
        using LeadCipher cipher = new(new byte[32]);

        Assert.That(new ConsoleSessions(cipher, time).Begin(new string('x', 3000)), Is.Null);
    }
}
