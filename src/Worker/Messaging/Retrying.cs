using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Messaging;

/// <summary>Carries the retry policy out, the same on the broker's queues and on the embedded one.</summary>
public sealed partial class Retrying(SqlDatabase database, TimeProvider time, ILogger<Retrying> logger)
{
    /// <summary>Runs something until it succeeds or the policy says never; then the exception comes out. What may be tried again, but not here any more, comes out as cancelled.</summary>
    /// <param name="what">For the log.</param>
    /// <param name="run">Is told which try it is, from 1.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task RunAsync(string what, Func<int, Task> run, CancellationToken cancellationToken)
    {
        var surprises = 0;
        for (var tries = 1; ; tries++)
        {
            TimeSpan wait;
            try
            {
                await run(tries);
                return;
            }
            catch (Exception exception)
            {
                if (!RetryPolicy.IsTransient(exception, database))
                    surprises++;
                if (RetryPolicy.Decide(exception, tries, surprises, database) is not RetryAction.Again again)
                    throw;
                // Also when there is no time left to try again: the wait then ends at once, as cancelled. The fault itself would be taken for the last word.
                wait = again.After;
                Log.Again(logger, what, wait, exception);
            }
            await Task.Delay(wait, time, cancellationToken);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(440, LogLevel.Warning, "{What} failed; again in {After}")]
        public static partial void Again(ILogger logger, string what, TimeSpan after, Exception exception);
    }
}
