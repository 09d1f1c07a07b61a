using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Evidence;
using LeadPipeline.Worker.Grounding.Values;

namespace LeadPipeline.Worker.Grounding;

/// <summary>
/// Holds each claim against the snapshot. The first rule that matches is the one reported: shape (G1), source (G2), path (G3),
/// matrix (G4), enrichment at all (G5), value at all, self-contradiction (G16), not known (G3), the person's own word (G17),
/// the comparison (G6–G10), age (G18).
/// </summary>
internal sealed class ClaimJudge(EvidenceSnapshot snapshot, GroundingRules rules, DateTimeOffset now)
{
    private readonly bool enriched = snapshot.Has("enrichment");

    /// <summary>Judges all claims, in their order.</summary>
    public Judgement[] Judge(IReadOnlyList<EvidenceItem> items)
    {
        var judgements = new Judgement[items.Count];
        var readable = new Readable?[items.Count];
        for (var i = 0; i < items.Count; i++)
            readable[i] = Admit(items[i], out judgements[i]);

        for (var i = 0; i < items.Count; i++)
        {
            if (readable[i] is not { } claim)
                continue;
            judgements[i] = ContradictsAnother(items, readable, i)
                ? new Judgement(ClaimVerdict.CONTRADICTED, "G16", Truth(items[i].FieldPath)) { Why = "Another claim gives the same field another value." }
                : Weigh(items[i].FieldPath, claim);
        }
        return judgements;
    }

    /// <summary>The rules that need no look at the truth; null with a verdict, or the claim's value to go on with.</summary>
    private Readable? Admit(EvidenceItem item, out Judgement judgement)
    {
        if (!item.WellShaped)
        {
            judgement = Refuse(item, ClaimVerdict.MALFORMED, "G1", "The claim does not have the shape of one.");
            return null;
        }
        if (SourceOf(item.Source!) is not { } source)
        {
            judgement = Refuse(item, ClaimVerdict.SOURCE_NOT_ALLOWED, "G2", $"There is no source {item.Source}.");
            return null;
        }
        if (!EvidenceSchema.TryGet(item.FieldPath, out var field) || field.Source != source)
        {
            judgement = Refuse(item, ClaimVerdict.NOT_FOUND, "G3", $"{source} has no field {item.FieldPath}.");
            return null;
        }
        if (!IsAllowed(item.ClaimType!.Value, source))
        {
            judgement = Refuse(item, ClaimVerdict.SOURCE_NOT_ALLOWED, "G4", $"A {item.ClaimType} claim may not rest on {source}.");
            return null;
        }
        if (source == EvidenceSource.ENRICHMENT && !enriched)
        {
            judgement = Refuse(item, ClaimVerdict.SOURCE_NOT_ALLOWED, "G5", "There is no enrichment to rest on.");
            return null;
        }
        if (!SaysSomething(item.Value!.Value) || ComparableValue.Read(field, item.Value.Value) is not { } value)
        {
            judgement = Refuse(item, ClaimVerdict.MALFORMED, "MALFORMED", $"The value is no {field.Comparator} value.");
            return null;
        }
        judgement = default;
        return new Readable(field, value);
    }

    private Judgement Weigh(string path, Readable claim)
    {
        var field = claim.Field;
        if (!snapshot.Leaves.TryGetValue(path, out var leaf))
            return new Judgement(ClaimVerdict.NOT_FOUND, "G3", null) { Why = "The field is not known." };

        // A trusted leaf that is itself no value of its field proves nothing either way.
        var comparison = ComparableValue.Read(field, leaf.Value) is { } truth ? claim.Value.Against(truth) : Comparison.NotFound;
        if (field.Source == EvidenceSource.LEAD)
        {
            // What a person typed is equal or not; there is no coarser or finer about it.
            return comparison == Comparison.Supported
                ? new Judgement(ClaimVerdict.UNTRUSTED_ONLY, "G17", leaf.Value) { Comparator = field.Comparator }
                : new Judgement(ClaimVerdict.CONTRADICTED, "G17", leaf.Value) { Comparator = field.Comparator, Why = "The lead says otherwise." };
        }
        return comparison switch
        {
            Comparison.Contradicted => new Judgement(ClaimVerdict.CONTRADICTED, field.Rule, leaf.Value) { Comparator = field.Comparator, Why = "The evidence says otherwise." },
            Comparison.NotFound => new Judgement(ClaimVerdict.NOT_FOUND, field.Rule, leaf.Value) { Comparator = field.Comparator, Why = "The evidence does not say so much." },
            _ when IsStale(field.Source, leaf) => new Judgement(ClaimVerdict.STALE, "G18", leaf.Value) { Comparator = field.Comparator, Why = "The evidence is too old." },
            _ => new Judgement(ClaimVerdict.SUPPORTED, field.Rule, leaf.Value) { Comparator = field.Comparator },
        };
    }

    private bool IsStale(EvidenceSource source, EvidenceLeaf leaf) => rules.TimeToLive(source, leaf) is { } life && now - leaf.FetchedAt > life;

    private Judgement Refuse(EvidenceItem item, ClaimVerdict verdict, string rule, string why) =>
        new(verdict, rule, Truth(item.FieldPath)) { Rejects = true, Why = why };

    private JsonElement? Truth(string path) => snapshot.Value(path);

    private static bool ContradictsAnother(IReadOnlyList<EvidenceItem> items, Readable?[] claims, int index)
    {
        for (var other = 0; other < claims.Length; other++)
        {
            if (other != index && claims[other] is { } rival && items[other].FieldPath == items[index].FieldPath
                && claims[index]!.Value.Value.ConflictsWith(rival.Value))
                return true;
        }
        return false;
    }

    private static EvidenceSource? SourceOf(string word) => word switch
    {
        "ENRICHMENT" => EvidenceSource.ENRICHMENT,
        "MARKETING" => EvidenceSource.MARKETING,
        "PRODUCT" => EvidenceSource.PRODUCT,
        "CRM" => EvidenceSource.CRM,
        "COMPUTED" => EvidenceSource.COMPUTED,
        "LEAD" => EvidenceSource.LEAD,
        _ => null,
    };

    private static bool IsAllowed(ClaimType type, EvidenceSource source) => (type, source) switch
    {
        (_, EvidenceSource.LEAD) => true,
        (ClaimType.FIRMOGRAPHIC, EvidenceSource.ENRICHMENT) => true,
        (ClaimType.BEHAVIOR, EvidenceSource.MARKETING or EvidenceSource.PRODUCT) => true,
        (ClaimType.PIPELINE, EvidenceSource.CRM or EvidenceSource.COMPUTED) => true,
        (ClaimType.SCORE, EvidenceSource.COMPUTED) => true,
        _ => false,
    };

    private static bool SaysSomething(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => IsText(value),
        JsonValueKind.Array => value.GetArrayLength() > 0 && value.EnumerateArray().All(IsText),
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => true,
        _ => false,
    };

    private static bool IsText(JsonElement value) => LeafValue.TryGetText(value, out var text) && !string.IsNullOrWhiteSpace(text);

    private readonly record struct Readable(EvidenceField Field, ComparableValue Value);
}
