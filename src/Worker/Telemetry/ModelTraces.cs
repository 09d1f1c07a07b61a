using System.Diagnostics;

namespace LeadPipeline.Worker.Telemetry;

/// <summary>
/// Spans of exchanges with a model, by OpenTelemetry's conventions for generative AI: which model, how many tokens, why it stopped. What was asked and what
/// was answered is in no span; there is no switch for it, since it is a person's data.
/// </summary>
internal static class ModelTraces
{
    /// <summary>Begins one; null when nobody listens.</summary>
    /// <param name="provider"><c>gcp.gemini</c> or <c>gcp.vertex_ai</c>.</param>
    /// <param name="model">The model that is asked for.</param>
    /// <param name="maxTokens">The most tokens that it may answer.</param>
    /// <param name="temperature">As it is asked for.</param>
    public static Activity? Asking(string provider, string model, int maxTokens, double temperature)
    {
        var span = LeadTraces.Source.StartActivity($"generate_content {model}", ActivityKind.Client);
        span?.SetTag("gen_ai.operation.name", "generate_content");
        span?.SetTag("gen_ai.provider.name", provider);
        span?.SetTag("gen_ai.request.model", model);
        span?.SetTag("gen_ai.request.max_tokens", maxTokens);
        span?.SetTag("gen_ai.request.temperature", temperature);
        span?.SetTag("gen_ai.output.type", "json");
        return span;
    }

    /// <summary>An answer came.</summary>
    /// <param name="span">The exchange.</param>
    /// <param name="model">The version that answered; null: it did not say.</param>
    /// <param name="finish">Why it stopped; null: no candidate came.</param>
    /// <param name="input">Tokens of the prompt.</param>
    /// <param name="output">Tokens of the answer, hidden reasoning included.</param>
    public static void Answered(Activity? span, string? model, string? finish, int input, int output)
    {
        if (span is null)
            return;
        span.SetTag("gen_ai.response.model", model);
        if (finish is not null)
            span.SetTag("gen_ai.response.finish_reasons", new[] { finish });
        span.SetTag("gen_ai.usage.input_tokens", input);
        span.SetTag("gen_ai.usage.output_tokens", output);
    }

    /// <summary>No usable answer came.</summary>
    /// <param name="span">The exchange.</param>
    /// <param name="why">A stable code.</param>
    public static void Failed(Activity? span, string why)
    {
        span?.SetTag("error.type", why);
        span?.SetStatus(ActivityStatusCode.Error);
    }
}
