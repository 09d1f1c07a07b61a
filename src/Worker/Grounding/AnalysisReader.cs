using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Evidence;

namespace LeadPipeline.Worker.Grounding;

/// <summary>
/// Reads an analysis by its strict schema (G1). Reads on after a fault, so that a reviewer sees all of them, and never throws.
/// </summary>
internal static class AnalysisReader
{
    private const int MostItems = 50;
    private const int MostReasoningBytes = 4096;

    /// <summary>Reads any JSON value; what is wrong with it is in the errors.</summary>
    public static AnalysisReading Read(JsonElement analysis)
    {
        var errors = new List<GroundingError>();
        if (analysis.ValueKind != JsonValueKind.Object)
        {
            errors.Add(new GroundingError("G1", "", "The analysis must be an object."));
            return new AnalysisReading { Errors = errors };
        }
        if (!ShapeScan.Run(analysis, errors))
            return new AnalysisReading { Errors = errors, Model = Opinion(analysis) };

        // Detached from its document as a whole: cloning each value by itself would copy it many times over.
        analysis = analysis.Clone();
        JsonElement? evidence = null, reasoning = null, intent = null, decision = null, score = null;
        foreach (var member in analysis.EnumerateObject())
        {
            // Of a duplicate the first counts for the reviewer's eyes; the analysis is rejected anyway.
            var name = new MemberName(member);
            if (name.Is("evidence"u8))
                evidence ??= member.Value;
            else if (name.Is("reasoning"u8))
                reasoning ??= member.Value;
            else if (name.Is("intent"u8))
                intent ??= member.Value;
            else if (name.Is("decision"u8))
                decision ??= member.Value;
            else if (name.Is("fitScore"u8))
                score ??= member.Value;
            else
                errors.Add(new GroundingError("G1", member.Name, "There is no such property."));
        }

        return new AnalysisReading
        {
            Items = Items(evidence, errors),
            Reasoning = Reasoning(reasoning, errors),
            Intent = Word(intent, "intent", IntentOf, errors).Meaning,
            Decision = Word(decision, "decision", DecisionOf, errors).Meaning,
            FitScore = Score(score, errors),
            Model = new ModelOpinion(Text(intent), Text(decision), score),
            Errors = errors,
        };
    }

    /// <summary>What was said in so many words, from an analysis of which some part cannot be read.</summary>
    private static ModelOpinion Opinion(JsonElement analysis)
    {
        var readable = LeafValue.Members(analysis).DistinctBy(m => m.Name).ToDictionary(m => m.Name, m => m.Value);
        JsonElement? Said(string name) => readable.TryGetValue(name, out var value) ? value : null;
        return new ModelOpinion(Text(Said("intent")), Text(Said("decision")), Said("fitScore") is { ValueKind: JsonValueKind.Number } score ? score.Clone() : null);
    }

    /// <summary>The claim type of a word, exactly as the schema spells it.</summary>
    private static ClaimType? ClaimTypeOf(string word) => word switch
    {
        "FIRMOGRAPHIC" => ClaimType.FIRMOGRAPHIC,
        "BEHAVIOR" => ClaimType.BEHAVIOR,
        "PIPELINE" => ClaimType.PIPELINE,
        "SCORE" => ClaimType.SCORE,
        _ => null,
    };

    private static LeadIntent? IntentOf(string word) => word switch
    {
        "LOW_FIT" => LeadIntent.LOW_FIT,
        "MEDIUM_FIT" => LeadIntent.MEDIUM_FIT,
        "HIGH_FIT" => LeadIntent.HIGH_FIT,
        "MANUAL_REVIEW" => LeadIntent.MANUAL_REVIEW,
        _ => null,
    };

    private static LeadDecision? DecisionOf(string word) => word switch
    {
        "ROUTE_TO_SDR" => LeadDecision.ROUTE_TO_SDR,
        "NURTURE" => LeadDecision.NURTURE,
        "IGNORE" => LeadDecision.IGNORE,
        _ => null,
    };

    private static List<EvidenceItem> Items(JsonElement? evidence, List<GroundingError> errors)
    {
        if (evidence is not { ValueKind: JsonValueKind.Array } list)
        {
            errors.Add(new GroundingError("G1", "evidence", evidence is null ? "The property is missing." : "It must be an array."));
            return [];
        }
        if (list.GetArrayLength() > MostItems)
        {
            errors.Add(new GroundingError("G1", "evidence", $"There are more than {MostItems} items."));
            return [];
        }
        var items = new List<EvidenceItem>(list.GetArrayLength());
        foreach (var item in list.EnumerateArray())
            items.Add(Item(item, items.Count, errors));
        return items;
    }

