using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Analysis.Gemini;

/// <summary>What the analyzer goes by, taken from the configuration.</summary>
public sealed record GeminiSettings
{
    /// <summary>The model's id.</summary>
    public required string Model { get; init; }

    /// <summary>0: the likeliest words; more: more variety.</summary>
    public double Temperature { get; init; }

    /// <summary>Longest answer in tokens, hidden reasoning included.</summary>
    public int MaxOutputTokens { get; init; } = 8192;

    /// <summary>Time for one exchange.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long an equal question's answer may be used again; 0: never.</summary>
    public TimeSpan ReuseFor { get; init; }

    /// <summary>Tries in place; never more than two after the first, which is what the vendor asks for.</summary>
    public int Attempts { get; init; } = 3;

    /// <summary>Wait before the second try; doubles, with jitter.</summary>
    public TimeSpan BaseDelay { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>Longest wait between two tries. A vendor who asks for a longer one gets it: the lead is deferred.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Shortest wait after a 429; the vendor asks for at least a second.</summary>
    public TimeSpan BusyDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// No new try begins after so long: a command that is not heard of for two minutes is sent again, and the model would be asked twice.
    /// </summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(75);

    /// <summary>An answer so many points above the facts is asked for again without the person's words; 100: never.</summary>
    public int SecondLookAbove { get; init; } = 20;

    /// <summary>How long nobody asks after key, rights or model were refused.</summary>
    public TimeSpan RefusedFor { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long nobody asks after a 429 that does not say how long.</summary>
    public TimeSpan BusyFor { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Dollars for a million tokens of prompt, and of output with hidden reasoning.</summary>
    public (decimal Input, decimal Output) Prices { get; init; }

    /// <summary>What so many tokens cost.</summary>
    public decimal Cost(int promptTokens, int outputTokens, int thoughtsTokens) =>
        ((promptTokens * Prices.Input) + (((decimal)outputTokens + thoughtsTokens) * Prices.Output)) / 1_000_000m;
}
