using System.Text.Json;

namespace LeadPipeline.Worker.Intake;

/// <summary>One record of a file of leads.</summary>
/// <param name="Line">The physical line that it starts on, from 1.</param>
/// <param name="Body">The body, owning its memory; null when it could not be read.</param>
/// <param name="Error">Why not, in words that complete "line N …".</param>
public sealed record LeadLine(int Line, JsonElement? Body, string? Error);
