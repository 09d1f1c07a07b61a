namespace LeadPipeline.Mcp.Guards;

/// <summary>What a limit protects, as the meters name it.</summary>
public enum LimitType
{
    /// <summary>One lead, from running in circles.</summary>
    Lead,
    /// <summary>One company, from being flooded.</summary>
    Account,
    /// <summary>The CRM, from all of us.</summary>
    Global,
    /// <summary>The vendor's own quota.</summary>
    Crm,
    /// <summary>The model: requests and tokens.</summary>
    Model,
    /// <summary>A door, from one sender's posts.</summary>
    Door,
}

/// <summary>So many in any stretch of time of this length.</summary>
/// <param name="Name">Unique among all limits of a database; without personal data.</param>
/// <param name="Type">What it protects.</param>
/// <param name="Count">How many; at least 1.</param>
/// <param name="Window">The length of time, at least 1 ms.</param>
public sealed record RateLimit(string Name, LimitType Type, int Count, TimeSpan Window);

/// <summary>Asks for one admission under several limits at once: all of them, or none.</summary>
/// <param name="Limits">The limits.</param>
/// <param name="Returning">
/// Whether it has waited before and comes at the time that it was told. It goes before those who come for the first time, so that
/// nobody waits for ever.
/// </param>
public sealed record RateRequest(IReadOnlyList<RateLimit> Limits, bool Returning)
{
    /// <summary>
    /// How much of each limit is used, in their order; null: one of each. A weight above a limit's count is taken for the whole count, since
    /// it could never fit.
    /// </summary>
    public IReadOnlyList<int>? Weights { get; init; }

    /// <summary>
    /// Whether this sets right what was admitted before: weights are added, or taken back when negative, and nobody is refused.
    /// </summary>
    public bool IsCorrection { get; init; }

    /// <summary>The weight for one of the limits.</summary>
    internal int WeightOf(int index) => IsCorrection ? Weights![index] : Math.Clamp(Weights?[index] ?? 1, 0, Limits[index].Count);
}

/// <summary>The answer to a <see cref="RateRequest"/>.</summary>
/// <param name="Hit">The limit that stands in the way; null: admitted, and counted.</param>
/// <param name="Until">When to come back; each who waits gets a time of his own.</param>
public readonly record struct RateAnswer(RateLimit? Hit, DateTimeOffset Until)
{
    /// <summary>Whether it may go ahead.</summary>
    public bool IsAdmitted => Hit is null;
}

/// <summary>Limits that hold over all processes that share a database.</summary>
public interface IRateLimiter
{
    /// <summary>Admits, or says when to come back. An admission counts from now on whether it is used or not.</summary>
    Task<RateAnswer> AskAsync(RateRequest request);
}
