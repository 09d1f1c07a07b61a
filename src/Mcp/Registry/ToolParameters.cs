namespace LeadPipeline.Mcp.Registry;

/// <summary>The JSON types that a parameter can have.</summary>
public enum ParameterType { Text, Integer, Number, Boolean, Date, TextMap }

/// <summary>One parameter of a tool.</summary>
/// <param name="Name">camelCase.</param>
/// <param name="Type">Its type; <c>Date</c> is text <c>yyyy-MM-dd</c>, <c>TextMap</c> an object with text values.</param>
/// <param name="Description">What it is, in the domain's words, with unit and range.</param>
/// <param name="Required">Whether the call is refused without it.</param>
/// <param name="MaxLength">Longest text, in characters.</param>
/// <param name="Minimum">Smallest number.</param>
/// <param name="Maximum">Largest number.</param>
/// <param name="Allowed">The only values, when there is a list.</param>
public sealed record ToolParameter(
    string Name, ParameterType Type, string Description, bool Required = false, int MaxLength = 255,
    decimal? Minimum = null, decimal? Maximum = null, IReadOnlyList<string>? Allowed = null);

/// <summary>The parameters of a tool: a strict JSON schema in the making.</summary>
public sealed class ToolParameters(params ToolParameter[] parameters)
{
    /// <summary>The declared parameters in order.</summary>
    public IReadOnlyList<ToolParameter> All { get; } = parameters;
}
