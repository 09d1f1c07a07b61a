using System.Text.Json;
using LeadPipeline.Worker.Evidence;

namespace LeadPipeline.Worker.Grounding.Values;

/// <summary>What holding a claimed value against the true one gives.</summary>
internal enum Comparison
{
    /// <summary>The truth says so.</summary>
    Supported,
    /// <summary>The truth does not say so, or not as precisely, but it could be.</summary>
    NotFound,
    /// <summary>The truth says otherwise.</summary>
    Contradicted,
}

/// <summary>A value of a field in canonical form. Read once, then compared without looking at text again.</summary>
internal abstract record ComparableValue
{
    /// <summary>Reads a value of a field; null when it is no value of that field's kind.</summary>
    public static ComparableValue? Read(EvidenceField field, JsonElement value) => field.Kind switch
    {
        FieldKind.Text => TextValue.Read(value),
        FieldKind.LowerText => TextValue.ReadExact(value),
        FieldKind.Country => TextValue.ReadCountry(value),
        FieldKind.Range => RangeValue.Read(value),
        FieldKind.List => ListValue.Read(value),
        FieldKind.Geo => GeoValue.Read(value),
        FieldKind.Number => NumberValue.Read(value),
        FieldKind.Time => TimeValue.Read(value),
        FieldKind.Boolean => BooleanValue.Read(value),
        FieldKind.Id => IdValue.Read(value),
        _ => null,
    };

    /// <summary>Holds this claimed value against the truth, which is of the same kind.</summary>
    public abstract Comparison Against(ComparableValue truth);

    /// <summary>Whether two claims of this kind cannot both be meant (G16). Symmetric.</summary>
    public abstract bool ConflictsWith(ComparableValue other);
}
