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
    private readonly Circuit reading, writing;
    private readonly ResiliencePipeline<CrmView> read;
    private readonly ResiliencePipeline<IReadOnlyList<CrmOutcome>> write;

    /// <summary>Puts the guards around a CRM.</summary>
    public GuardedCrm(ICrm inner, CrmGuardSettings settings, TimeProvider time)
    {
        (this.inner, this.settings, this.time) = (inner, settings, time);
        (reading, writing) = (new Circuit(inner.Provider, "read"), new Circuit(inner.Provider, "write"));
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
            .AddCircuitBreaker(Breaker<CrmView>(reading, settings.BreakDuration, outcome => outcome.Exception is CrmUnavailableException { Kind: NotNowKind.Transient }))
            .Build();
        write = new ResiliencePipelineBuilder<IReadOnlyList<CrmOutcome>> { TimeProvider = time }
            .AddCircuitBreaker(Breaker<IReadOnlyList<CrmOutcome>>(writing, settings.WriteBreakDuration ?? settings.BreakDuration, outcome =>
                outcome.Result?.Any(o => o is CrmOutcome.Unknown or CrmOutcome.NotNow { Kind: NotNowKind.Transient }) ?? outcome.Exception is not null))
            .Build();
    }

    /// <inheritdoc/>
    public string Provider => inner.Provider;

    /// <summary>The breakers, one an operation.</summary>
    public IReadOnlyList<Circuit> Circuits => [reading, writing];

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
                var begun = time.GetTimestamp();
                using var connection = CrmMeters.Connect();
                using var span = CrmTraces.Call(Provider, "read", 0);
                try
                {
                    var view = await inner.ReadAsync(query, limit.Token);
                    reading.Called(null, time.GetElapsedTime(begun));
                    return view;
                }
                catch (CrmUnavailableException unavailable)
                {
                    var fault = FaultOf(unavailable.Kind, unavailable.Fault);
                    reading.Called(fault, time.GetElapsedTime(begun));
                    CrmTraces.Ended(span, fault);
                    throw;
                }
                catch (OperationCanceledException) when (!token.IsCancellationRequested)
                {
                    reading.Called(CrmFault.Timeout, time.GetElapsedTime(begun));
                    CrmTraces.Ended(span, CrmFault.Timeout);
                    throw new CrmUnavailableException(NotNowKind.Transient, "the CRM did not answer in time", fault: CrmFault.Timeout);
                }
            }, cancellationToken);
        }
        catch (BrokenCircuitException open)
        {
            reading.Rejected();
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
                var begun = time.GetTimestamp();
                using var connection = CrmMeters.Connect();
                using var span = CrmTraces.Call(Provider, "write", batch.Writes.Count);
                IReadOnlyList<CrmOutcome> outcomes;
                try
                {
                    outcomes = await inner.WriteAsync(batch, limit.Token);
                }
                catch (OperationCanceledException) when (!token.IsCancellationRequested)
                {
                    outcomes = [.. batch.Writes.Select(_ => new CrmOutcome.Unknown("the CRM did not answer in time", CrmFault.Timeout))];
                }
                var fault = outcomes.Select(FaultOf).FirstOrDefault(f => f is not null);
                writing.Called(fault, time.GetElapsedTime(begun));
                CrmTraces.Ended(span, fault);
                return outcomes;
            }, cancellationToken);
        }
        catch (BrokenCircuitException open)
        {
            writing.Rejected();
            var first = new CrmOutcome.NotNow(NotNowKind.BreakerOpen, "the circuit breaker is open", open.RetryAfter);
            return [.. batch.Writes.Select((_, i) => i == 0 ? (CrmOutcome)first : new CrmOutcome.NotTried())];
        }
    }

    /// <summary>What went wrong with a write; null: the CRM answered.</summary>
    private static CrmFault? FaultOf(CrmOutcome outcome) => outcome switch
    {
        CrmOutcome.Unknown unknown => unknown.Fault,
        CrmOutcome.NotNow notNow => FaultOf(notNow.Kind, notNow.Fault),
        _ => null,
    };

    /// <summary>A provider that cannot tell more leaves the fault unknown; the kind still says this much.</summary>
    private static CrmFault FaultOf(NotNowKind kind, CrmFault fault) => (kind, fault) switch
    {
        (NotNowKind.RateLimited, CrmFault.Unknown) => CrmFault.RateLimited,
        (NotNowKind.Unauthorized, CrmFault.Unknown) => CrmFault.Unauthorized,
        _ => fault,
    };

    private CircuitBreakerStrategyOptions<T> Breaker<T>(Circuit circuit, TimeSpan breakDuration, Func<Outcome<T>, bool> failed) => new()
    {
        StateProvider = circuit.State,
        FailureRatio = settings.FailureRatio,
        MinimumThroughput = Math.Max(2, settings.MinimumThroughput),
        SamplingDuration = settings.Window,
        BreakDuration = breakDuration,
        ShouldHandle = args => ValueTask.FromResult(failed(args.Outcome)),
    };
}
