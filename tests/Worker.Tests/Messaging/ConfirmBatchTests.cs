using LeadPipeline.Worker.Messaging.RabbitMq;

namespace LeadPipeline.Worker.Tests.Messaging;

/// <summary>The broker confirms as it likes: one by one, many at once, in any order, and also what was published before.</summary>
public class ConfirmBatchTests
{
    [Test]
    public void Should_end_with_the_last_confirm_whatever_their_order()
    {
        var batch = new ConfirmBatch(11, 4);

        batch.Confirm(14, multiple: false);
        batch.Confirm(12, multiple: true);
        batch.Confirm(14, multiple: false);

        Assert.That(batch.Completion.IsCompleted, Is.False);
        batch.Confirm(13, multiple: false);
        Assert.That(batch.Completion.IsCompletedSuccessfully, Is.True);
    }

    [TestCase(4ul)]
    [TestCase(9ul)]
    public void Should_end_when_all_are_confirmed_at_once(ulong upTo)
    {
        var batch = new ConfirmBatch(3, 2);

        batch.Confirm(upTo, multiple: true);

        Assert.That(batch.Completion.IsCompletedSuccessfully, Is.True);
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Should_pass_over_what_is_not_of_this_batch(bool multiple)
    {
        var batch = new ConfirmBatch(3, 2);

        batch.Confirm(2, multiple);
        batch.Confirm(7, multiple: false);
        batch.Confirm(3, multiple: false);

        Assert.That(batch.Completion.IsCompleted, Is.False);
    }

    [Test]
    public void Should_stay_failed_when_confirms_come_after_a_refusal()
    {
        var batch = new ConfirmBatch(1, 1);

        batch.Fail("refused");
        batch.Confirm(1, multiple: false);

        Assert.That(() => batch.Completion, Throws.TypeOf<IOException>().With.Message.EqualTo("refused"));
    }
}
