using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Analysis.Gemini;

/// <summary>What all questions have in common, written once: it is most of what is sent.</summary>
public sealed class QuestionForm
{
    /// <summary>What is added when an answer was no JSON object. It repeats nothing of that answer.</summary>
    private const string Reminder = "The last answer could not be used. Answer with exactly one complete JSON object of the given schema: no fence, no text around it.";

    // Written in two parts, neither of which is whole JSON.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>
    /// Categories whose blocking is asked for only at high probability: a rude message is no reason to leave a lead to a person, and what the
    /// model says is not shown to anybody unchecked.
    /// </summary>
    private static readonly string[] Harms =
        ["HARM_CATEGORY_HARASSMENT", "HARM_CATEGORY_HATE_SPEECH", "HARM_CATEGORY_SEXUALLY_EXPLICIT", "HARM_CATEGORY_DANGEROUS_CONTENT"];

    private readonly byte[] beginning;
    private readonly byte[] model;

    /// <param name="prompt">The instructions.</param>
    /// <param name="settings">Model, temperature, length of the answer.</param>
    public QuestionForm(GeminiPrompt prompt, GeminiSettings settings)
    {
        model = Encoding.UTF8.GetBytes(settings.Model + "\n");
        var buffer = new ArrayBufferWriter<byte>();
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
        }
        beginning = [.. buffer.WrittenSpan, (byte)','];
    }

    /// <summary>Makes the question about one lead.</summary>
    /// <param name="snapshot">What is known of the lead.</param>
    /// <param name="again">Whether an answer to the same question could not be used.</param>
    /// <param name="withWords">Whether the person's own words are shown.</param>
    public GeminiQuestion Of(EvidenceSnapshot snapshot, bool again = false, bool withWords = true)
    {
        var shown = ShownEvidence.Write(snapshot, withWords);
        var buffer = new ArrayBufferWriter<byte>(beginning.Length + shown.Length + 1024);
        buffer.Write(beginning);
        using (var writer = new Utf8JsonWriter(buffer, Options))
            Parts(writer, again ? [shown, Reminder] : [shown]);
        buffer.Write("}]}"u8);
        return new GeminiQuestion(buffer.WrittenMemory, HashOf(buffer.WrittenSpan));
    }

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

    private string HashOf(ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(model);
        hash.AppendData(body);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
