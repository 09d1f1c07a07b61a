using System.Globalization;
using System.Text;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Tools;
using LeadPipeline.Worker.Evidence;

namespace LeadPipeline.Worker.Planning;

/// <summary>
/// Writes what salespeople read about a decision, from supported claims and their true values only. An analyzer's own prose never gets
/// here, however good it sounds.
/// </summary>
internal static class NoteWriter
{
    /// <summary>One sentence.</summary>
    public static string Summary(GroundingResult grounding)
    {
        var text = new StringBuilder();
        if (grounding.Intent is { } intent)
            text.Append(CrmValues.Wording(intent));
        if (grounding.FitScore is { } score)
            text.Append(CultureInfo.InvariantCulture, $", score {score} of 100");
        return text.Append(": ").Append(Wording(grounding.Decision)).Append('.').ToString();
    }

    /// <summary>
    /// The summary and the facts it rests on, in a salesperson's words, each with where it comes from; last the name under which the evidence is on record.
    /// </summary>
    public static string Note(GroundingResult grounding, EvidenceSnapshot snapshot)
    {
        var text = new StringBuilder(Summary(grounding));
        if (grounding.Lowered.Any(l => l.What is "intent" or "decision" or "fitScore"))
            text.Append(" The first assessment was higher; not enough is known for sure to keep it.");

        var supported = grounding.Claims.Where(c => c.Verdict == ClaimVerdict.SUPPORTED).Select(c => c.FieldPath).ToHashSet(StringComparer.Ordinal);
        var facts = FactLabels.InOrder.Where(l => supported.Contains(l.Path) && snapshot.Leaves.ContainsKey(l.Path)).ToList();
        if (facts.Count == 0)
            return text.Append(" Nothing is known for sure about this lead.").ToString();

        text.Append("\n\nWhat is known:");
        foreach (var (path, label) in facts)
        {
            var leaf = snapshot.Leaves[path];
            text.Append(CultureInfo.InvariantCulture, $"\n- {label}: {FactLabels.Value(path, leaf.Value)} ({FactLabels.Origin(leaf)})");
        }
        if (snapshot.Text("lead.leadId") is { } id)
            text.Append(CultureInfo.InvariantCulture, $"\n\nEvidence on record: lead {id}");
        return text.ToString();
    }

    private static string Wording(LeadDecision? decision) => decision switch
    {
        LeadDecision.ROUTE_TO_SDR => "handed to sales",
        LeadDecision.NURTURE => "kept warm for later",
        LeadDecision.IGNORE => "not pursued",
        _ => "not decided",
    };
}
