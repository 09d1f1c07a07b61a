using System.Text.Json;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Analysis.Gemini;

/// <summary>
/// Decides when an answer is to be compared with one that was given without the person's words. Grounding holds claims against facts, but a score
/// is the model's own: true claims and a score that somebody asked for pass it. What a person writes supports nothing, so an answer that is far
/// above the facts must stand without it, too. Pure.
/// </summary>
public static class SecondLook
{
    /// <summary>Whether an answer is so far above the facts that it is asked for again without the person's words.</summary>
    /// <param name="snapshot">What is known.</param>
    /// <param name="answer">One JSON object; of any shape, since what is not an analysis is rejected anyway.</param>
    /// <param name="above">So many points above the score that the facts compute to are far.</param>
    public static bool IsDue(EvidenceSnapshot snapshot, ReadOnlyMemory<byte> answer, int above)
    {
        var facts = FitScore.Of(snapshot) ?? 0;
        return Read(answer) is var (score, isRouted) && (score > facts + above || (isRouted && facts < FitScore.Route && above < 100));
    }

    /// <summary>The one of two answers that promises less; the first when they promise the same.</summary>
    public static ReadOnlyMemory<byte> Lower(ReadOnlyMemory<byte> first, ReadOnlyMemory<byte> second) => (Read(first), Read(second)) switch
    {
        // An object that is no analysis is rejected by grounding: nothing is lower.
        (_, null) => second,
        (null, _) => first,
        var (one, other) => (other.Value.IsRouted ? 1 : 0, other.Value.Score).CompareTo((one.Value.IsRouted ? 1 : 0, one.Value.Score)) < 0 ? second : first,
    };

    private static (double Score, bool IsRouted)? Read(ReadOnlyMemory<byte> answer)
    {
        using var document = JsonDocument.Parse(answer);
        var root = document.RootElement;
        try
        {
            return root.TryGetProperty("fitScore", out var score) && score.ValueKind == JsonValueKind.Number
                && root.TryGetProperty("decision", out var decision) && decision.ValueKind == JsonValueKind.String
                ? (score.GetDouble(), decision.ValueEquals(nameof(LeadDecision.ROUTE_TO_SDR)))
                : null;
        }
        catch (InvalidOperationException)
        {
            // A member's name with half a character in it cannot be looked past; grounding refuses such an object.
            return null;
        }
    }
}
