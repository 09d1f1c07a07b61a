namespace LeadPipeline.Mcp.Registry;

/// <summary>A reference to the result of an earlier step, written <c>$steps.STEP.RESULT</c>.</summary>
/// <param name="Step">The earlier step's id: letters, digits, <c>_</c> and <c>-</c>.</param>
/// <param name="Result">One of its tool's results: letters, digits and <c>_</c>.</param>
public sealed record StepReference(string Step, string Result)
{
    private const string Prefix = "$steps.";

    /// <summary>Reads <c>$steps.STEP.RESULT</c>; null when the text is something else.</summary>
    public static StepReference? Parse(string text)
    {
        // By hand: every argument of every step comes by here, several times.
        if (!text.StartsWith(Prefix, StringComparison.Ordinal))
            return null;
        var rest = text.AsSpan(Prefix.Length);
        var dot = rest.IndexOf('.');
        return dot > 0 && IsName(rest[..dot], dash: true) && dot < rest.Length - 1 && IsName(rest[(dot + 1)..], dash: false)
            ? new(rest[..dot].ToString(), rest[(dot + 1)..].ToString())
            : null;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Prefix}{Step}.{Result}";

    private static bool IsName(ReadOnlySpan<char> text, bool dash)
    {
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c != '_' && !(dash && c == '-'))
                return false;
        }
        return true;
    }
}
