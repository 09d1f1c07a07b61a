using System.ComponentModel.DataAnnotations;

namespace LeadPipeline.Worker.Analysis.Gemini;

/// <summary>
/// Which model, and where. With an API key it is the Gemini Developer API; without one, Vertex AI in the project that is named. Only looked at
/// when <c>Analysis:Analyzer</c> is <c>Gemini</c>.
/// </summary>
public sealed class GeminiOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Gemini";

    /// <summary>Key of the Developer API; the plain variable <c>GEMINI_API_KEY</c> sets it. Default: none. Wins over <see cref="Project"/>.</summary>
    public string? ApiKey { get; set; }

    /// <summary>The model; <c>GEMINI_MODEL</c> sets it. Default <c>gemini-3.5-flash</c>. Models are withdrawn at short notice.</summary>
    [Required]
    [RegularExpression("[A-Za-z0-9][A-Za-z0-9._-]{0,99}", ErrorMessage = "write the model's id without a path, such as gemini-3.5-flash")]
    public string Model { get; set; } = "gemini-3.5-flash";

    /// <summary>The Google Cloud project that Vertex AI is used in; <c>GOOGLE_CLOUD_PROJECT</c> sets it. Default: none.</summary>
    [RegularExpression("[a-z0-9][a-z0-9.:-]{0,99}", ErrorMessage = "write the project's id, not its title")]
    public string? Project { get; set; }

    /// <summary>The location that Vertex AI is used in; <c>GOOGLE_CLOUD_LOCATION</c> sets it. Default <c>global</c>.</summary>
    [Required]
    [RegularExpression("[a-z][a-z0-9-]{0,49}", ErrorMessage = "write global or a region such as europe-west4")]
    public string Location { get; set; } = "global";

    /// <summary>
    /// A Google credentials file for Vertex AI (a service account's key, or a workload identity's configuration);
    /// <c>GOOGLE_APPLICATION_CREDENTIALS</c> sets it. Default: what Google's libraries find on this machine.
    /// </summary>
    public string? CredentialsFile { get; set; }

    /// <summary>Another address, up to but without the version segment. Default: Google's.</summary>
    [RegularExpression("https?://.+", ErrorMessage = "write http(s)://host[:port][/path], without /v1 or /v1beta")]
    public string? BaseUrl { get; set; }
}
