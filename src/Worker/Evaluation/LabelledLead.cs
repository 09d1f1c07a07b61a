using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Evidence;
using LeadPipeline.Worker.Grounding;

namespace LeadPipeline.Worker.Evaluation;

/// <summary>A lead with what people know to be right for it.</summary>
/// <param name="Line">The line in the file, from 1.</param>
/// <param name="Id">Its name in the file, else its line; two runs are compared by it.</param>
/// <param name="Snapshot">What was known.</param>
/// <param name="At">The time at which it is judged.</param>
/// <param name="Decision">What is right: <c>ROUTE_TO_SDR</c>, <c>NURTURE</c>, <c>IGNORE</c> or <c>REVIEW</c>; null when only the outcome is known.</param>
/// <param name="Won">Whether it became a customer; null when nobody knows.</param>
public sealed record LabelledLead(int Line, string Id, EvidenceSnapshot Snapshot, DateTimeOffset At, string? Decision, bool? Won)
{
    /// <summary>A person is to decide: rejected, halted, blocked, or no answer at all.</summary>
    public const string Review = "REVIEW";

    /// <summary>The decisions that there are, the best first.</summary>
    public static IReadOnlyList<string> Decisions { get; } = [nameof(LeadDecision.ROUTE_TO_SDR), nameof(LeadDecision.NURTURE), nameof(LeadDecision.IGNORE), Review];

    /// <summary>Reads a document as of <c>ground</c>, without an analysis, with <c>expected: { decision, won }</c> and optionally <c>id</c>.</summary>
    /// <exception cref="FormatException">It is none; the message says why.</exception>
    public static LabelledLead Read(JsonElement document, int line, TimeProvider time)
    {
        var snapshot = GroundDocument.ReadEvidence(document, time);
        var id = document.TryGetProperty("id", out var named) && LeafValue.TryGetText(named, out var name) && name.Trim().Length > 0 ? name.Trim() : $"line {line}";
        if (!document.TryGetProperty("expected", out var expected) || expected.ValueKind != JsonValueKind.Object)
            throw new FormatException("The document lacks \"expected\": { \"decision\": …, \"won\": true or false }.");
        foreach (var (member, _) in LeafValue.Members(expected))
        {
            if (member is not ("decision" or "won"))
                throw new FormatException($"\"expected\" has decision and won, and not {member}.");
        }
        var (decision, won) = (DecisionOf(expected), WonOf(expected));
        return decision is null && won is null
            ? throw new FormatException("\"expected\" says nothing: give it a decision, or whether the lead was won.")
            : new LabelledLead(line, id, snapshot, snapshot.TakenAt, decision, won);
    }

    private static string? DecisionOf(JsonElement expected)
    {
        if (!expected.TryGetProperty("decision", out var value) || value.ValueKind == JsonValueKind.Null)
            return null;
        return LeafValue.TryGetText(value, out var text) && Decisions.FirstOrDefault(d => string.Equals(d, text, StringComparison.OrdinalIgnoreCase)) is { } decision
            ? decision
            : throw new FormatException($"\"expected.decision\" is one of {string.Join(", ", Decisions)}.");
    }

    private static bool? WonOf(JsonElement expected)
    {
        if (!expected.TryGetProperty("won", out var value) || value.ValueKind == JsonValueKind.Null)
            return null;
        return value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw new FormatException("\"expected.won\" is true or false."),
        };
    }
}
