using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Evidence;

/// <summary>How the values of a field are read and compared.</summary>
public enum FieldKind
{
    /// <summary>Free text; equal after folding, or by the synonym table.</summary>
    Text,
    /// <summary>Text that is an exact key once lower-cased, such as a domain name.</summary>
    LowerText,
    /// <summary>A country as text; names and ISO codes are one.</summary>
    Country,
    /// <summary>A number or an interval of numbers, perhaps money.</summary>
    Range,
    /// <summary>A set of texts.</summary>
    List,
    /// <summary>A place: city, region, country, fine to coarse.</summary>
    Geo,
    /// <summary>A number, compared exactly.</summary>
    Number,
    /// <summary>An instant or a UTC day.</summary>
    Time,
    /// <summary>True or false.</summary>
    Boolean,
    /// <summary>An opaque id, compared exactly.</summary>
    Id,
}

/// <summary>One leaf path of the closed schema.</summary>
/// <param name="Path">The full path, for example <c>enrichment.employees</c>.</param>
/// <param name="Source">The source that a claim on this path must name.</param>
/// <param name="Kind">How its values compare.</param>
/// <param name="Vocabulary">Whether its values are words that the model's reasoning may use only with support (G15).</param>
public sealed record EvidenceField(string Path, EvidenceSource Source, FieldKind Kind, bool Vocabulary = false)
{
    /// <summary>The grounding rule that compares values of this field, <c>G6</c>…<c>G10</c>.</summary>
    public string Rule => Kind switch
    {
        FieldKind.Text or FieldKind.Country => "G6",
        FieldKind.Range => "G7",
        FieldKind.List => "G8",
        FieldKind.Geo => "G9",
        _ => "G10",
    };

    /// <summary>The name of the comparison as it appears in a verdict.</summary>
    public string Comparator => Kind switch
    {
        FieldKind.Text or FieldKind.LowerText or FieldKind.Country => "text",
        FieldKind.Range => "range",
        FieldKind.List => "list",
        FieldKind.Geo => "geo",
        FieldKind.Number => "number",
        FieldKind.Time => "time",
        FieldKind.Boolean => "boolean",
        _ => "id",
    };
}
