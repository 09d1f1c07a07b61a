using System.Text;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Analysis.Gemini;

/// <summary>The instructions to the model: a file, versioned by its hash, which is kept with every analysis.</summary>
/// <param name="Text">The instructions.</param>
/// <param name="Hash">SHA-256 hex of the file's bytes.</param>
public sealed record GeminiPrompt(string Text, string Hash)
{
    /// <summary>The file that is compiled in. A changed prompt is a new file: what an old analysis was asked can then be looked up.</summary>
    public const string Embedded = "analyze-1.md";

    private const int MaxBytes = 64 * 1024;

    /// <summary>Reads a prompt file, or the embedded one.</summary>
    /// <param name="file">A path; null or empty: the embedded prompt.</param>
    /// <exception cref="FormatException">There is no such file, or it is no prompt.</exception>
    public static GeminiPrompt Load(string? file)
    {
        if (string.IsNullOrWhiteSpace(file))
            return Of(EmbeddedData.Bytes(Embedded));
        if (!File.Exists(file))
            throw new FormatException($"'{file}' does not exist");
        if (new FileInfo(file).Length > MaxBytes)
            throw new FormatException($"'{file}' is longer than {MaxBytes / 1024} KB");
        try
        {
            return Of(File.ReadAllBytes(file));
        }
        catch (Exception exception) when (exception is DecoderFallbackException or IOException or UnauthorizedAccessException)
        {
            throw new FormatException($"'{file}' cannot be read as UTF-8 text");
        }
    }

    private static GeminiPrompt Of(byte[] bytes)
    {
        var text = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(bytes).Trim('\uFEFF', ' ', '\n', '\r');
        return text.Length == 0 ? throw new FormatException("the prompt is empty") : new GeminiPrompt(text, CanonicalJson.Sha256Hex(bytes));
    }
}
