using System.Globalization;
using System.Text.Json;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Grounding;

/// <summary>
/// Holds an analysis to the evidence. Pure and total: the same snapshot, analysis, rules and time give the same verdict, and
/// any JSON value gets one. It only ever lowers.
/// </summary>
public static class Grounder
{
    /// <summary>Grounds one analysis.</summary>
    /// <param name="snapshot">What is known.</param>
    /// <param name="analysis">The analyzer's answer as received, duplicate keys and all.</param>
    /// <param name="rules">What the rules measure against.</param>
    /// <param name="now">The time that the age of evidence is measured against.</param>
    public static GroundingResult Ground(EvidenceSnapshot snapshot, JsonElement analysis, GroundingRules rules, DateTimeOffset now)
    {
        var reading = AnalysisReader.Read(analysis);
        var judgements = new ClaimJudge(snapshot, rules, now).Judge(reading.Items);
        var claims = Claims(reading.Items, judgements);
        var signals = InjectionScanner.Scan(snapshot);

        var errors = new List<GroundingError>(reading.Errors);
        errors.AddRange(Refusals(reading.Items, judgements));
        var result = errors.Count > 0 || reading is not { Intent: { } intent, Decision: { } decision, FitScore: { } score }
            ? Rejected(reading, claims, errors, signals)
            : Lowered(snapshot, reading, claims, new Lowering(intent, decision, score), rules, signals);
        return result with { VerdictHash = VerdictHash.Of(result) };
    }

    private static GroundingResult Rejected(
        AnalysisReading reading, GroundedClaim[] claims, List<GroundingError> errors, IReadOnlyList<InjectionSignal> signals) => new()
        {
            Status = GroundingStatus.REJECTED,
            Claims = claims,
            Lowered = [],
            Errors = errors,
            Signals = signals,
            Model = reading.Model,
            RulesVersion = RulesVersion.Current,
            VerdictHash = "",
        };

    private static GroundingResult Lowered(
        EvidenceSnapshot snapshot, AnalysisReading reading, GroundedClaim[] claims, Lowering lowering, GroundingRules rules, IReadOnlyList<InjectionSignal> signals)
    {
        var check = new ReasoningCheck(
            snapshot, claims.Where(c => c.Verdict == ClaimVerdict.SUPPORTED), lowering.Intent, lowering.Decision, lowering.FitScore);
        lowering.Run(claims, rules.RouteThreshold);
        if (!check.Holds(reading.Reasoning))
            lowering.RebuildReasoning();

        return new GroundingResult
        {
            Status = lowering.Steps.Count == 0 ? GroundingStatus.VALID : GroundingStatus.DOWNGRADED,
            Intent = lowering.Intent,
            Decision = lowering.Decision,
            FitScore = lowering.FitScore,
            Claims = claims,
            Lowered = lowering.Steps,
            Errors = [],
            Warnings = [.. claims.Where(IsDropped).Select(c => $"The claim on {c.FieldPath} was dropped: {c.Verdict} by {c.Rule}.")],
            Signals = signals,
            Model = reading.Model,
            RulesVersion = RulesVersion.Current,
            VerdictHash = "",
        };
    }

    private static bool IsDropped(GroundedClaim claim) => !claim.Central && (claim.Verdict is ClaimVerdict.NOT_FOUND or ClaimVerdict.STALE);

    private static GroundedClaim[] Claims(IReadOnlyList<EvidenceItem> items, Judgement[] judgements)
    {
        var claims = new GroundedClaim[items.Count];
        for (var i = 0; i < claims.Length; i++)
        {
            var (item, judgement) = (items[i], judgements[i]);
            claims[i] = new GroundedClaim
            {
                FieldPath = item.FieldPath,
                Verdict = judgement.Verdict,
                Rule = judgement.Rule,
                Claimed = item.Value,
                Truth = judgement.Truth,
                Comparator = judgement.Comparator,
                Source = item.Source,
                ClaimType = item.ClaimTypeText,
                Central = item.Central != false || IsOnlyOfItsType(items, item),
            };
        }
        return claims;
    }

    /// <summary>
    /// Whether intent rests on this claim alone, so that its loss cannot be shrugged off whatever its flag says. The person's
    /// own words support no intent, so they neither are such a claim nor take that place from another.
    /// </summary>
    private static bool IsOnlyOfItsType(IReadOnlyList<EvidenceItem> items, EvidenceItem item) =>
        item.ClaimType is ClaimType.FIRMOGRAPHIC or ClaimType.BEHAVIOR or ClaimType.SCORE
        && item.Source != nameof(EvidenceSource.LEAD)
        && items.Count(i => i.ClaimType == item.ClaimType && i.Source != nameof(EvidenceSource.LEAD)) == 1;

    private static IEnumerable<GroundingError> Refusals(IReadOnlyList<EvidenceItem> items, Judgement[] judgements)
    {
        for (var i = 0; i < judgements.Length; i++)
        {
            var judgement = judgements[i];
            // Faults of shape are among the reader's errors already, with the exact member.
            if (judgement.Rejects && judgement.Rule != "G1")
                yield return new GroundingError(judgement.Rule, string.Create(CultureInfo.InvariantCulture, $"evidence[{items[i].Index}]"), judgement.Why ?? "");
        }
    }
}
