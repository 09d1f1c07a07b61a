using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Http;

namespace LeadPipeline.Worker.Analysis.Gemini;

/// <summary>What one exchange with the model means. A closed family.</summary>
public abstract record GeminiAnswer
{
    private GeminiAnswer() { }

    /// <summary>The version that answered.</summary>
    public string? ModelVersion { get; init; }

    /// <summary>Why it stopped.</summary>
    public string? FinishReason { get; init; }

    /// <summary>What it consumed.</summary>
    public ModelUsage Usage { get; init; } = ModelUsage.None;

    /// <summary>It finished, and what it said is one JSON object.</summary>
    /// <param name="Json">The object as received, UTF-8.</param>
    public sealed record Said(ReadOnlyMemory<byte> Json) : GeminiAnswer;

    /// <summary>It answered, and not so that it can be used: asking again may help.</summary>
    /// <param name="Why">A short code.</param>
    public sealed record Unusable(string Why) : GeminiAnswer;

    /// <summary>It will not answer this: asking again does not help, and the person may have meant it so.</summary>
    /// <param name="Why">The vendor's code.</param>
    public sealed record Blocked(string Why) : GeminiAnswer;

    /// <summary>It does not work at this moment: 5xx, no answer, no connection.</summary>
    public sealed record Unavailable : GeminiAnswer;

    /// <summary>Too much is asked of it, by us or by everybody.</summary>
    /// <param name="RetryAfter">How long to wait, if it said.</param>
    public sealed record Busy(TimeSpan? RetryAfter) : GeminiAnswer;

    /// <summary>Our credentials, our account or our choice of model is refused, whatever is asked.</summary>
    /// <param name="Code">The vendor's code.</param>
    /// <param name="Remedy">What a person has to mend.</param>
    public sealed record Refused(string Code, string Remedy) : GeminiAnswer;

    /// <summary>It was not asked: the circuit breaker is open.</summary>
    /// <param name="RetryAfter">How long it stays so.</param>
    public sealed record BreakerOpen(TimeSpan? RetryAfter) : GeminiAnswer;

    /// <summary>This request is refused; another lead's may not be.</summary>
    /// <param name="Code">The vendor's code.</param>
    public sealed record RequestRefused(string Code) : GeminiAnswer;
}

/// <summary>Reads what came back. Pure; nothing of the answer's text goes into what it says, apart from the answer itself.</summary>
public static class GeminiAnswers
{
    /// <summary>Finish reasons that mean: not this content, however often it is asked.</summary>
    private static readonly HashSet<string> Refusals =
        ["SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "MODEL_ARMOR", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT"];

    /// <summary>Says what a reply means.</summary>
    /// <param name="reply">What came of the exchange.</param>
    /// <param name="settings">The model and its prices.</param>
    /// <param name="endpoint">Where it was asked, for remedies.</param>
    public static GeminiAnswer Read(VendorReply reply, GeminiSettings settings, GeminiEndpoint endpoint)
    {
        if (reply is VendorReply.NotTaken { Kind: NotNowKind.Unauthorized })
            return new GeminiAnswer.Refused("no token", GeminiErrors.Credentials(endpoint));
        if (reply is not VendorReply.Answer answer)
            return new GeminiAnswer.Unavailable();
        var isSuccess = answer.Status is >= 200 and < 300;
        try
        {
            return isSuccess ? Candidate(answer.Body as JsonObject, settings) : GeminiErrors.Read(answer, settings.Model, endpoint);
        }
        // A tree that breaks when it is walked (doubled members, halves of characters, numbers where text belongs) is no answer of the vendor's.
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException or FormatException or OverflowException or JsonException)
        {
            return isSuccess ? new GeminiAnswer.Unusable("unreadable") : GeminiErrors.Read(answer with { Body = null }, settings.Model, endpoint);
        }
    }

    private static GeminiAnswer Candidate(JsonObject? body, GeminiSettings settings)
    {
        var candidate = (body?["candidates"] as JsonArray)?.FirstOrDefault() as JsonObject;
        var finish = Code(candidate?["finishReason"]);
        GeminiAnswer read = candidate switch
        {
            null when body is null => new GeminiAnswer.Unusable("no-json"),
            null when body["promptFeedback"]?["blockReason"] is { } blocked => new GeminiAnswer.Blocked(Code(blocked) ?? "unknown"),
            null => new GeminiAnswer.Unusable("no-candidate"),
            _ when finish is not null && Refusals.Contains(finish) => new GeminiAnswer.Blocked(finish),
            // Also what a later version may invent: only a model that says that it has finished has finished.
            _ when finish != "STOP" => new GeminiAnswer.Unusable($"finish-{finish ?? "missing"}"),
            _ => Content(candidate),
        };
        return read with { FinishReason = finish, ModelVersion = Code(body?["modelVersion"]), Usage = Usage(body?["usageMetadata"], settings) };
    }

    private static GeminiAnswer Content(JsonObject candidate)
    {
        var text = new StringBuilder();
        foreach (var part in candidate["content"]?["parts"] as JsonArray ?? [])
        {
            if (part?["thought"]?.GetValue<bool>() == true)
                continue;
            if (part?["text"] is not { } said)
                return new GeminiAnswer.Unusable("not-text");
            text.Append(said.GetValue<string>());
        }
        var json = Encoding.UTF8.GetBytes(text.ToString());
        return Fault(json) is { } fault ? new GeminiAnswer.Unusable(fault) : new GeminiAnswer.Said(json);
    }

    /// <summary>Why bytes are not exactly one JSON object; null: they are. What is inside is grounding's to judge.</summary>
    private static string? Fault(byte[] json)
    {
        if (json.AsSpan().Trim(" \t\r\n"u8).IsEmpty)
            return "empty";
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object ? null : "not-an-object";
        }
        catch (JsonException)
        {
            return "not-json";
        }
    }

    private static ModelUsage Usage(JsonNode? usage, GeminiSettings settings)
    {
        var (prompt, output, thoughts) = (Count("promptTokenCount"), Count("candidatesTokenCount"), Count("thoughtsTokenCount"));
        return new ModelUsage(prompt, output, thoughts, Count("cachedContentTokenCount"), settings.Cost(prompt, output, thoughts));

        int Count(string name) => usage?[name] is JsonValue value && value.TryGetValue<int>(out var count) ? Math.Max(0, count) : 0;
    }

    /// <summary>A code of the vendor's as it may be stored and logged: short, and of harmless characters.</summary>
    internal static string? Code(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text)
        ? new string([.. text.Take(100).Select(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or '/' or ':' or '@' ? c : '?')])
        : null;
}
