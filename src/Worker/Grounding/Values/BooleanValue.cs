using System.Text.Json;

namespace LeadPipeline.Worker.Grounding.Values;

/// <summary>True, false, or (null) something else in their place: the text "true" is not true, so it equals nothing.</summary>
internal sealed record BooleanValue(bool? Value) : ComparableValue
{
    /// <summary>Any scalar; only JSON's own booleans have a value.</summary>
    public static BooleanValue? Read(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True => new BooleanValue(true),
        JsonValueKind.False => new BooleanValue(false),
        JsonValueKind.String or JsonValueKind.Number => new BooleanValue((bool?)null),
        _ => null,
    };

    /// <inheritdoc/>
    public override Comparison Against(ComparableValue truth) =>
        Value is { } claimed && truth is BooleanValue { Value: { } known } && claimed == known ? Comparison.Supported : Comparison.Contradicted;

    /// <inheritdoc/>
    public override bool ConflictsWith(ComparableValue other) => other is not BooleanValue boolean || boolean.Value != Value;
}
