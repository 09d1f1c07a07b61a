using LeadPipeline.Contracts;
using LeadPipeline.Worker.Evidence;

namespace LeadPipeline.Worker.Grounding;

/// <summary>Says in words what came of a claim and why, and what was lowered, so that nobody has to know the rules by heart.</summary>
public static class Explanation
{
    /// <summary>One sentence or two: what was claimed, what is true, what follows.</summary>
    /// <param name="claim">The claim with its verdict.</param>
    /// <param name="withValues">Whether values are told; without, they may be of the person's own words.</param>
    public static string Of(GroundedClaim claim, bool withValues = true)
    {
        var label = FactLabels.Of(claim.FieldPath);
        var (claimed, truth) = withValues ? (FactLabels.Value(claim.FieldPath, claim.Claimed), FactLabels.Value(claim.FieldPath, claim.Truth)) : ("something", "something");
        var beside = $"{label}: {claimed} was claimed, and the evidence says {truth}.";
        return claim.Verdict switch
        {
            ClaimVerdict.SUPPORTED => claimed == truth ? $"{label}: {claimed}, as the evidence says." : $"{beside} That fits.",
            ClaimVerdict.CONTRADICTED when claim.Rule == "G16" => $"{label}: two claims say different things about it, so that neither can be believed.",
            ClaimVerdict.CONTRADICTED when claim.Rule == "G17" => $"{label}: {claimed} was claimed, and the person wrote {truth}.",
            ClaimVerdict.CONTRADICTED => $"{beside} That is wrong.",
            ClaimVerdict.NOT_FOUND when claim.Truth is not null && claim.Comparator is not null => $"{beside} That is not wrong, but it says more than is known.",
            ClaimVerdict.NOT_FOUND when EvidenceSchema.TryGet(claim.FieldPath, out _) => $"{label}: {claimed} was claimed, and nothing is known about it.",
            ClaimVerdict.NOT_FOUND => $"{label}: there is no such fact; it was made up.",
            ClaimVerdict.STALE => $"{beside} That fits, but the evidence is too old to rest on.",
            ClaimVerdict.UNTRUSTED_ONLY => $"{label}: the person says so themselves; it is not held against them, and counts for nothing.",
            ClaimVerdict.SOURCE_NOT_ALLOWED when claim.Rule == "G5" => $"{label}: {claimed} was claimed, and nothing at all is known about the company.",
            ClaimVerdict.SOURCE_NOT_ALLOWED when claim.Rule == "G4" => $"{label}: {claimed} was claimed as a kind of fact that cannot be read there.",
            ClaimVerdict.SOURCE_NOT_ALLOWED => $"{label}: {claimed} was claimed from a source that there is not.",
            _ => $"{label}: what was claimed is not a value that could stand there.",
        };
    }

    /// <summary>What was lowered and why.</summary>
    public static string Of(Lowered lowered) => (lowered.What, lowered.Rule) switch
    {
        ("status", _) => "A claim that mattered could not be found in the evidence, or not any more.",
        ("intent", "G12") => $"The intent went from {Word(lowered.From)} to {Word(lowered.To)}: a High Fit needs a fact about the company and one about behaviour or a score.",
        ("intent", _) => $"The intent went from {Word(lowered.From)} to {Word(lowered.To)}: no fact about the company or about behaviour holds.",
        ("fitScore", _) => $"The score went from {lowered.From} to {lowered.To}, the most that this intent may have.",
        ("decision", _) => "It is not handed to sales: that needs a High Fit, or a Medium Fit with a good score.",
        ("reasoning", _) => "The analyzer's prose said more than its claims prove; it is not used.",
        _ => $"{lowered.What} went from {lowered.From} to {lowered.To} ({lowered.Rule}).",
    };

    private static string Word(string intent) => Enum.TryParse<LeadIntent>(intent, out var known) ? Mcp.Tools.CrmValues.Wording(known) : intent;
}
