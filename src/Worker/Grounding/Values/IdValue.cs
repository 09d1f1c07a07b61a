using System.Text.Json;

namespace LeadPipeline.Worker.Grounding.Values;

/// <summary>An opaque id: every character counts, case included.</summary>
internal sealed record IdValue(string Id) : ComparableValue
{
    /// <summary>An id from a string or number.</summary>
    public static IdValue? Read(JsonElement value) => TextValue.Text(value) is { } text ? new IdValue(text.Trim()) : null;

    /// <inheritdoc/>
    public override Comparison Against(ComparableValue truth) => ConflictsWith(truth) ? Comparison.Contradicted : Comparison.Supported;

    /// <inheritdoc/>
    public override bool ConflictsWith(ComparableValue other) => other is not IdValue id || id.Id != Id;
}
