using System.Globalization;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Grounding;

/// <summary>What the verdicts leave of intent, decision and score (G11–G15). It only ever lowers.</summary>
internal sealed class Lowering(LeadIntent intent, LeadDecision decision, int fitScore)
{
    private const int MediumAtMost = 70;
    private const int LowAtMost = 40;

    private readonly List<Lowered> lowered = [];

    /// <summary>The intent that is left.</summary>
    public LeadIntent Intent { get; private set; } = intent;

    /// <summary>The decision that is left.</summary>
    public LeadDecision Decision { get; private set; } = decision;

    /// <summary>The score that is left.</summary>
    public int FitScore { get; private set; } = fitScore;

    /// <summary>What was lowered, in order.</summary>
    public IReadOnlyList<Lowered> Steps => lowered;

    /// <summary>Runs G11 to G14 in their order, each on the result of the one before.</summary>
    public void Run(IReadOnlyList<GroundedClaim> claims, int routeThreshold)
    {
        if (claims.Any(c => c.Central && (c.Verdict is ClaimVerdict.NOT_FOUND or ClaimVerdict.STALE)))
            lowered.Add(new Lowered("status", nameof(GroundingStatus.VALID), nameof(GroundingStatus.DOWNGRADED), "G11"));
        // Manual review asks for a person, who is not bound by these; nothing is done in the CRM meanwhile.
        if (Intent == LeadIntent.MANUAL_REVIEW)
            return;

        var firmographic = Supports(claims, nameof(ClaimType.FIRMOGRAPHIC));
        var behavior = Supports(claims, nameof(ClaimType.BEHAVIOR));
        var score = Supports(claims, nameof(ClaimType.SCORE));
        if (Intent == LeadIntent.HIGH_FIT && !(firmographic && (behavior || score)))
            LowerIntent(LeadIntent.MEDIUM_FIT, MediumAtMost, "G12");
        if (Intent == LeadIntent.MEDIUM_FIT && !(firmographic || behavior))
            LowerIntent(LeadIntent.LOW_FIT, LowAtMost, "G13");
        if (Decision == LeadDecision.ROUTE_TO_SDR && !MayRoute(routeThreshold))
        {
            lowered.Add(new Lowered("decision", nameof(LeadDecision.ROUTE_TO_SDR), nameof(LeadDecision.NURTURE), "G14"));
            Decision = LeadDecision.NURTURE;
        }
    }

    /// <summary>The reasoning says more than the claims prove (G15): it is rebuilt from them, and nothing else changes.</summary>
    public void RebuildReasoning() => lowered.Add(new Lowered("reasoning", "model", "rebuilt", "G15"));

    private bool MayRoute(int threshold) => Intent == LeadIntent.HIGH_FIT || (Intent == LeadIntent.MEDIUM_FIT && FitScore >= threshold);

    private void LowerIntent(LeadIntent to, int atMost, string rule)
    {
        lowered.Add(new Lowered("intent", Intent.ToString(), to.ToString(), rule));
        Intent = to;
        if (FitScore <= atMost)
            return;
        lowered.Add(new Lowered("fitScore", Number(FitScore), Number(atMost), rule));
        FitScore = atMost;
    }

    private static bool Supports(IReadOnlyList<GroundedClaim> claims, string type) =>
        claims.Any(c => c.Verdict == ClaimVerdict.SUPPORTED && c.ClaimType == type);

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
