using LeadPipeline.Worker.Cli.Doctor;

namespace LeadPipeline.Worker.Tests.Cli;

public sealed class ClockCheckTests
{
    private static readonly DateTimeOffset Before = new(2026, 3, 14, 12, 0, 0, TimeSpan.Zero);

    [TestCase(0, true)]
    [TestCase(32, true)]
    [TestCase(33, false)]
    [TestCase(-30, true)]
    [TestCase(-31, false)]
    public void Should_allow_half_a_minute_beyond_the_time_that_the_answer_took(int seconds, bool well) =>
        Assert.That(ClockCheck.Judge("the server", Before.AddSeconds(seconds), Before, Before.AddSeconds(2)).Well, Is.EqualTo(well));

    [TestCase(90, "is 90 s behind the server")]
    [TestCase(-90, "is 90 s ahead of the server")]
    public void Should_say_which_way_it_is_wrong_and_what_to_do(int seconds, string expected) =>
        Assert.That(ClockCheck.Judge("the server", Before.AddSeconds(seconds), Before, Before).Says, Does.StartWith(expected).And.Contains("NTP"));
}
