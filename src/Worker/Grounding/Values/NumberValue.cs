using System.Text.Json;
using LeadPipeline.Worker.Evidence;

namespace LeadPipeline.Worker.Grounding.Values;

/// <summary>One number, compared exactly once both are read: "500" is 500, and 40.0 is 40 (G10).</summary>
/// <param name="Number">The number.</param>
/// <param name="Currency">ISO 4217 code when one is written.</param>
internal sealed record NumberValue(decimal Number, string? Currency) : ComparableValue
{
    /// <summary>A JSON number, or a text that is one number.</summary>
    public static NumberValue? Read(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number when value.TryGetDecimal(out var number) && Math.Abs(number) <= Quantity.Largest => new NumberValue(number, null),
        JsonValueKind.String when LeafValue.TryGetText(value, out var text) && Quantity.TryRead(TextFold.Normal(text), out var quantity) =>
            new NumberValue(quantity.Value, quantity.Currency),
        _ => null,
    };

    /// <inheritdoc/>
    public override Comparison Against(ComparableValue truth)
    {
        if (truth is not NumberValue known)
            return Comparison.NotFound;
        if (Currency != known.Currency)
            return Currency is null || known.Currency is null ? Comparison.NotFound : Comparison.Contradicted;
        return Number == known.Number ? Comparison.Supported : Comparison.Contradicted;
    }

    /// <inheritdoc/>
    public override bool ConflictsWith(ComparableValue other) => other is not NumberValue number || number.Number != Number || number.Currency != Currency;
}
