namespace LeadPipeline.Worker.Analysis.Gemini;

/// <summary>
/// Keeps everybody from asking for a while, after an answer that would be the same for all. When the time is over one lead goes ahead and
/// finds out; the others wait a little longer.
/// </summary>
public sealed class ModelPause(TimeProvider time)
{
    /// <summary>How long the others wait for the one that found out.</summary>
    private static readonly TimeSpan Trial = TimeSpan.FromSeconds(15);

    private readonly Lock gate = new();
    private string? reason;
    private DateTimeOffset until;

    /// <summary>Asks to go ahead.</summary>
    /// <returns>Null: go ahead. Else why not, and for how long.</returns>
    public (string Reason, TimeSpan Wait)? Enter()
    {
        lock (gate)
        {
            if (reason is null)
                return null;
            var now = time.GetUtcNow();
            if (now < until)
                return (reason, until - now);
            until = now + Trial;
            return null;
        }
    }

    /// <summary>Nobody is to ask for so long.</summary>
    /// <returns>Whether this is news: false while there is a pause for the same reason.</returns>
    public bool Begin(string why, TimeSpan length)
    {
        lock (gate)
        {
            var news = reason != why;
            (reason, until) = (why, time.GetUtcNow() + length);
            return news;
        }
    }

    /// <summary>It works again.</summary>
    /// <returns>Whether there was a pause.</returns>
    public bool End()
    {
        lock (gate)
        {
            var was = reason is not null;
            reason = null;
            return was;
        }
    }
}
