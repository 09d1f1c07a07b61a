using System.Collections.Concurrent;
using System.Globalization;

namespace LeadPipeline.Chaos.Tests;

/// <summary>A sender that posts each lead until somebody answers 202, to any worker. What it was answered is what has to be there in the end.</summary>
internal sealed class ChaosSender(IReadOnlyList<ChaosWorker> workers)
{
    private readonly ConcurrentDictionary<Guid, int> accepted = [];
    private readonly ConcurrentDictionary<string, int> otherwise = [];
    private int answered;

    /// <summary>Ids that were answered 202.</summary>
    public IReadOnlyCollection<Guid> Accepted => [.. accepted.Keys];

    /// <summary>Leads that have been accepted so far.</summary>
    public int Answered => Volatile.Read(ref answered);

    /// <summary>Answers that were none or not 202, counted by what they were.</summary>
    public IReadOnlyDictionary<string, int> Otherwise => otherwise;

    /// <summary>The longest time that any answer took.</summary>
    public TimeSpan Longest { get; private set; }

    /// <summary>Sends them spread over a time.</summary>
    public async Task SendAsync(int leads, TimeSpan over, CancellationToken cancellationToken)
    {
        var gap = over / leads;
        var begun = System.Diagnostics.Stopwatch.StartNew();
        await Parallel.ForEachAsync(Enumerable.Range(0, leads), new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = cancellationToken }, async (i, token) =>
        {
            if ((gap * i) - begun.Elapsed is var early && early > TimeSpan.Zero)
                await Task.Delay(early, token);
            for (var tries = 0; !await PostAsync(i, tries); tries++)
                await Task.Delay(100, token);
        });
    }

    private async Task<bool> PostAsync(int number, int tries)
    {
        if (workers[(number + tries) % workers.Count].Running is not { } worker)
            return false;
        var watch = System.Diagnostics.Stopwatch.StartNew();
        try
        {
            using var response = await worker.PostAsync(GeneratedLeads.Lead(number).ToJsonString(), trusted: true);
            if ((int)response.StatusCode != 202)
                return Not(((int)response.StatusCode).ToString(CultureInfo.InvariantCulture));
            _ = accepted.TryAdd(Guid.Parse((await response.JsonAsync())["leadId"]!.GetValue<string>()), number);
            _ = Interlocked.Increment(ref answered);
            return true;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException or IOException or ObjectDisposedException)
        {
            return Not("no answer");
        }
        finally
        {
            if (watch.Elapsed > Longest)
                Longest = watch.Elapsed;
        }
    }

    private bool Not(string what)
    {
        _ = otherwise.AddOrUpdate(what, 1, (_, n) => n + 1);
        return false;
    }
}
