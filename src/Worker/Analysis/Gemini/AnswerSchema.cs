using System.Text.Json;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Analysis.Gemini;

/// <summary>
/// The schema that the model's answer is held to while it is written, as JSON Schema: the API's own form cannot say "a text, a number, a truth value
/// or a list". It decides the form only: that values are true, and even that they are of this form, is for grounding to see.
/// </summary>
internal static class AnswerSchema
{
    /// <summary>More claims than any good answer has, and fewer than grounding refuses.</summary>
    private const int MostEvidence = 40;

    /// <summary>Writes the schema. Properties are given in the order of <c>required</c>: evidence first, so that the judgement follows from it.</summary>
    public static void Write(Utf8JsonWriter writer) => Object(
        writer,
        ("evidence", () =>
        {
            writer.WriteStartObject();
            writer.WriteString("type", "array");
            writer.WriteNumber("maxItems", MostEvidence);
            writer.WritePropertyName("items");
            Object(
                writer,
                ("source", () => Enumeration<EvidenceSource>(writer)),
                ("fieldPath", () => Simple(writer, "string")),
                ("claimType", () => Enumeration<ClaimType>(writer)),
                ("value", () => Value(writer)),
                ("central", () => Simple(writer, "boolean")));
            writer.WriteEndObject();
        }
    ),
        ("reasoning", () => Simple(writer, "string")),
        ("intent", () => Enumeration<LeadIntent>(writer)),
        ("decision", () => Enumeration<LeadDecision>(writer)),
        ("fitScore", () =>
        {
            writer.WriteStartObject();
            writer.WriteString("type", "integer");
            writer.WriteNumber("minimum", 0);
            writer.WriteNumber("maximum", 100);
            writer.WriteEndObject();
        }
    ));

    private static void Object(Utf8JsonWriter writer, params (string Name, Action Write)[] properties)
    {
        writer.WriteStartObject();
        writer.WriteString("type", "object");
        writer.WriteStartObject("properties");
        foreach (var (name, write) in properties)
        {
            writer.WritePropertyName(name);
            write();
        }
        writer.WriteEndObject();
        Texts(writer, "required", properties.Select(p => p.Name));
        writer.WriteBoolean("additionalProperties", false);
        writer.WriteEndObject();
    }

    private static void Value(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("anyOf");
        Simple(writer, "string");
        Simple(writer, "number");
        Simple(writer, "boolean");
        writer.WriteStartObject();
        writer.WriteString("type", "array");
        writer.WritePropertyName("items");
        Simple(writer, "string");
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void Enumeration<T>(Utf8JsonWriter writer)
        where T : struct, Enum
    {
        writer.WriteStartObject();
        writer.WriteString("type", "string");
        Texts(writer, "enum", Enum.GetNames<T>());
        writer.WriteEndObject();
    }

    private static void Simple(Utf8JsonWriter writer, string type)
    {
        writer.WriteStartObject();
        writer.WriteString("type", type);
        writer.WriteEndObject();
    }

    private static void Texts(Utf8JsonWriter writer, string name, IEnumerable<string> texts)
    {
        writer.WriteStartArray(name);
        foreach (var text in texts)
            writer.WriteStringValue(text);
        writer.WriteEndArray();
    }
}
