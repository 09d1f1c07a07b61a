using LeadPipeline.Mcp.Crm;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;

namespace LeadPipeline.Mcp.Guards;

/// <summary>Settings of the guards around CRM calls.</summary>
public sealed record CrmGuardSettings
{
    /// <summary>Time for one call. Default 10 s.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(10);
    /// <summary>Tries of a read in place. Default 3.</summary>
    public int Attempts { get; init; } = 3;
    /// <summary>Wait before the second try of a read; doubles, with jitter. Default 0.5 s.</summary>
    public TimeSpan BaseDelay { get; init; } = TimeSpan.FromSeconds(0.5);
    /// <summary>Longest wait between tries. Default 10 s.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(10);
    /// <summary>Share of failures that opens the breaker. Default 0.5.</summary>
    public double FailureRatio { get; init; } = 0.5;
    /// <summary>Calls in the window before the breaker judges. Default 10.</summary>
    public int MinimumThroughput { get; init; } = 10;
    /// <summary>The window. Default 30 s.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromSeconds(30);
    /// <summary>How long the breaker stays open. Default 30 s.</summary>
    public TimeSpan BreakDuration { get; init; } = TimeSpan.FromSeconds(30);
    /// <summary>How long the breaker of the writes stays open, where it is another time. Default: <see cref="BreakDuration"/>.</summary>
    public TimeSpan? WriteBreakDuration { get; init; }
}

/// <summary>
/// Timeout, retry and circuit breaker around a CRM, one breaker an operation. Reads are tried again here; writes are not: after a
/// partial batch only the ledger knows what is left to send.
/// </summary>
public sealed class GuardedCrm : ICrm
{
    private readonly ICrm inner;
    private readonly CrmGuardSettings settings;
    private readonly TimeProvider time;
    private readonly ResiliencePipeline<CrmView> read;
    private readonly ResiliencePipeline<IReadOnlyList<CrmOutcome>> write;

    /// <summary>Puts the guards around a CRM.</summary>
    public GuardedCrm(ICrm inner, CrmGuardSettings settings, TimeProvider time)
    {
        (this.inner, this.settings, this.time) = (inner, settings, time);
        var reads = new ResiliencePipelineBuilder<CrmView> { TimeProvider = time };
        if (settings.Attempts > 1)
        {
            _ = reads.AddRetry(new RetryStrategyOptions<CrmView>
            {
                ShouldHandle = args => ValueTask.FromResult(args.Outcome.Exception is CrmUnavailableException { Kind: NotNowKind.Transient }),
                MaxRetryAttempts = settings.Attempts - 1,
                Delay = settings.BaseDelay,
                MaxDelay = settings.MaxDelay,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
            });
        }
        read = reads
            .AddCircuitBreaker(Breaker<CrmView>(settings.BreakDuration, outcome => outcome.Exception is CrmUnavailableException { Kind: NotNowKind.Transient }))
            .Build();
        write = new ResiliencePipelineBuilder<IReadOnlyList<CrmOutcome>> { TimeProvider = time }
            .AddCircuitBreaker(Breaker<IReadOnlyList<CrmOutcome>>(settings.WriteBreakDuration ?? settings.BreakDuration, outcome =>
                outcome.Result?.Any(o => o is CrmOutcome.Unknown or CrmOutcome.NotNow { Kind: NotNowKind.Transient }) ?? outcome.Exception is not null))
            .Build();
    }

    /// <inheritdoc/>
    public string Provider => inner.Provider;

    /// <inheritdoc/>
    public async Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken)
    {
        try
        {
            return await read.ExecuteAsync(async token =>
            {
                // The source follows the given clock, so that tests need not wait; a linked source would follow the system's.
                using var limit = new CancellationTokenSource(settings.CallTimeout, time);
                // Given up with the call: the caller's token outlives it by far.
                await using var link = token.Register(static s => ((CancellationTokenSource)s!).Cancel(), limit);
                try
                {
                    return await inner.ReadAsync(query, limit.Token);
                }
                catch (OperationCanceledException) when (!token.IsCancellationRequested)
                {
                    throw new CrmUnavailableException(NotNowKind.Transient, "the CRM did not answer in time");
                }
            }, cancellationToken);
        }
        catch (BrokenCircuitException open)
        {
            throw new CrmUnavailableException(NotNowKind.BreakerOpen, "the circuit breaker is open", open.RetryAfter, open);
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken)
    {
        try
        {
            return await write.ExecuteAsync(async token =>
            {
                // The source follows the given clock, so that tests need not wait; a linked source would follow the system's.
                using var limit = new CancellationTokenSource(settings.CallTimeout, time);
                // Given up with the call: the caller's token outlives it by far.
                await using var link = token.Register(static s => ((CancellationTokenSource)s!).Cancel(), limit);
                try
                {
                    return await inner.WriteAsync(batch, limit.Token);
                }
                catch (OperationCanceledException) when (!token.IsCancellationRequested)
                {
                    return [.. batch.Writes.Select(_ => new CrmOutcome.Unknown("the CRM did not answer in time"))];
                }
            }, cancellationToken);
        }
        catch (BrokenCircuitException open)
        {
            var first = new CrmOutcome.NotNow(NotNowKind.BreakerOpen, "the circuit breaker is open", open.RetryAfter);
            return [.. batch.Writes.Select((_, i) => i == 0 ? (CrmOutcome)first : new CrmOutcome.NotTried())];
        }
    }

    private CircuitBreakerStrategyOptions<T> Breaker<T>(TimeSpan breakDuration, Func<Outcome<T>, bool> failed) => new()
    {
        FailureRatio = settings.FailureRatio,
        MinimumThroughput = Math.Max(2, settings.MinimumThroughput),
        SamplingDuration = settings.Window,
        BreakDuration = breakDuration,
        ShouldHandle = args => ValueTask.FromResult(failed(args.Outcome)),
    };
}
