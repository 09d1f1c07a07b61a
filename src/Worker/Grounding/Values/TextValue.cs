using System.Globalization;
using System.Text.Json;
using LeadPipeline.Worker.Evidence;

namespace LeadPipeline.Worker.Grounding.Values;

/// <summary>Text by its canonical key; equal keys are equal texts. No substrings and no edit distance (G6).</summary>
internal sealed record TextValue(string Key) : ComparableValue
{
    /// <summary>Text with the synonym table.</summary>
    public static TextValue? Read(JsonElement value) => Text(value) is { } text ? new TextValue(Synonyms.Canonical(TextFold.Fold(text))) : null;

    /// <summary>Text that is a key, such as a domain name: folded, without synonyms.</summary>
    public static TextValue? ReadExact(JsonElement value) => Text(value) is { } text ? new TextValue(TextFold.Fold(text)) : null;

    /// <summary>A country by name or code.</summary>
    public static TextValue? ReadCountry(JsonElement value) => Text(value) is { } text ? new TextValue(Countries.Canonical(TextFold.Fold(text))) : null;

    /// <inheritdoc/>
    public override Comparison Against(ComparableValue truth) => ConflictsWith(truth) ? Comparison.Contradicted : Comparison.Supported;

    /// <inheritdoc/>
    public override bool ConflictsWith(ComparableValue other) => other is not TextValue text || text.Key != Key;

    /// <summary>The text of a string or number; a telephone number or a company called 42 may come as a JSON number.</summary>
    internal static string? Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => LeafValue.TryGetText(value, out var text) && !string.IsNullOrWhiteSpace(text) ? text : null,
        JsonValueKind.Number => value.TryGetDecimal(out var number)
            ? (number / 1.000000000000000000000000000000000m).ToString(CultureInfo.InvariantCulture)
            : value.GetRawText(),
        _ => null,
    };
}
