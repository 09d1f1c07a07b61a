using LeadPipeline.Mcp.Guards;

namespace LeadPipeline.Worker.Analysis.Gemini;

/// <summary>
/// Our own limits of requests and tokens a minute, over all workers. What a question will cost is known only afterwards: an admission takes
/// what the last ones cost on average, and is set right when the answer has come.
/// </summary>
/// <param name="limiter">Counts over all workers.</param>
/// <param name="model">The model; each has limits of its own.</param>
/// <param name="requestsPerMinute">0: no limit.</param>
/// <param name="tokensPerMinute">0: no limit.</param>
public sealed class ModelLimits(IRateLimiter limiter, string model, int requestsPerMinute, int tokensPerMinute)
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly RateLimit[] limits =
    [
        .. requestsPerMinute > 0 ? [new RateLimit($"model-requests:{model}", LimitType.Model, requestsPerMinute, Minute)] : Array.Empty<RateLimit>(),
        .. tokensPerMinute > 0 ? [new RateLimit($"model-tokens:{model}", LimitType.Model, tokensPerMinute, Minute)] : Array.Empty<RateLimit>(),
    ];

    private double typical = FirstGuess;

    /// <summary>What a question is taken to cost in tokens before any was answered: the embedded prompt, a lead and a short answer.</summary>
    public const int FirstGuess = 3000;

    /// <summary>What a question is taken to cost now.</summary>
    public int Typical => (int)Math.Max(1, Volatile.Read(ref typical));

    /// <summary>Asks for one request.</summary>
    /// <param name="returning">Whether it has waited before.</param>
    /// <param name="tokens">The tokens to take for it; null: what is typical.</param>
    /// <returns>The tokens that were taken for it; or the limit that was hit, and when to come back.</returns>
    public async ValueTask<(int Taken, RateAnswer Answer)> EnterAsync(bool returning, int? tokens = null)
    {
        // More than the whole limit could never be had.
        var taken = Math.Min(tokens ?? Typical, tokensPerMinute > 0 ? tokensPerMinute : int.MaxValue);
        if (limits.Length == 0)
            return (taken, default);
        var answer = await limiter.AskAsync(new RateRequest(limits, returning) { Weights = Weights(1, taken) });
        if (!answer.IsAdmitted)
            GuardMeters.Limited(LimitType.Model);
        return (taken, answer);
    }

    /// <summary>Counts one request that is made whatever the limits say.</summary>
    /// <returns>The tokens that were taken for it.</returns>
    public async ValueTask<int> TakeAsync()
    {
        var taken = Typical;
        if (limits.Length > 0)
            _ = await limiter.AskAsync(new RateRequest(limits, Returning: true) { Weights = Weights(1, taken), IsCorrection = true });
        return taken;
    }

    /// <summary>Sets right what was taken.</summary>
    /// <param name="taken">The tokens that were taken.</param>
    /// <param name="used">The tokens that were used; null: nobody knows, so that the guess stands.</param>
    /// <param name="answers">How many answers they were used for.</param>
    /// <param name="unasked">Requests that were taken and not made.</param>
    public async Task SettleAsync(int taken, int? used, int answers, int unasked = 0)
    {
        if (used is { } tokens && answers > 0)
            Volatile.Write(ref typical, (0.8 * Volatile.Read(ref typical)) + (0.2 * tokens / answers));
        var difference = (used ?? taken) - taken;
        if (limits.Length > 0 && (unasked != 0 || (difference != 0 && tokensPerMinute > 0)))
            _ = await limiter.AskAsync(new RateRequest(limits, Returning: true) { Weights = Weights(-unasked, difference), IsCorrection = true });
    }

    private int[] Weights(int requests, int tokens) => (requestsPerMinute > 0, tokensPerMinute > 0) switch
    {
        (true, true) => [requests, tokens],
        (true, false) => [requests],
        _ => [tokens],
    };
}
