using System.Text.RegularExpressions;

namespace LeadPipeline.Mcp.Registry;

/// <summary>A reference to the result of an earlier step, written <c>$steps.STEP.RESULT</c>.</summary>
/// <param name="Step">The earlier step's id.</param>
/// <param name="Result">One of its tool's results.</param>
public sealed partial record StepReference(string Step, string Result)
{
    /// <summary>Reads <c>$steps.STEP.RESULT</c>; null when the text is something else.</summary>
    public static StepReference? Parse(string text) =>
        // Nearly every argument of every step comes by here, and nearly none is a reference.
        text.StartsWith(Prefix, StringComparison.Ordinal) && Pattern().Match(text) is { Success: true } match ? new(match.Groups[1].Value, match.Groups[2].Value) : null;

    /// <inheritdoc/>
    public override string ToString() => $"$steps.{Step}.{Result}";

    private const string Prefix = "$steps.";

    [GeneratedRegex(@"\A\$steps\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_]+)\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
