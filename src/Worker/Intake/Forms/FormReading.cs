using System.Text.Json;
using System.Text.Json.Nodes;

namespace LeadPipeline.Worker.Intake.Forms;

/// <summary>What came of reading a form's body. A closed family.</summary>
public abstract record FormReading
{
    private FormReading() { }

    /// <summary>The fields in their order; several of one name are one, joined by commas.</summary>
    public sealed record Fields(IReadOnlyList<(string Name, string Value)> All) : FormReading
    {
        /// <summary>The value of a field; null when there is none of that name.</summary>
        public string? Find(string name) => All.FirstOrDefault(f => f.Name == name) is { Name: not null } field ? field.Value : null;

        /// <summary>The fields as members of one JSON object.</summary>
        public JsonElement ToObject() => JsonSerializer.SerializeToElement(new JsonObject(All.Select(f => KeyValuePair.Create(f.Name, (JsonNode?)f.Value))));
    }

    /// <summary>It cannot be read.</summary>
    /// <param name="Status">HTTP status.</param>
    /// <param name="Code">A stable code.</param>
    /// <param name="Detail">What is wrong.</param>
    /// <param name="Errors">The bad field, if it is one.</param>
    public sealed record Refused(int Status, string Code, string Detail, params FieldError[] Errors) : FormReading;
}
