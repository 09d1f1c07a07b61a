using LeadPipeline.Mcp.Guards;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Tests.Storage;

/// <summary>Limits over several workers, which have nothing in common but the database.</summary>
public abstract class RateLimiterTests<TDatabase> : StorageFixture<TDatabase>
    where TDatabase : StorageDatabase, new()
{
    private readonly FakeTimeProvider time = new(Now);

    [TestCase(10, 60)]
    [TestCase(1000, 2400)]
    public async Task Should_hold_over_two_workers_that_ask_at_once(int count, int leads)
    {
        var limit = new RateLimit($"global:{count}", LimitType.Global, count, TimeSpan.FromMinutes(1));
        var begun = time.GetUtcNow();
        await using var one = new RateLimiter(Database.Sql, time);
        await using var two = new RateLimiter(Database.Sql, time);

        var answers = await Task.WhenAll(Enumerable.Range(0, leads).Select(i => (i % 2 == 0 ? one : two).AskAsync(new RateRequest([limit], Returning: false))));
        var waits = answers.Where(a => !a.IsAdmitted).Select(a => a.Until).ToList();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers.Count(a => a.IsAdmitted), Is.EqualTo(count));
            Assert.That(waits, Is.Unique, "everybody has a time of his own");
            Assert.That(waits.Max() - begun, Is.EqualTo(TimeSpan.FromMinutes(leads / (double)count)).Within(TimeSpan.FromMinutes(0.05 * leads / count)));
        }
    }

    [Test]
    public async Task Should_admit_whoever_comes_back_at_his_time()
    {
        var limit = new RateLimit("account:x", LimitType.Account, 1, TimeSpan.FromMinutes(1));
        await using var limiter = new RateLimiter(Database.Sql, time);
        _ = await limiter.AskAsync(new RateRequest([limit], Returning: false));
        var answer = await limiter.AskAsync(new RateRequest([limit], Returning: false));

        time.Advance(answer.Until - time.GetUtcNow());

        Assert.That((await limiter.AskAsync(new RateRequest([limit], Returning: true))).IsAdmitted, Is.True);
    }

    [Test]
    public async Task Should_forget_limits_that_nobody_has_met_for_a_while()
    {
        await using var limiter = new RateLimiter(Database.Sql, time);
        _ = await limiter.AskAsync(new RateRequest([new RateLimit("lead:old", LimitType.Lead, 1, TimeSpan.FromMinutes(1))], Returning: false));

        time.Advance(TimeSpan.FromMinutes(3));
        _ = await limiter.AskAsync(new RateRequest([new RateLimit("lead:new", LimitType.Lead, 1, TimeSpan.FromMinutes(1))], Returning: false));

        Assert.That(await Database.TextsAsync("SELECT name FROM rate_limits WHERE name LIKE 'lead:%'"), Is.EqualTo(new[] { "lead:new" }));
    }
}
