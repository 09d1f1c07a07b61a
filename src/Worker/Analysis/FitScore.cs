using System.Text.Json;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Analysis;

/// <summary>The rules' score: a sum that a person can do with a pencil. The table is in <c>docs/ANALYSIS.md</c>.</summary>
internal static class FitScore
{
    internal const int High = 70;
    internal const int Route = 60;
    internal const int Medium = 40;

    /// <summary>0 to 100, or null when nothing at all is known that a score could rest on.</summary>
    internal static int? Of(EvidenceSnapshot snapshot)
    {
        if (snapshot.Value("computed.disposableEmail") is { ValueKind: JsonValueKind.True })
            return 0;
        var company = snapshot.Has("enrichment");
        var engagement = Whole(snapshot, "computed.engagementScore");
        if (!company && !snapshot.Has("marketing") && !snapshot.Has("product"))
            return null;

        // Behaviour alone is taken at its word: whether a company stands behind it is for grounding to ask.
        var profile = Whole(snapshot, "computed.icpScore") ?? 0;
        var score = (company, engagement) switch
        {
            (true, { } engaged) => 0.55 * profile + 0.45 * engaged,
            (true, null) => 0.75 * profile,
            (false, _) => engagement ?? 0,
        };
        score += Whole(snapshot, "marketing.pricingPageViews") >= 3 ? 5 : 0;
        score += Whole(snapshot, "marketing.webinarsAttended") >= 1 ? 5 : 0;
        score += snapshot.Value("product.trialStartedAt") is not null ? 5 : 0;
        score += Whole(snapshot, "product.activeUsers") switch { >= 20 => 10, >= 5 => 5, _ => 0 };
        score += Whole(snapshot, "crm.openOpportunities") >= 1 ? 5 : 0;
        score -= snapshot.Text("crm.leadStatus") == "Disqualified" ? 20 : 0;
        score -= snapshot.Value("computed.freeEmailProvider") is { ValueKind: JsonValueKind.True } ? 10 : 0;
        return (int)Math.Clamp(Math.Round(score, MidpointRounding.AwayFromZero), 0, 100);
    }

    private static long? Whole(EvidenceSnapshot snapshot, string path) =>
        snapshot.Value(path) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number) ? number : null;
}
