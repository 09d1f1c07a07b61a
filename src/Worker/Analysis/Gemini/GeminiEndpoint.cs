namespace LeadPipeline.Worker.Analysis.Gemini;

/// <summary>Where the model is asked: the same calls on two services that differ in address and version.</summary>
/// <param name="Service">In words.</param>
/// <param name="Model">The model's address, without a method.</param>
/// <param name="IsVertex">Whether it is Vertex AI.</param>
public sealed record GeminiEndpoint(string Service, string Model, bool IsVertex)
{
    /// <summary>The endpoint that the settings ask for; an API key decides for the Developer API.</summary>
    public static GeminiEndpoint Of(GeminiOptions options)
    {
        if (!string.IsNullOrWhiteSpace(options.ApiKey))
            return new("the Gemini Developer API", $"{Base(options, "https://generativelanguage.googleapis.com")}/v1beta/models/{options.Model}", false);
        // The global location has no host of its own.
        var host = options.Location == "global" ? "https://aiplatform.googleapis.com" : $"https://{options.Location}-aiplatform.googleapis.com";
        return new(
            $"Vertex AI ({options.Location})",
            $"{Base(options, host)}/v1/projects/{options.Project}/locations/{options.Location}/publishers/google/models/{options.Model}", true);
    }

    /// <summary>The address of one of the model's methods, such as <c>generateContent</c>.</summary>
    public Uri Method(string name) => new($"{Model}:{name}");

    private static string Base(GeminiOptions options, string usual) => (string.IsNullOrWhiteSpace(options.BaseUrl) ? usual : options.BaseUrl).TrimEnd('/');
}
