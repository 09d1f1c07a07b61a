using System.Threading.Channels;

namespace LeadPipeline.Worker.Storage.Sql;

/// <summary>
/// Turns many concurrent calls into few big ones. One loop takes what has gathered while the previous group was under way, up to a limit,
/// and answers every caller by itself. There is no timer: an idle system answers at once, a busy one forms groups by itself.
/// If a group throws, it is halved until the culprit is alone; the others do not suffer.
/// </summary>
/// <param name="limit">Largest group.</param>
/// <param name="key">Items with equal keys never share a group; the later one waits for the next. Null: no such rule.</param>
/// <param name="run">Handles a group and answers in its order.</param>
/// <param name="splits">Whether to halve a group after this exception; otherwise everyone in it gets the exception (a lost database is nobody's fault).</param>
public sealed class Grouped<TItem, TResult>(
    int limit,
    Func<TItem, object?>? key,
    Func<IReadOnlyList<TItem>, CancellationToken, Task<IReadOnlyList<TResult>>> run,
    Func<Exception, bool> splits) : IAsyncDisposable
{
    private readonly Channel<Call> calls = Channel.CreateUnbounded<Call>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource stop = new();
    private Task? loop;

    /// <summary>Hands over one item and waits for its answer.</summary>
    public Task<TResult> RunAsync(TItem item)
    {
        EnsureStarted();
        var call = new Call(item);
        if (!calls.Writer.TryWrite(call))
            call.Answer.SetException(new ObjectDisposedException(nameof(Grouped<,>)));
        return call.Answer.Task;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        calls.Writer.TryComplete();
        if (loop is not null)
            await loop;
        await stop.CancelAsync();
        stop.Dispose();
    }

    private void EnsureStarted()
    {
        if (Volatile.Read(ref loop) is null)
        {
            lock (calls)
                loop ??= Task.Run(LoopAsync);
        }
    }

    private async Task LoopAsync()
    {
        var held = new List<Call>();
        while (held.Count > 0 || await calls.Reader.WaitToReadAsync())
            await RunGroupAsync(Gather(held));
    }

    private List<Call> Gather(List<Call> held)
    {
        var group = new List<Call>();
        var keys = new HashSet<object>();
        var later = new List<Call>();
        foreach (var call in held)
            Place(call);
        held.Clear();
        while (group.Count < limit && later.Count < limit && calls.Reader.TryRead(out var call))
            Place(call);
        held.AddRange(later);
        return group;

        void Place(Call call)
        {
            var value = key?.Invoke(call.Item);
            if (group.Count < limit && (value is null || keys.Add(value)))
                group.Add(call);
            else
                later.Add(call);
        }
    }

    private async Task RunGroupAsync(List<Call> group)
    {
        try
        {
            var answers = await run(group.ConvertAll(c => c.Item), stop.Token);
            for (var i = 0; i < group.Count; i++)
                group[i].Answer.TrySetResult(answers[i]);
        }
        catch (Exception exception) when (group.Count > 1 && splits(exception))
        {
            var half = group.Count / 2;
            await RunGroupAsync(group[..half]);
            await RunGroupAsync(group[half..]);
        }
#pragma warning disable CA1031 // Whatever it was, the callers are waiting for it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            foreach (var call in group)
                call.Answer.TrySetException(exception);
        }
    }

    private sealed record Call(TItem Item)
    {
        // Callers must not run on the loop: the next group would wait for what they do.
        public TaskCompletionSource<TResult> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
