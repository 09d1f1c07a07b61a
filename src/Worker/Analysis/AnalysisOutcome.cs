using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Analysis;

/// <summary>What came of asking an analyzer. A closed family.</summary>
public abstract record AnalysisOutcome
{
    private AnalysisOutcome() { }

    /// <summary>How a model was asked, when it was: it costs money whatever comes of it.</summary>
    public ModelCall? Call { get; init; }

    /// <summary>One JSON object; grounding says what it is worth.</summary>
    /// <param name="Answer">The answer as received.</param>
    public sealed record Answered(AnalyzerAnswer Answer) : AnalysisOutcome;

    /// <summary>No JSON object even after asking again; the lead goes to a person.</summary>
    /// <param name="Why">What was wrong: a short code, nothing of the answer.</param>
    public sealed record Unusable(string Why) : AnalysisOutcome;

    /// <summary>The model refused to answer; the lead goes to a person at once.</summary>
    /// <param name="Why">The reason in the vendor's words: one of its codes.</param>
    public sealed record Blocked(string Why) : AnalysisOutcome;

    /// <summary>The analyzer cannot be asked now; the lead is deferred.</summary>
    /// <param name="Reason">A stable code, one of <see cref="NotNowReasons"/>.</param>
    /// <param name="Failed">Whether this uses up a try.</param>
    public sealed record NotNow(string Reason, bool Failed) : AnalysisOutcome
    {
        /// <summary>When to come back, exactly: a limit gives everybody a time of his own. Null: by the usual waits.</summary>
        public DateTimeOffset? Until { get; init; }

        /// <summary>The shortest wait that makes sense, when somebody said.</summary>
        public TimeSpan? AtLeast { get; init; }
    }
}

/// <summary>Why an analysis was put off: stable codes on the lead, in its audit and in the log.</summary>
public static class NotNowReasons
{
    /// <summary>Our own limit of requests or tokens a minute. Uses up no try.</summary>
    public const string OurLimit = "rate-limited-model";

    /// <summary>The vendor's limit, or the pool that it shares out. Uses up no try.</summary>
    public const string VendorLimit = "model-rate-limited";

    /// <summary>5xx, no answer in time, no connection. Uses up a try.</summary>
    public const string Unavailable = "model-unavailable";

    /// <summary>The circuit breaker is open. Uses up no try.</summary>
    public const string BreakerOpen = "model-breaker-open";

    /// <summary>Key, rights or model name are refused: it concerns all leads, and a person has to mend it. Uses up no try.</summary>
    public const string Refused = "model-refused";

    /// <summary>This request is refused as malformed. Uses up a try.</summary>
    public const string RequestRefused = "model-request-refused";

    /// <summary>The answer was no JSON object, and the limit left no room to ask again at once. Uses up a try.</summary>
    public const string AskAgain = "model-unusable";
}
