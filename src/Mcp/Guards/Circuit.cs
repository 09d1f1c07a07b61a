using Polly.CircuitBreaker;

namespace LeadPipeline.Mcp.Guards;

/// <summary>One circuit breaker: what it lets through and how that goes. Counts since the process began.</summary>
public sealed class Circuit
{
    private static readonly int Kinds = Enum.GetValues<Crm.CrmFault>().Length;

    private readonly long[] failures = new long[Kinds];
    private long requests, successes, rejections, timeouts;

    /// <summary>A closed breaker without a past.</summary>
    /// <param name="provider">The CRM, in lower case.</param>
    /// <param name="operation">What it guards: <c>read</c>, <c>write</c>, or a finer name.</param>
    public Circuit(string provider, string operation)
    {
        (Provider, Name) = (provider, $"{provider}:{operation}");
        CircuitMeters.Show(this);
    }

    /// <summary><c>PROVIDER:OPERATION</c>.</summary>
    public string Name { get; }

    /// <summary>The CRM, in lower case.</summary>
    public string Provider { get; }

    /// <summary>Where the breaker tells its state.</summary>
    public CircuitBreakerStateProvider State { get; } = new();

    /// <summary>0 closed, 1 half-open, 2 open.</summary>
    public int Level => State.CircuitState switch { CircuitState.Closed => 0, CircuitState.HalfOpen => 1, _ => 2 };

    /// <summary>Calls that were asked for, the rejected ones among them.</summary>
    public long Requests => Interlocked.Read(ref requests);

    /// <summary>Calls that the CRM answered, be it with a refusal.</summary>
    public long Successes => Interlocked.Read(ref successes);

    /// <summary>Calls that were not made, the breaker being open.</summary>
    public long Rejections => Interlocked.Read(ref rejections);

    /// <summary>Calls without an answer in time; they are among the failures too.</summary>
    public long Timeouts => Interlocked.Read(ref timeouts);

    /// <summary>Failures of a kind. Limits and refused credentials are counted here, but the breaker does not count them.</summary>
    public long Failures(Crm.CrmFault fault) => Interlocked.Read(ref failures[(int)fault]);

    /// <summary>A call was not made, the breaker being open.</summary>
    public void Rejected()
    {
        Interlocked.Increment(ref requests);
        Interlocked.Increment(ref rejections);
    }

    /// <summary>A call has ended.</summary>
    /// <param name="fault">What went wrong; null: it was answered.</param>
    /// <param name="took">How long it took.</param>
    public void Called(Crm.CrmFault? fault, TimeSpan took)
    {
        Interlocked.Increment(ref requests);
        CircuitMeters.Took(this, took);
        if (fault is not { } kind)
        {
            Interlocked.Increment(ref successes);
            return;
        }
        Interlocked.Increment(ref failures[(int)kind]);
        if (kind == Crm.CrmFault.Timeout)
            Interlocked.Increment(ref timeouts);
    }
}
