using LeadPipeline.Mcp.Crm.Http;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Worker.Hosting;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Analysis.Gemini;

/// <summary>Gemini, made when it is the configured analyzer.</summary>
internal static partial class GeminiRegistration
{
    public static void AddGemini(this IServiceCollection services)
    {
        services.AddSingleton<EarlierAnswers>();
        services.AddSingleton(Create);
    }

    private static GeminiAnalyzer Create(IServiceProvider services)
    {
        var (options, analysis) = (services.GetRequiredService<IOptions<GeminiOptions>>().Value, services.GetRequiredService<IOptions<AnalysisOptions>>().Value);
        var credentials = Credentials(options);
        var endpoint = GeminiEndpoint.Of(options);
        var prompt = Prompt(analysis.PromptFile);
        var retry = services.GetRequiredService<IOptions<RetryOptions>>().Value;
        var settings = new GeminiSettings
        {
            Model = options.Model,
            Temperature = analysis.Temperature,
            MaxOutputTokens = analysis.MaxOutputTokens,
            Timeout = analysis.Timeout,
            ReuseFor = analysis.ReuseFor,
            SecondLookAbove = analysis.SecondLookAbove,
            Attempts = retry.Attempts,
            BaseDelay = retry.BaseDelay,
            MaxDelay = retry.MaxDelay,
            Prices = ((decimal)analysis.PricePerMillionInput, (decimal)analysis.PricePerMillionOutput),
        };
        var breaker = services.GetRequiredService<IOptions<BreakerOptions>>().Value;
        var guard = new CrmGuardSettings { FailureRatio = breaker.FailureRatio, MinimumThroughput = breaker.MinimumThroughput, Window = breaker.Window, BreakDuration = breaker.BreakDuration };
        var time = services.GetRequiredService<TimeProvider>();
        // The client counts the time itself, by a clock that tests can turn.
        var http = new HttpClient(VendorHttp.NewHandler()) { Timeout = Timeout.InfiniteTimeSpan };
        var limits = new ModelLimits(services.GetRequiredService<IRateLimiter>(), options.Model, analysis.RequestsPerMinute, analysis.TokensPerMinute);
        var logger = services.GetRequiredService<ILogger<GeminiAnalyzer>>();
        Log.InForce(logger, options.Model, endpoint.Service, prompt.Hash[..12], analysis.RequestsPerMinute, analysis.TokensPerMinute);
        return new GeminiAnalyzer(
            new GeminiClient(http, credentials, endpoint, settings, guard, time), prompt, settings, limits, services.GetRequiredService<EarlierAnswers>(), time, logger);
    }

    private static IGeminiCredentials Credentials(GeminiOptions options)
    {
        if (options.ApiKey?.Trim() is { Length: > 0 } key)
        {
            return key.All(c => c is > ' ' and < (char)127)
                ? new GeminiApiKey(key)
                : throw new ConfigurationException("Gemini:ApiKey: the value is not a key; it has characters that no key has");
        }
        if (string.IsNullOrWhiteSpace(options.Project))
            throw new ConfigurationException("Analysis:Analyzer: 'Gemini' needs credentials; set GEMINI_API_KEY for the Gemini Developer API, or GOOGLE_CLOUD_PROJECT and Google credentials (GOOGLE_APPLICATION_CREDENTIALS, or a workload identity) for Vertex AI, or use Rules");
        try
        {
            return GoogleIdentity.Load(options.CredentialsFile);
        }
        catch (FormatException exception)
        {
            throw new ConfigurationException($"Gemini:CredentialsFile: {exception.Message}; set GOOGLE_APPLICATION_CREDENTIALS to a credentials file, or GEMINI_API_KEY to use the Gemini Developer API");
        }
    }

    private static GeminiPrompt Prompt(string? file)
    {
        try
        {
            return GeminiPrompt.Load(file);
        }
        catch (FormatException exception)
        {
            throw new ConfigurationException($"Analysis:PromptFile: {exception.Message}");
        }
    }

    private static partial class Log
    {
        [LoggerMessage(215, LogLevel.Information, "Leads are judged by {Model} on {Service}, prompt {Prompt}, at most {Requests} requests and {Tokens} tokens a minute over all workers (0: no limit)")]
        public static partial void InForce(ILogger logger, string model, string service, string prompt, int requests, int tokens);
    }
}
