using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Worker.OpsConsole;

namespace LeadPipeline.Worker.Tests.OpsConsole;

public sealed class WordsTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 14, 12, 0, 0, TimeSpan.Zero);

    [TestCase(-5, "just now")]
    [TestCase(-90, "1 min ago")]
    [TestCase(-3 * 3600, "3 h ago")]
    [TestCase(-26 * 3600, "1 day ago")]
    [TestCase(-10 * 86400, "4 Mar 2026")]
    [TestCase(45, "in 45 s")]
    public void Should_tell_a_time_by_its_distance(int seconds, string expected) => Assert.That(Words.Ago(Now.AddSeconds(seconds), Now), Is.EqualTo(expected));

    [TestCase("ROUTE_TO_SDR", "Route to sdr")]
    [TestCase("same-failure", "Same failure")]
    [TestCase("", "")]
    public void Should_read_a_code_as_words(string code, string expected) => Assert.That(Words.Sentence(code), Is.EqualTo(expected));

    [Test]
    public void Should_have_a_word_for_every_status_verdict_and_effect()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Enum.GetNames<LeadStatus>().Select(s => Words.Status(s).Text), Is.Unique);
            Assert.That(Enum.GetNames<ClaimVerdict>().Select(v => Words.Verdict(v).Text), Has.None.Contains("_").And.Unique);
            Assert.That(Enum.GetValues<EffectState>().Select(s => Words.Effect(s.Name()).Text), Has.None.Contains("_").And.None.EqualTo("–"));
        }
    }

    [TestCase(new[] { 5, 1, 3 }, 3, 5)]
    [TestCase(new[] { 4 }, 4, 4)]
    public void Should_find_the_middle_and_the_slow_end(int[] seconds, int median, int p95) =>
        Assert.That(Worker.Ops.OverviewReader.Percentiles(seconds.Select(s => TimeSpan.FromSeconds(s))), Is.EqualTo((TimeSpan.FromSeconds(median), TimeSpan.FromSeconds(p95))));

    [Test]
    public void Should_have_no_percentiles_of_nothing() => Assert.That(Worker.Ops.OverviewReader.Percentiles([]), Is.Null);
}
