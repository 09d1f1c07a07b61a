namespace LeadPipeline.Worker.Messaging.RabbitMq;

/// <summary>
/// Messages that were published together, and the broker's confirms for them, which come one by one or many at once and in any order.
/// One wait for all of them is what makes many small messages cheap.
/// </summary>
/// <param name="first">The sequence number of the first message on its channel.</param>
/// <param name="count">How many there are; at least one.</param>
public sealed class ConfirmBatch(ulong first, int count)
{
    private readonly TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock gate = new();
    private readonly bool[] confirmed = new bool[count];
    private int open = count, lowest;

    /// <summary>Ends when the broker has confirmed all; fails when it refused one or when the channel closed.</summary>
    public Task Completion => done.Task;

    /// <summary>A confirm, of one message or of all up to it. What is not of this batch is passed over.</summary>
    public void Confirm(ulong sequence, bool multiple)
    {
        if (sequence < first)
            return;
        var last = (int)Math.Min(sequence - first, (ulong)confirmed.Length - 1);
        lock (gate)
        {
            for (; multiple && lowest <= last; lowest++)
                Mark(lowest);
            if (!multiple && sequence - first < (ulong)confirmed.Length)
                Mark(last);
        }
        if (Volatile.Read(ref open) == 0)
            done.TrySetResult();
    }

    /// <summary>The batch is lost, or a part of it: who published it must take it for not published.</summary>
    public void Fail(string why) => done.TrySetException(new IOException(why));

    private void Mark(int index)
    {
        if (confirmed[index])
            return;
        confirmed[index] = true;
        open--;
    }
}
