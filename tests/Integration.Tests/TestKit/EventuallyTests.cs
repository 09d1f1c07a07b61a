namespace LeadPipeline.Integration.Tests.TestKit;

public sealed class EventuallyTests
{
    [Test]
    public async Task Should_ask_again_after_a_no_and_after_an_error()
    {
        var asked = 0;

        await Eventually.ShouldAsync(() => ++asked switch
        {
            1 => false,
            2 => throw new IOException("not yet"),
            _ => true,
        }, "be true at the third time");

        Assert.That(asked, Is.EqualTo(3));
    }

    [Test]
    public void Should_say_what_did_not_happen_and_why()
    {
        var timeout = Assert.ThrowsAsync<TimeoutException>(() =>
            Eventually.ShouldAsync(() => Task.FromException<bool>(new IOException("the line is dead")), "hear a voice", TimeSpan.FromMilliseconds(60)));

        Assert.That(timeout.Message, Does.Contain("Should hear a voice").And.Contain("the line is dead"));
    }

    [Test]
    public void Should_not_hang_with_a_question_that_hangs() =>
        Assert.ThrowsAsync<TimeoutException>(() =>
            Eventually.ShouldAsync(() => new TaskCompletionSource<bool>().Task, "answer", TimeSpan.FromMilliseconds(60)));
}
