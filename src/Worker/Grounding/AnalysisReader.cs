using System.Globalization;
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

        JsonElement? evidence = null, reasoning = null, intent = null, decision = null, score = null;
        foreach (var member in analysis.EnumerateObject())
        {
            // Of a duplicate the first counts for the reviewer's eyes; the analysis is rejected anyway.
            switch (member.Name)
            {
                case "evidence": evidence ??= member.Value; break;
                case "reasoning": reasoning ??= member.Value; break;
                case "intent": intent ??= member.Value; break;
                case "decision": decision ??= member.Value; break;
                case "fitScore": score ??= member.Value; break;
                default: errors.Add(new GroundingError("G1", member.Name, "There is no such property.")); break;
            }
        }

        return new AnalysisReading
        {
            Items = Items(evidence, errors),
            Reasoning = Reasoning(reasoning, errors),
            Intent = Word(intent, "intent", IntentOf, errors),
            Decision = Word(decision, "decision", DecisionOf, errors),
            FitScore = Score(score, errors),
            Model = new ModelOpinion(Text(intent), Text(decision), score?.Clone()),
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
        var path = string.Create(CultureInfo.InvariantCulture, $"evidence[{index}]");
        if (item.ValueKind != JsonValueKind.Object)
        {
            errors.Add(new GroundingError("G1", path, "It must be an object."));
            return new EvidenceItem(index, WellShaped: false);
        }
        JsonElement? source = null, fieldPath = null, claimType = null, value = null, central = null;
        foreach (var member in item.EnumerateObject())
        {
            switch (member.Name)
            {
                case "source": source ??= member.Value; break;
                case "fieldPath": fieldPath ??= member.Value; break;
                case "claimType": claimType ??= member.Value; break;
                case "value": value ??= member.Value; break;
                case "central": central ??= member.Value; break;
                default: errors.Add(new GroundingError("G1", $"{path}.{member.Name}", "There is no such property.")); break;
            }
        }
        Require(source, $"{path}.source", errors);
        Require(fieldPath, $"{path}.fieldPath", errors);
        if (value is null)
            errors.Add(new GroundingError("G1", $"{path}.value", "The property is missing."));
        var type = Word(claimType, $"{path}.claimType", ClaimTypeOf, errors);
        if (central is { ValueKind: not (JsonValueKind.True or JsonValueKind.False) })
            errors.Add(new GroundingError("G1", $"{path}.central", "It must be true or false."));

        // The scan for duplicate keys and infinite numbers came first; its findings inside this item make it ill-shaped too.
        var scanned = errors.Take(faults).Any(e => e.Path.StartsWith(path + ".", StringComparison.Ordinal) || e.Path == path);
        return new EvidenceItem(index, WellShaped: errors.Count == faults && !scanned)
        {
            Source = Text(source),
            FieldPath = Text(fieldPath) ?? "",
            ClaimTypeText = Text(claimType),
            ClaimType = type,
            Value = value?.Clone(),
            Central = central?.ValueKind switch { JsonValueKind.True => true, JsonValueKind.False => false, _ => null },
        };
    }

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

    private static T? Word<T>(JsonElement? element, string path, Func<string, T?> meaning, List<GroundingError> errors)
        where T : struct
    {
        if (Require(element, path, errors) is not { } word)
            return null;
        var value = meaning(word);
        if (value is null)
            errors.Add(new GroundingError("G1", path, "It is none of the allowed words."));
        return value;
    }

    private static string? Require(JsonElement? element, string path, List<GroundingError> errors)
    {
        var text = Text(element);
        if (text is null)
            errors.Add(new GroundingError("G1", path, element is null ? "The property is missing." : "It must be a string."));
        return text;
    }

    private static string? Text(JsonElement? element) => element is { } present && LeafValue.TryGetText(present, out var text) ? text : null;
}