    private static EvidenceItem Item(JsonElement item, int index, List<GroundingError> errors)
    {
        var faults = errors.Count;
        if (item.ValueKind != JsonValueKind.Object)
        {
            errors.Add(new GroundingError("G1", Path(index), "It must be an object."));
            return new EvidenceItem(index, WellShaped: false);
        }
        JsonElement? source = null, fieldPath = null, claimType = null, value = null, central = null;
        foreach (var member in item.EnumerateObject())
        {
            var name = new MemberName(member);
            if (name.Is("source"u8))
                source ??= member.Value;
            else if (name.Is("fieldPath"u8))
                fieldPath ??= member.Value;
            else if (name.Is("claimType"u8))
                claimType ??= member.Value;
            else if (name.Is("value"u8))
                value ??= member.Value;
            else if (name.Is("central"u8))
                central ??= member.Value;
            else
                errors.Add(new GroundingError("G1", $"{Path(index)}.{member.Name}", "There is no such property."));
        }
        var sourceText = Require(source, "source", errors, index);
        var fieldPathText = Require(fieldPath, "fieldPath", errors, index);
        if (value is null)
            errors.Add(new GroundingError("G1", Path(index, "value"), "The property is missing."));
        var (type, typeText) = Word(claimType, "claimType", ClaimTypeOf, errors, index);
        if (central is { ValueKind: not (JsonValueKind.True or JsonValueKind.False) })
            errors.Add(new GroundingError("G1", Path(index, "central"), "It must be true or false."));

        return new EvidenceItem(index, WellShaped: errors.Count == faults && !IsFaulty(errors, faults, index))
        {
            Source = sourceText,
            FieldPath = fieldPathText ?? "",
            ClaimTypeText = typeText,
            ClaimType = type,
            Value = value,
            Central = central?.ValueKind switch { JsonValueKind.True => true, JsonValueKind.False => false, _ => null },
        };
    }

    /// <summary>The scan for duplicate keys and infinite numbers came first; its findings inside an item make it ill-shaped too.</summary>
    private static bool IsFaulty(List<GroundingError> errors, int count, int index)
    {
        if (count == 0)
            return false;
        var path = Path(index);
        return errors.Take(count).Any(e => e.Path.StartsWith(path + ".", StringComparison.Ordinal) || e.Path == path);
    }

    /// <summary>Put together only when there is a fault to report.</summary>
    private static string Path(int? item, string? member = null) =>
        item is not { } index ? member ?? "" : string.Create(CultureInfo.InvariantCulture, $"evidence[{index}]{(member is null ? "" : ".")}{member}");

    private static string Reasoning(JsonElement? reasoning, List<GroundingError> errors)
    {
        var text = Require(reasoning, "reasoning", errors) ?? "";
        if (Encoding.UTF8.GetByteCount(text) > MostReasoningBytes)
            errors.Add(new GroundingError("G1", "reasoning", $"It is longer than {MostReasoningBytes} bytes."));
        return text;
    }

    private static int? Score(JsonElement? score, List<GroundingError> errors)
    {
        // 85.0 is an integer; "85" is a text.
        if (score is { ValueKind: JsonValueKind.Number } number && number.TryGetDecimal(out var value)
            && value is >= 0 and <= 100 && decimal.IsInteger(value))
            return (int)value;
        errors.Add(new GroundingError("G1", "fitScore", score is null ? "The property is missing." : "It must be an integer from 0 to 100."));
        return null;
    }

    private static (T? Meaning, string? Text) Word<T>(JsonElement? element, string member, Func<string, T?> meaning, List<GroundingError> errors, int? item = null)
        where T : struct
    {
        if (Require(element, member, errors, item) is not { } word)
            return (null, null);
        var value = meaning(word);
        if (value is null)
            errors.Add(new GroundingError("G1", Path(item, member), "It is none of the allowed words."));
        return (value, word);
    }

    private static string? Require(JsonElement? element, string member, List<GroundingError> errors, int? item = null)
    {
        var text = Text(element);
        if (text is null)
            errors.Add(new GroundingError("G1", Path(item, member), element is null ? "The property is missing." : "It must be a string."));
        return text;
    }

    private static string? Text(JsonElement? element) => element is { } present && LeafValue.TryGetText(present, out var text) ? text : null;

    /// <summary>A member's name, compared as bytes; one that is spelt with escapes is read first.</summary>
    private readonly ref struct MemberName(JsonProperty member)
    {
        private readonly ReadOnlySpan<byte> raw = JsonMarshal.GetRawUtf8PropertyName(member);
        private readonly bool isEscaped = JsonMarshal.GetRawUtf8PropertyName(member).Contains((byte)'\\');

        public bool Is(ReadOnlySpan<byte> name) => raw.SequenceEqual(name) || (isEscaped && member.NameEquals(name));
    }
}
