namespace LeadPipeline.Worker.Intake.Webhooks.Lookups;

/// <summary>Asks about each of many ids with few questions.</summary>
internal static class LookupInHalves
{
    /// <summary>As many failures isolate one or two ids among a hundred; after more it is the sender.</summary>
    private const int MostFailures = 12;

    /// <summary>
    /// What the sender answers about each id. One that it cannot answer must not keep the others from their answers: a question that fails is asked in halves,
    /// unless so many have failed, or the sender has said when to come back.
    /// </summary>
    /// <param name="lookup">The sender.</param>
    /// <param name="ids">Each once.</param>
    /// <param name="cancellationToken">The sender's patience.</param>
    public static async Task<Dictionary<string, LookupResult>> FindEachAsync(this ILeadLookup lookup, IReadOnlyList<string> ids, CancellationToken cancellationToken)
    {
        var answers = new Dictionary<string, LookupResult>(StringComparer.Ordinal);
        var open = new Stack<IReadOnlyList<string>>([ids]);
        LookupResult? last = null;
        for (var failed = 0; open.TryPop(out var some);)
        {
            if (last is not LookupResult.NotNow { RetryAfter: not null } && failed < MostFailures)
                last = await FindAsync(lookup, some, cancellationToken);
            if (last is LookupResult.NotNow { RetryAfter: null } && ++failed < MostFailures && some.Count > 1)
            {
                open.Push([.. some.Skip(some.Count / 2)]);
                open.Push([.. some.Take(some.Count / 2)]);
                continue;
            }
            foreach (var id in some)
                answers[id] = last!;
        }
        return answers;
    }

    private static async Task<LookupResult> FindAsync(ILeadLookup lookup, IReadOnlyList<string> ids, CancellationToken cancellationToken)
    {
        try
        {
            return await lookup.FindAsync(ids, cancellationToken);
        }
#pragma warning disable CA1031 // An answer that nobody has thought of is about one lead, and the others are not to wait for it.
        catch (Exception exception) when (exception is not OperationCanceledException)
#pragma warning restore CA1031
        {
            return new LookupResult.NotNow($"unexpected: {exception.GetType().Name}");
        }
    }
}
