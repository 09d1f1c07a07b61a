namespace LeadPipeline.Worker.Cli.Doctor;

/// <summary>One thing that was looked at.</summary>
/// <param name="What">The thing, in a word or two.</param>
/// <param name="Well">Whether it is as it has to be.</param>
/// <param name="Says">What was seen and, when it is not well, what to do. Without secrets.</param>
internal sealed record Finding(string What, bool Well, string Says)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Tries something for at most 10 s; what goes wrong becomes a finding with a remedy.</summary>
    /// <param name="what">The thing.</param>
    /// <param name="remedy">What to do when nothing better is known.</param>
    /// <param name="check">Tries it, and says what it saw.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public static async Task<Finding> TryAsync(string what, string remedy, Func<CancellationToken, Task<string>> check, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            return new Finding(what, true, await check(limit.Token).WaitAsync(limit.Token));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new Finding(what, false, $"no answer within {Patience.TotalSeconds} s; {remedy}");
        }
#pragma warning disable CA1031 // Finding out what is wrong is the point.
        catch (Exception exception) when (exception is not OperationCanceledException)
#pragma warning restore CA1031
        {
            return new Finding(what, false, $"{exception.GetBaseException().Message.TrimEnd('.')}; {ServerFaults.Remedy(exception) ?? remedy}");
        }
    }
}
