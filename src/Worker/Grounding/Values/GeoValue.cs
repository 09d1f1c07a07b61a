using System.Text.Json;

namespace LeadPipeline.Worker.Grounding.Values;

/// <summary>A place as parts from fine to coarse; the last may be a country by name or code (G9).</summary>
internal sealed record GeoValue(IReadOnlyList<string> Parts) : ComparableValue
{
    /// <summary>A comma-separated text; empty parts are left out.</summary>
    public static GeoValue? Read(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String || TextValue.Text(value) is not { } text)
            return null;
        var parts = Split(text);
        return parts.Count == 0 ? null : new GeoValue(parts);
    }

    /// <summary>The folded parts of a place, country canonical.</summary>
    public static List<string> Split(string text)
    {
        var parts = TextFold.Fold(text).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).ToList();
        // Only the last part: CA is Canada at the end and California before it.
        if (parts.Count > 0)
            parts[^1] = Countries.Canonical(parts[^1]);
        return parts;
    }

    /// <inheritdoc/>
    public override Comparison Against(ComparableValue truth)
    {
        if (truth is not GeoValue known)
            return Comparison.NotFound;
        if (IsSuffix(Parts, known.Parts))
            return Comparison.Supported;
        return IsSuffix(known.Parts, Parts) ? Comparison.NotFound : Comparison.Contradicted;
    }

    /// <inheritdoc/>
    public override bool ConflictsWith(ComparableValue other) => other is not GeoValue geo || !geo.Parts.SequenceEqual(Parts);

    private static bool IsSuffix(IReadOnlyList<string> coarse, IReadOnlyList<string> fine) =>
        coarse.Count <= fine.Count && coarse.SequenceEqual(fine.Skip(fine.Count - coarse.Count));
}
