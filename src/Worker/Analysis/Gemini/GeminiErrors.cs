using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm.Http;

namespace LeadPipeline.Worker.Analysis.Gemini;

/// <summary>
/// Reads the vendor's refusals. What concerns everybody (key, rights, billing, model) is told apart from what concerns one request: the first
/// must not cost a lead its tries, and the second must not stop the others. The vendor's messages are not passed on, for they may quote us.
/// </summary>
internal static class GeminiErrors
{
    /// <summary>Longest time that is believed to be asked for.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    public static GeminiAnswer Read(VendorReply.Answer answer, string model, GeminiEndpoint endpoint)
    {
        var error = (answer.Body as JsonObject)?["error"] as JsonObject;
        var code = Code(answer.Status, error);
        return answer.Status switch
        {
            429 => new GeminiAnswer.Busy(RetryAfter(answer, error)),
            408 or >= 500 => new GeminiAnswer.Unavailable(),
            401 => new GeminiAnswer.Refused(code, Credentials(endpoint)),
            400 when code.EndsWith("API_KEY_INVALID", StringComparison.Ordinal) => new GeminiAnswer.Refused(code, Credentials(endpoint)),
            400 when code.Contains("FAILED_PRECONDITION", StringComparison.Ordinal) => new GeminiAnswer.Refused(code, $"{endpoint.Service} is not open to this account from here: check billing and the countries that it is offered in"),
            403 => new GeminiAnswer.Refused(code, endpoint.IsVertex
                ? "the project may not use the model: enable aiplatform.googleapis.com in Gemini:Project and give the account the role roles/aiplatform.user"
                : "the key may not use the model: check the key's restrictions and billing, and that the Generative Language API is enabled"),
            404 => new GeminiAnswer.Refused(code, $"there is no model '{model}' here: check Gemini:Model, for models are withdrawn at short notice{(endpoint.IsVertex ? ", Gemini:Project and Gemini:Location" : " and Gemini:BaseUrl")}"),
            // A redirect or a page of something in between: the address is wrong.
            < 400 => new GeminiAnswer.Refused(code, "the answer is none of the vendor's: check Gemini:BaseUrl"),
            _ => new GeminiAnswer.RequestRefused(code),
        };
    }

    /// <summary>What to do about refused credentials.</summary>
    public static string Credentials(GeminiEndpoint endpoint) => endpoint.IsVertex
        ? "the credentials are refused: check GOOGLE_APPLICATION_CREDENTIALS, or the workload identity of this machine"
        : "the API key is refused: check Gemini:ApiKey (GEMINI_API_KEY)";

    /// <summary><c>400 INVALID_ARGUMENT API_KEY_INVALID</c>: status, the vendor's status and its reason, as far as they are there.</summary>
    private static string Code(int status, JsonObject? error)
    {
        var reason = Details(error).Select(d => GeminiAnswers.Code(d["reason"])).FirstOrDefault(r => r is not null);
        return string.Join(' ', new[] { status.ToString(CultureInfo.InvariantCulture), GeminiAnswers.Code(error?["status"]), reason }.OfType<string>());
    }

    private static TimeSpan? RetryAfter(VendorReply.Answer answer, JsonObject? error)
    {
        var asked = answer.Headers.RetryAfter?.Delta
            ?? Details(error).Select(d => Seconds(GeminiAnswers.Code(d["retryDelay"]))).FirstOrDefault(s => s is not null);
        return asked is { } wait && wait >= TimeSpan.Zero ? (wait < LongestWait ? wait : LongestWait) : null;
    }

    /// <summary>A duration as the vendor writes it: <c>22s</c>, <c>8.94s</c>.</summary>
    private static TimeSpan? Seconds(string? text) =>
        text is [.. var number, 's'] && double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds < 1e9
            ? TimeSpan.FromSeconds(seconds)
            : null;

    private static IEnumerable<JsonObject> Details(JsonObject? error) => (error?["details"] as JsonArray ?? []).OfType<JsonObject>();
}
