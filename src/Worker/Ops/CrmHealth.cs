using LeadPipeline.Mcp.Crm;

namespace LeadPipeline.Worker.Ops;

/// <summary>
/// Whether the CRM answers. Anybody may ask that, so the CRM is asked once for all who ask within <see cref="KeptFor"/>: the question takes from the
/// quota that the leads need. No caller's going away stops it, since the breaker would count that as a failure of the CRM.
/// </summary>
public sealed class CrmHealth(ICrm crm, TimeProvider time)
{
    /// <summary>How long an answer serves.</summary>
    public static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(10);

    /// <summary>How long one who asks waits; a CRM that takes longer is not healthy now.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly Lock gate = new();
    private Task<bool>? last;
    private long askedAt;

    /// <summary>The CRM's name.</summary>
    public string Provider => crm.Provider;

    /// <summary>Whether it answers, as of at most <see cref="KeptFor"/> ago.</summary>
    public async Task<bool> IsHealthyAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await Asked().WaitAsync(Patience, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>Makes the next one who asks hear how it is from now on: other credentials are in force.</summary>
    public void Forget()
    {
        lock (gate)
            last = null;
    }

    private Task<bool> Asked()
    {
        lock (gate)
        {
            if (last is null || (last.IsCompleted && time.GetElapsedTime(askedAt) >= KeptFor))
                (last, askedAt) = (Task.Run(AskAsync), time.GetTimestamp());
            return last;
        }
    }

    private async Task<bool> AskAsync()
    {
        try
        {
            _ = await crm.ReadAsync(new CrmQuery { Email = "health@leadpipeline.invalid" }, CancellationToken.None);
            return true;
        }
#pragma warning disable CA1031 // Whatever it is, the CRM cannot be used now.
        catch (Exception)
#pragma warning restore CA1031
        {
            return false;
        }
    }
}
