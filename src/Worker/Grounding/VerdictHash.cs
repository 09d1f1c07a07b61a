using System.Buffers;
using System.Text.Json;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Grounding;

/// <summary>
/// SHA-256 over the canonical JSON of a verdict: members in ordinal order, claims sorted by their own bytes, so that the order
/// in which the analyzer listed its evidence does not matter. Signals, error texts and warnings stay out: they are commentary.
/// </summary>
internal static class VerdictHash
{
    // Encoded once: each of them is written for each claim.
    private static readonly JsonEncodedText CentralName = JsonEncodedText.Encode("central");
    private static readonly JsonEncodedText ClaimTypeName = JsonEncodedText.Encode("claimType");
    private static readonly JsonEncodedText ClaimedName = JsonEncodedText.Encode("claimed");
    private static readonly JsonEncodedText ComparatorName = JsonEncodedText.Encode("comparator");
    private static readonly JsonEncodedText FieldPathName = JsonEncodedText.Encode("fieldPath");
    private static readonly JsonEncodedText RuleName = JsonEncodedText.Encode("rule");
    private static readonly JsonEncodedText SourceName = JsonEncodedText.Encode("source");
    private static readonly JsonEncodedText TruthName = JsonEncodedText.Encode("truth");
    private static readonly JsonEncodedText FitScoreName = JsonEncodedText.Encode("fitScore");
    private static readonly JsonEncodedText VerdictName = JsonEncodedText.Encode("verdict");

    /// <summary>Lower-case hex.</summary>
    public static string Of(GroundingResult result)
    {
        var buffer = new ArrayBufferWriter<byte>(3072);
        using var writer = new Utf8JsonWriter(buffer, CanonicalJson.WriterOptions);
        var claims = new List<(int Start, int End)>(result.Claims.Count);
        foreach (var claim in result.Claims)
        {
            var start = buffer.WrittenCount;
            WriteClaim(writer, claim);
            claims.Add((start, buffer.WrittenCount));
        }
        var tail = buffer.WrittenCount;
        WriteRest(writer, result);

        claims.Sort((a, b) => Slice(buffer, a).SequenceCompareTo(Slice(buffer, b)));
        var whole = new ArrayBufferWriter<byte>(buffer.WrittenCount + 32);
        whole.Write("{\"claims\":["u8);
        for (var i = 0; i < claims.Count; i++)
        {
            if (i > 0)
                whole.Write(","u8);
            whole.Write(Slice(buffer, claims[i]));
        }
        // The rest was written as an object of its own: its opening brace becomes the comma after the claims.
        whole.Write("],"u8);
        whole.Write(buffer.WrittenSpan[(tail + 1)..]);
        return CanonicalJson.Sha256Hex(whole.WrittenSpan);
    }

    private static ReadOnlySpan<byte> Slice(ArrayBufferWriter<byte> buffer, (int Start, int End) range) => buffer.WrittenSpan[range.Start..range.End];

    private static void WriteClaim(Utf8JsonWriter writer, GroundedClaim claim)
    {
        writer.Reset();
        writer.WriteStartObject();
        writer.WriteBoolean(CentralName, claim.Central);
        writer.WriteString(ClaimTypeName, claim.ClaimType);
        WriteElement(writer, ClaimedName, claim.Claimed);
        writer.WriteString(ComparatorName, claim.Comparator);
        writer.WriteString(FieldPathName, claim.FieldPath);
        writer.WriteString(RuleName, claim.Rule);
        writer.WriteString(SourceName, claim.Source);
        WriteElement(writer, TruthName, claim.Truth);
        writer.WriteString(VerdictName, Name(claim.Verdict));
        writer.WriteEndObject();
        writer.Flush();
    }

    private static void WriteRest(Utf8JsonWriter writer, GroundingResult result)
    {
        writer.Reset();
        writer.WriteStartObject();
        writer.WriteString("decision", result.Decision?.ToString());
        writer.WriteStartArray("errors");
        // Codes only: the paths hold positions in the list.
        foreach (var code in result.Errors.Select(e => e.Code).Order(StringComparer.Ordinal))
            writer.WriteStringValue(code);
        writer.WriteEndArray();
        WriteScore(writer, result.FitScore);
        writer.WriteString("intent", result.Intent?.ToString());
        writer.WriteStartArray("lowered");
        foreach (var step in result.Lowered)
        {
            writer.WriteStartObject();
            writer.WriteString("from", step.From);
            writer.WriteString("rule", step.Rule);
            writer.WriteString("to", step.To);
            writer.WriteString("what", step.What);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteStartObject("model");
        writer.WriteString("decision", result.Model.Decision);
        WriteElement(writer, FitScoreName, result.Model.FitScore);
        writer.WriteString("intent", result.Model.Intent);
        writer.WriteEndObject();
        writer.WriteString("rulesVersion", result.RulesVersion);
        writer.WriteString("status", result.Status.ToString());
        writer.WriteEndObject();
        writer.Flush();
    }

    private static void WriteScore(Utf8JsonWriter writer, int? score)
    {
        if (score is { } number)
            writer.WriteNumber("fitScore", number);
        else
            writer.WriteNull("fitScore");
    }

    private static void WriteElement(Utf8JsonWriter writer, JsonEncodedText name, JsonElement? element)
    {
        writer.WritePropertyName(name);
        if (element is { } value)
            CanonicalJson.Write(writer, value);
        else
            writer.WriteNullValue();
    }

    // Enum.ToString looks the name up each time; there are seven verdicts and ten claims a lead.
    private static string Name(ClaimVerdict verdict) => verdict switch
    {
        ClaimVerdict.SUPPORTED => nameof(ClaimVerdict.SUPPORTED),
        ClaimVerdict.CONTRADICTED => nameof(ClaimVerdict.CONTRADICTED),
        ClaimVerdict.NOT_FOUND => nameof(ClaimVerdict.NOT_FOUND),
        ClaimVerdict.SOURCE_NOT_ALLOWED => nameof(ClaimVerdict.SOURCE_NOT_ALLOWED),
        ClaimVerdict.MALFORMED => nameof(ClaimVerdict.MALFORMED),
        ClaimVerdict.STALE => nameof(ClaimVerdict.STALE),
        _ => nameof(ClaimVerdict.UNTRUSTED_ONLY),
    };
}
