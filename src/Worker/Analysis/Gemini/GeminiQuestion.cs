using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Analysis.Gemini;

/// <summary>One question to the model: the body of a <c>generateContent</c> call. The same snapshot, prompt and settings make the same bytes.</summary>
/// <param name="Body">JSON in UTF-8.</param>
/// <param name="Hash">SHA-256 hex of body and model.</param>
public sealed record GeminiQuestion(ReadOnlyMemory<byte> Body, string Hash)
{
    /// <summary>What is added when an answer was no JSON object. It repeats nothing of that answer.</summary>
    private const string Reminder = "The last answer could not be used. Answer with exactly one complete JSON object of the given schema: no fence, no text around it.";

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// Categories whose blocking is asked for only at high probability: a rude message is no reason to leave a lead to a person, and what the
    /// model says is not shown to anybody unchecked.
    /// </summary>
    private static readonly string[] Harms =
        ["HARM_CATEGORY_HARASSMENT", "HARM_CATEGORY_HATE_SPEECH", "HARM_CATEGORY_SEXUALLY_EXPLICIT", "HARM_CATEGORY_DANGEROUS_CONTENT"];

    /// <summary>Makes the question about one lead.</summary>
    /// <param name="prompt">The instructions.</param>
    /// <param name="snapshot">What is known of the lead.</param>
    /// <param name="settings">Model, temperature, length of the answer.</param>
    /// <param name="again">Whether an answer to the same question could not be used.</param>
    /// <param name="withWords">Whether the person's own words are shown.</param>
    public static GeminiQuestion Of(GeminiPrompt prompt, EvidenceSnapshot snapshot, GeminiSettings settings, bool again = false, bool withWords = true)
    {
        var shown = ShownEvidence.Write(snapshot, withWords);
        var buffer = new ArrayBufferWriter<byte>(8192);
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            writer.WriteStartObject();
            // What never changes comes first and the lead last: the vendor's cache knows a prompt by how it begins.
            writer.WriteStartObject("systemInstruction");
            Parts(writer, prompt.Text);
            writer.WriteEndObject();
            Generation(writer, settings);
            Safety(writer);
            writer.WriteStartArray("contents");
            writer.WriteStartObject();
            writer.WriteString("role", "user");
            Parts(writer, again ? [shown, Reminder] : [shown]);
            writer.WriteEndObject();
            writer.WriteEndArray();
            writer.WriteEndObject();
        }
        return new GeminiQuestion(buffer.WrittenMemory, HashOf(settings.Model, buffer.WrittenSpan));
    }

    /// <summary>The body of a <c>countTokens</c> call that says nothing.</summary>
    public static ReadOnlyMemory<byte> Harmless { get; } = """{"contents":[{"role":"user","parts":[{"text":"ping"}]}]}"""u8.ToArray();

    private static void Generation(Utf8JsonWriter writer, GeminiSettings settings)
    {
        writer.WriteStartObject("generationConfig");
        writer.WriteNumber("temperature", settings.Temperature);
        writer.WriteNumber("maxOutputTokens", settings.MaxOutputTokens);
        writer.WriteString("responseMimeType", "application/json");
        writer.WritePropertyName("responseJsonSchema");
        AnswerSchema.Write(writer);
        writer.WriteEndObject();
    }

    private static void Safety(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("safetySettings");
        foreach (var harm in Harms)
        {
            writer.WriteStartObject();
            writer.WriteString("category", harm);
            writer.WriteString("threshold", "BLOCK_ONLY_HIGH");
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }

    private static void Parts(Utf8JsonWriter writer, params ReadOnlySpan<string> texts)
    {
        writer.WriteStartArray("parts");
        foreach (var text in texts)
        {
            writer.WriteStartObject();
            writer.WriteString("text", text);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }

    private static string HashOf(string model, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(model + "\n"));
        hash.AppendData(body);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
