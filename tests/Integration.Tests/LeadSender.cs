using System.Collections.Concurrent;
using System.Net;

namespace LeadPipeline.Integration.Tests;

/// <summary>
/// A sender as senders should be: it posts until it is answered 202, to whoever answers. What it was answered is what must be there in the end.
/// </summary>
internal sealed class LeadSender(Func<RunningWorker> to)
{
    private readonly ConcurrentDictionary<Guid, int> accepted = new();
    private int answered;

    public IEnumerable<Guid> Accepted => accepted.Keys;

    /// <summary>Posts that were answered 202.</summary>
    public int Answered => Volatile.Read(ref answered);

    /// <summary>Posts that were answered otherwise, by status: 503 is allowed, everything else is not.</summary>
    public ConcurrentDictionary<HttpStatusCode, int> Refused { get; } = new();

    /// <summary>The longest time that an answer took, whatever it was, or that was waited for one that did not come.</summary>
    public TimeSpan Longest { get; private set; }

    public Task SendAsync(int from, int count, int together = 8) =>
        Parallel.ForEachAsync(Enumerable.Range(from, count), new ParallelOptions { MaxDegreeOfParallelism = together }, async (i, _) => await SendAsync(i));

    private async Task SendAsync(int number)
    {
        var lead = GeneratedLeads.Lead(number).ToJsonString();
        HttpStatusCode last = default;
        try
        {
            await Eventually.ShouldAsync(PostAsync, $"accept lead {number}");
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"{exception.Message} Last answer: {last}. The worker's log ends:\n{string.Join('\n', to().Process.Errors.TakeLast(60))}", exception);
        }

        async Task<bool> PostAsync()
        {
            using var response = await TimedAsync(() => to().PostAsync(lead, trusted: true));
            last = response.StatusCode;
            if (last != HttpStatusCode.Accepted)
            {
                Refused.AddOrUpdate(response.StatusCode, 1, (_, n) => n + 1);
                return false;
            }
            accepted.TryAdd(Guid.Parse((await response.JsonAsync())["leadId"]!.GetValue<string>()), number);
            Interlocked.Increment(ref answered);
            return true;
        }
    }

    private async Task<HttpResponseMessage> TimedAsync(Func<Task<HttpResponseMessage>> post)
    {
        var began = System.Diagnostics.Stopwatch.StartNew();
        try
        {
            return await post();
        }
        finally
        {
            if (began.Elapsed > Longest)
                Longest = began.Elapsed;
        }
    }
}
