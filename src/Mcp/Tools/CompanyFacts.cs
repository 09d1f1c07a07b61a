using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tools;

/// <summary>The company facts that a lead's record holds. A policy can fill them from evidence only, so they are true values or missing.</summary>
internal static class CompanyFacts
{
    /// <summary>The parameters.</summary>
    public static IReadOnlyList<ToolParameter> Parameters { get; } =
    [
        Fact(CrmFields.Industry, "the industry"),
        Fact(CrmFields.Employees, "number or range of employees"),
        Fact(CrmFields.Revenue, "yearly revenue or its range, with the currency when known"),
        Fact(CrmFields.TechStack, "technologies in use, separated by semicolons", 4000),
        Fact(CrmFields.Geo, "city, region, country"),
        new(CrmFields.FoundedYear, ParameterType.Integer, "the year of foundation", Minimum: 1000, Maximum: 2999, Source: ParameterSource.Evidence),
    ];

    /// <summary>The facts that a call gives, as the CRM holds them.</summary>
    public static Dictionary<string, string> Given(ToolCall call, IEnumerable<ToolParameter> parameters)
    {
        var facts = new Dictionary<string, string>();
        foreach (var parameter in parameters.Where(p => p.Source == ParameterSource.Evidence))
        {
            if (Text(call.Arguments[parameter.Name]) is { Length: > 0 } value)
                facts[parameter.Name] = value;
        }
        return facts;
    }

    /// <summary>A fact that is text.</summary>
    public static ToolParameter Fact(string name, string description, int maxLength = 255) =>
        new(name, ParameterType.Text, description, MaxLength: maxLength, Source: ParameterSource.Evidence);

    private static string? Text(JsonNode? value) =>
        value is JsonValue given && given.GetValueKind() == JsonValueKind.String ? given.GetValue<string>() : value?.ToJsonString();
}
