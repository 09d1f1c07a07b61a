using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Worker.Planning;

/// <summary>Brings a known value into the type that a parameter wants.</summary>
internal static class Coercion
{
    /// <summary>The value as the parameter takes it, shortened when it is too long; null when it cannot be brought into the type.</summary>
    public static JsonNode? To(ToolParameter parameter, JsonNode? value)
    {
        if (value is null)
            return null;
        var converted = parameter.Type switch
        {
            ParameterType.Text => Cut(Text(value), parameter.MaxLength),
            ParameterType.Integer or ParameterType.Number => Number(value),
            _ => value,
        };
        return ToolParameters.ValidateOne(parameter, converted) is null ? converted : null;
    }

    /// <summary>The value as text.</summary>
    public static string Text(JsonNode value) => value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : value.ToJsonString();

    private static JsonValue? Number(JsonNode value) =>
        decimal.TryParse(Text(value), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? JsonValue.Create(number) : null;

    private static string Cut(string text, int length)
    {
        if (text.Length <= length)
            return text;
        // Not in the middle of a character that takes two places.
        var end = char.IsHighSurrogate(text[length - 2]) ? length - 2 : length - 1;
        return text[..end] + "…";
    }
}
