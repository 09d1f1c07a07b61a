using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Messaging;

/// <summary>What to do about an exception that reached a consumer. A closed family.</summary>
public abstract record RetryAction
{
    private RetryAction() { }

    /// <summary>Not now: try again after a while.</summary>
    /// <param name="After">How long to wait.</param>
    public sealed record Again(TimeSpan After) : RetryAction;

    /// <summary>Never: to the dead letters, with a reason.</summary>
    /// <param name="Reason">A stable code.</param>
    public sealed record DeadLetter(string Reason) : RetryAction;
}

/// <summary>
/// Tells "not now" from "never", as one pure function. What we wait for without end is our own database and broker: without them nothing could
/// be recorded, not even a failure. Everything else that surprises gets a few tries.
/// </summary>
public static class RetryPolicy
{
    /// <summary>Tries for an exception that nobody expected.</summary>
    public const int SurpriseTries = 3;

    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(100), LongestDelay = TimeSpan.FromSeconds(5);

    /// <summary>Decides.</summary>
    /// <param name="exception">What was thrown.</param>
    /// <param name="tries">How often it was tried, this time included.</param>
    /// <param name="surprises">How often that met something that nobody expected, this time included: what waited long for the database has its tries all the same.</param>
    /// <param name="database">Knows its own transient faults.</param>
    public static RetryAction Decide(Exception exception, int tries, int surprises, SqlDatabase database) => exception switch
    {
        InvalidLeadException => new RetryAction.DeadLetter("invalid-lead"),
        _ when IsTransient(exception, database) => new RetryAction.Again(Delay(tries)),
        _ when surprises < SurpriseTries => new RetryAction.Again(Delay(tries)),
        _ => new RetryAction.DeadLetter("unexpected:" + exception.GetType().Name),
    };

    /// <summary>Whether our own database or broker is away, by what was thrown or by what that was caused by.</summary>
    public static bool IsTransient(Exception exception, SqlDatabase database) =>
        exception is BusUnavailableException || database.IsTransient(exception)
        || (exception.InnerException is { } inner && IsTransient(inner, database));

    private static TimeSpan Delay(int tries) =>
        TimeSpan.FromTicks(Math.Min(LongestDelay.Ticks, FirstDelay.Ticks << Math.Min(tries - 1, 10)));
}

/// <summary>A lead on the queue that cannot be taken in; the message names each field, its problem and the remedy, and no value.</summary>
public sealed class InvalidLeadException(string message) : Exception(message);
