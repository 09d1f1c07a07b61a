using System.Text.Json;
using LeadPipeline.Worker.Evidence;

namespace LeadPipeline.Worker.Grounding.Values;

/// <summary>A set of texts by their canonical keys; a string is a set of one (G8).</summary>
internal sealed record ListValue(IReadOnlyList<string> Members) : ComparableValue
{
    /// <summary>A string or an array of strings; blank members say nothing and are left out.</summary>
    public static ListValue? Read(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String)
            return TextValue.Read(value) is { } single ? new ListValue([single.Key]) : null;
        if (value.ValueKind != JsonValueKind.Array)
            return null;
        var members = new List<string>(value.GetArrayLength());
        foreach (var item in value.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.String)
                return null;
            if (TextValue.Read(item) is { } member && !members.Contains(member.Key))
                members.Add(member.Key);
        }
        return members.Count == 0 ? null : new ListValue(members);
    }

    /// <inheritdoc/>
    public override Comparison Against(ComparableValue truth) =>
        truth is ListValue known && Members.All(known.Members.Contains) ? Comparison.Supported : Comparison.Contradicted;

    /// <summary>Never: two list claims on one path are one claim of all their members.</summary>
    public override bool ConflictsWith(ComparableValue other) => false;
}
