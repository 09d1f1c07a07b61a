namespace LeadPipeline.Worker.Analysis.Gemini;

/// <summary>One question to the model: the body of a <c>generateContent</c> call. The same snapshot, prompt and settings make the same bytes.</summary>
/// <param name="Body">JSON in UTF-8.</param>
/// <param name="Hash">SHA-256 hex of body and model.</param>
public sealed record GeminiQuestion(ReadOnlyMemory<byte> Body, string Hash)
{
    /// <summary>The body of a <c>countTokens</c> call that says nothing.</summary>
    public static ReadOnlyMemory<byte> Harmless { get; } = """{"contents":[{"role":"user","parts":[{"text":"ping"}]}]}"""u8.ToArray();
}
