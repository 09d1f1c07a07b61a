using Microsoft.IdentityModel.Tokens;

namespace LeadPipeline.Worker.Ops.Jwt;

/// <summary>A token of the issuer cannot be checked: its keys cannot be fetched now.</summary>
public sealed class IssuerKeysUnavailableException() : Exception("The issuer's keys cannot be fetched now.");

/// <summary>
/// The keys that the issuer publishes. Fetched when first needed and kept: an issuer that is away does not lock out those whose keys are
/// known, and the worker starts without it. Fetched again in the background when an hour old, and when a token names a key that is not known,
/// but not more often than every half minute, or anybody could make us ask as often as he likes.
/// </summary>
public sealed partial class IssuerKeys(HttpClient http, Uri address, TimeProvider time, ILogger<IssuerKeys> logger)
{
    /// <summary>Time for one fetch.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Age from which keys are fetched again.</summary>
    public static readonly TimeSpan FreshFor = TimeSpan.FromHours(1);

    /// <summary>Least time between two fetches; after a failure <see cref="Patience"/>.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    private readonly Lock gate = new();
    private volatile State state = new([], DateTimeOffset.MinValue, Failed: false);
    private DateTimeOffset lastTry = DateTimeOffset.MinValue;
    private Task fetching = Task.CompletedTask;

    /// <summary>The keys that are known.</summary>
    public IReadOnlyList<JsonWebKey> Known => state.Keys;

    /// <summary>Sees to it that the key a token names is known, if it can be. False when the issuer would have to be asked and does not answer.</summary>
    /// <param name="kid">The key's name; null when the token names none.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<bool> TryPrepareAsync(string? kid, CancellationToken cancellationToken)
    {
        if (state.Has(kid))
        {
            if (time.GetUtcNow() - state.FetchedAt >= FreshFor)
                _ = FetchUnlessJustDone();
            return true;
        }
        await FetchUnlessJustDone().WaitAsync(cancellationToken);
        return state.Has(kid) || !state.Failed;
    }

    private Task FetchUnlessJustDone()
    {
        lock (gate)
        {
            var now = time.GetUtcNow();
            if (fetching.IsCompleted && now - lastTry >= (state.Failed ? Patience : Pause))
            {
                lastTry = now;
                fetching = Task.Run(FetchAsync);
            }
            return fetching;
        }
    }

    private async Task FetchAsync()
    {
        try
        {
            using var limit = new CancellationTokenSource(Patience, time);
            var keys = new JsonWebKeySet(await http.GetStringAsync(address, limit.Token)).Keys.Where(TokenRules.IsUsable).ToList();
            if (keys.Count == 0)
                throw new FormatException("The key set holds no key that signs.");
            state = new State(keys, time.GetUtcNow(), Failed: false);
            Log.Fetched(logger, keys.Count);
        }
#pragma warning disable CA1031 // Whatever it is, there are no new keys, and the old ones stay.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            state = state with { Failed = true };
            // The exception's text may repeat what was sent to us; its kind is enough to act upon.
            Log.NotFetched(logger, exception.GetType().Name, (exception as HttpRequestException)?.StatusCode is { } status ? (int)status : null, state.Keys.Count);
        }
    }

    private sealed record State(IReadOnlyList<JsonWebKey> Keys, DateTimeOffset FetchedAt, bool Failed)
    {
        public bool Has(string? kid) => string.IsNullOrEmpty(kid) ? Keys.Count > 0 : Keys.Any(k => k.Kid == kid);
    }

    private static partial class Log
    {
        [LoggerMessage(600, LogLevel.Information, "The issuer's keys were fetched: {Count} that sign")]
        public static partial void Fetched(ILogger logger, int count);

        [LoggerMessage(601, LogLevel.Warning, "The issuer's keys could not be fetched ({Kind}, status {Status}); {Count} known ones stay in use")]
        public static partial void NotFetched(ILogger logger, string kind, int? status, int count);
    }
}
