using System.Diagnostics.Metrics;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Telemetry;

namespace LeadPipeline.Worker.Analysis;

/// <summary>What is counted about models. The only labels are the configured model and the kind of token.</summary>
public static class AnalysisMeters
{
    private static readonly Histogram<double> Durations = PipelineMeters.Meter.CreateHistogram(
        "ai_analysis_duration_seconds", "s", "Time that a model took for one analysis, asking again included.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 0.5, 1, 2, 5, 10, 30, 60] });
    private static readonly Counter<long> Tokens = PipelineMeters.Meter.CreateCounter<long>("ai_tokens_total", "{token}", "Tokens that models consumed.");
    private static readonly Counter<double> Cost = PipelineMeters.Meter.CreateCounter<double>("ai_cost_dollars_total", "{dollar}", "Tokens times the configured prices.");

    /// <summary>A model has answered, with whatever.</summary>
    public static void Consumed(string model, ModelUsage usage)
    {
        Add("prompt", usage.PromptTokens);
        Add("output", usage.OutputTokens);
        Add("thoughts", usage.ThoughtsTokens);
        Add("cached", usage.CachedTokens);
        Cost.Add((double)usage.CostDollars, new KeyValuePair<string, object?>("model", model));

        void Add(string kind, int tokens) => Tokens.Add(tokens, new("model", model), new("kind", kind));
    }

    /// <summary>One analysis is over, however it ended.</summary>
    public static void Took(string model, TimeSpan time) => Durations.Record(time.TotalSeconds, new KeyValuePair<string, object?>("model", model));
}
