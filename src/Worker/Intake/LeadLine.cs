using System.Text.Json;

namespace LeadPipeline.Worker.Intake;

/// <summary>One record of a file of leads.</summary>
/// <param name="Line">The physical line that it starts on, from 1.</param>
/// <param name="Body">The body, owning its memory; null when it could not be read.</param>
/// <param name="Error">Why not, in words that complete "line N …".</param>
public sealed record LeadLine(int Line, JsonElement? Body, string? Error)
{
    /// <summary>The record as it stands in the file: for CSV always, without <see cref="LeadFileLayout.RejectedBecause"/>; for JSON only when it could not be read.</summary>
    public string? Raw { get; init; }

    /// <summary>For CSV: how many fields <see cref="Raw"/> has; 0 when it could not be told.</summary>
    public int Fields { get; init; }
}
