using System.Diagnostics;

namespace LeadPipeline.TestKit;

/// <summary>Waits for what another process will do sooner or later. Where a signal can be awaited instead, await it.</summary>
public static class Eventually
{
    /// <summary>How long a test waits for anything before it fails. Long, since only failing tests wait it out, and machines that test are often busy.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    // A question that hangs, on a paused server for one, is given up and asked anew.
    private static readonly TimeSpan OneAnswer = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    /// <summary>Asks until the answer is yes. An exception counts as "not yet" and is told if the answer never comes.</summary>
    /// <param name="condition">The question.</param>
    /// <param name="what">What should happen, to go on from "Should".</param>
    /// <param name="timeout">Default: <see cref="Patience"/>.</param>
    public static async Task ShouldAsync(Func<Task<bool>> condition, string what, TimeSpan? timeout = null)
    {
        ArgumentNullException.ThrowIfNull(condition);
        var limit = timeout ?? Patience;
        var waited = Stopwatch.StartNew();
        Exception? last;
        do
        {
            last = null;
            try
            {
                if (await condition().WaitAsync(limit < OneAnswer ? limit : OneAnswer))
                    return;
            }
#pragma warning disable CA1031 // Whatever a server that is being killed makes a client throw.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                last = exception;
            }

            await Task.Delay(Interval);
        }
        while (waited.Elapsed < limit);

        throw new TimeoutException($"Should {what}, but did not within {limit.TotalSeconds:0.#} s.{(last is null ? "" : $" Last error: {last.Message}")}", last);
    }

    /// <summary>The same for a question that can be answered at once.</summary>
    public static Task ShouldAsync(Func<bool> condition, string what, TimeSpan? timeout = null) =>
        ShouldAsync(() => Task.FromResult(condition()), what, timeout);
}
