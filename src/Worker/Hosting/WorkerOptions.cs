using System.ComponentModel.DataAnnotations;

namespace LeadPipeline.Worker.Hosting;

/// <summary>Where state is kept when no server is configured.</summary>
public sealed class DataOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Data";

    /// <summary>Directory of the embedded database, the master key and the console token. Default <c>.leadpipeline</c>.</summary>
    [Required]
    public string Directory { get; set; } = ".leadpipeline";
}

/// <summary>The database.</summary>
public sealed class DatabaseOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Database";

    /// <summary>Whether the tables are made or updated at start. Default true.</summary>
    public bool Migrate { get; set; } = true;
}

/// <summary>The two servers. Neither is needed.</summary>
public sealed class ConnectionStringOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "ConnectionStrings";

    /// <summary><c>amqp://user:password@host:port/vhost</c>; needs a <see cref="Database"/>. Default: the embedded queue.</summary>
    public string? Broker { get; set; }

    /// <summary><c>Host=…;Username=…;Password=…;Database=…</c> or <c>postgresql://…</c>. Default: a SQLite file in the data directory.</summary>
    public string? Database { get; set; }
}

/// <summary>The analyzers that there are.</summary>
public enum AnalyzerKind
{
    /// <summary>Deterministic rules, no network.</summary>
    Rules,
    /// <summary>Google's model; needs an API key or Google credentials.</summary>
    Gemini,
}

/// <summary>Who judges leads.</summary>
public sealed class AnalysisOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Analysis";

    /// <summary>The analyzer. Default <c>Rules</c>; a model's key in the environment alone does not switch.</summary>
    public AnalyzerKind Analyzer { get; set; } = AnalyzerKind.Rules;

    /// <summary>Instructions to the model, a UTF-8 file of at most 64 KB. Default: the one that is compiled in.</summary>
    public string? PromptFile { get; set; }

    /// <summary>Default 0: the likeliest words. More makes answers differ from each other. Allowed: 0 to 2.</summary>
    [Range(0.0, 2.0)]
    public double Temperature { get; set; }

    /// <summary>Longest answer in tokens, the model's hidden reasoning included. Default 8192. Allowed: 256 to 65,536.</summary>
    [Range(256, 65_536)]
    public int MaxOutputTokens { get; set; } = 8192;

    /// <summary>Time for one exchange with the model. Default 30 s. Allowed: 0.1 s to 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the answer to an equal question (same facts, words, prompt, model, day) may be used again. Default 0: never. Allowed: 0 to 30 days.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "30.00:00:00")]
    public TimeSpan ReuseFor { get; set; }

    /// <summary>
    /// A model's answer that scores so many points above the facts, or routes a lead that the facts would not, is asked for again without the
    /// person's words, and the lower one is taken. Default 20; less asks more often; 100: never. Allowed: 0 to 100.
    /// </summary>
    [Range(0, 100)]
    public int SecondLookAbove { get; set; } = 20;

    /// <summary>Requests to the model in a minute, over all workers. Default 60; 0 is no limit. Allowed: 0 to 1,000,000.</summary>
    [Range(0, 1_000_000)]
    public int RequestsPerMinute { get; set; } = 60;

    /// <summary>Tokens of the model in a minute, over all workers. Default 1,000,000; 0 is no limit. Allowed: 0 to 100,000,000.</summary>
    [Range(0, 100_000_000)]
    public int TokensPerMinute { get; set; } = 1_000_000;

    /// <summary>Dollars for a million tokens of prompt. Default 0: costs are not counted. Allowed: 0 to 10,000.</summary>
    [Range(0.0, 10_000.0)]
    public double PricePerMillionInput { get; set; }

    /// <summary>Dollars for a million tokens of output, hidden reasoning included. Default 0. Allowed: 0 to 10,000.</summary>
    [Range(0.0, 10_000.0)]
    public double PricePerMillionOutput { get; set; }
}

/// <summary>The CRMs that there are.</summary>
public enum CrmProviderKind
{
    /// <summary>A small real CRM in our own database.</summary>
    Mock,
    /// <summary>Salesforce; needs an app to log in with.</summary>
    Salesforce,
    /// <summary>HubSpot; needs an access token.</summary>
    HubSpot,
}

/// <summary>Which CRM.</summary>
public sealed class CrmOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Crm";

    /// <summary>The provider; the plain variable <c>CRM_PROVIDER</c> sets it. Default <c>MOCK</c>.</summary>
    public CrmProviderKind Provider { get; set; } = CrmProviderKind.Mock;

    /// <summary>Time for one call. Default 10 s; the plain variable <c>MCP_TOOL_TIMEOUT_MS</c> sets it in milliseconds. Allowed: 10 ms to 5 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:05:00")]
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long the CRM may still carry out a call that was given up without an answer. A plan that fails is not undone sooner: the record that such a call
    /// would make a second time holds its key, and refuses it, only while it stands. Nor does a later run of the lead begin sooner: it has keys of its own. Default 2 min, with the mock CRM 0, whose calls end with their process.
    /// Allowed: 0 to 1 h.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan? SettleTime { get; set; }

    /// <summary>The time in force.</summary>
    public TimeSpan SettleTimeInForce => SettleTime ?? (Provider == CrmProviderKind.Mock ? TimeSpan.Zero : TimeSpan.FromMinutes(2));
}

/// <summary>Tries in place, before a lead is deferred.</summary>
public sealed class RetryOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Retry";

    /// <summary>Tries in all. Default 3. Allowed: 1 to 20.</summary>
    [Range(1, 20)]
    public int Attempts { get; set; } = 3;

    /// <summary>Wait before the second try; doubles, with jitter. Default 0.5 s. Allowed: 0 to 5 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00")]
    public TimeSpan BaseDelay { get; set; } = TimeSpan.FromSeconds(0.5);

    /// <summary>Longest wait. Default 10 s. Allowed: 1 ms to 5 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:05:00")]
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromSeconds(10);
}

/// <summary>When calls to the CRM are stopped for a while.</summary>
public sealed class BreakerOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Breaker";

    /// <summary>Share of failures that opens the breaker. Default 0.5. Allowed: 0.01 to 1.0.</summary>
    [Range(0.01, 1.0)]
    public double FailureRatio { get; set; } = 0.5;

    /// <summary>Calls in the window before it judges. Default 10. Allowed: 2 to 10,000.</summary>
    [Range(2, 10_000)]
    public int MinimumThroughput { get; set; } = 10;

    /// <summary>The window. Default 30 s. Allowed: 0.5 s to 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:00.500", "01:00:00")]
    public TimeSpan Window { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long it stays open. Default 30 s. Allowed: 0.5 s to 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:00.500", "01:00:00")]
    public TimeSpan BreakDuration { get; set; } = TimeSpan.FromSeconds(30);
}
