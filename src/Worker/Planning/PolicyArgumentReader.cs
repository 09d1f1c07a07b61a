using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Worker.Hosting;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace LeadPipeline.Worker.Planning;

/// <summary>Reads the arguments of a step and holds them to the tool's parameters.</summary>
internal sealed class PolicyArgumentReader(YamlFaults faults)
{
    // Fields that only evidence may fill, each with the only fact that may fill it.
    private static readonly Dictionary<string, string> Grounded = new(StringComparer.Ordinal)
    {
        [CrmFields.Score] = "score",
        [CrmFields.Intent] = "intent",
        [CrmFields.Industry] = "enrichment.industry",
        [CrmFields.Employees] = "enrichment.employees",
        [CrmFields.Revenue] = "enrichment.revenue",
        [CrmFields.TechStack] = "enrichment.techStack",
        [CrmFields.Geo] = "enrichment.geo",
        [CrmFields.FoundedYear] = "enrichment.foundedYear",
    };

    // Text that people read, where a stated value may appear as such.
    private static readonly string[] FreeText = [CrmFields.Subject, CrmFields.Body, CrmFields.Name, "title", "description"];

    /// <summary>The arguments that could be read. Without a tool nothing can be held against them.</summary>
    public IReadOnlyList<PolicyArgument> Read(YamlMappingNode step, CrmTool? tool, EarlierSteps earlier)
    {
        var arguments = new List<PolicyArgument>();
        var node = step.Child("arguments");
        if (node is not null and not YamlMappingNode)
        {
            faults.Add(node, "'arguments' is not a mapping of parameter names to values");
            return arguments;
        }
        if (tool is null)
            return arguments;

        var given = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (key, value) in ((node as YamlMappingNode) ?? new YamlMappingNode()).Children)
        {
            var name = (key as YamlScalarNode)?.Value ?? "";
            given.Add(name);
            if (tool.Parameters.Find(name) is not { } parameter)
                faults.Add(key, $"'{tool.Name}' has no parameter '{name}'; did you mean '{Nearest.To(name, tool.Parameters.All.Select(p => p.Name))}'?");
            else if (ReadValue(tool, parameter, value, earlier) is { } expression)
                arguments.Add(new(name, expression));
        }
        foreach (var missing in tool.Parameters.All.Where(p => p.Required && !given.Contains(p.Name)))
            faults.Add(node ?? step, $"'{tool.Name}' needs the argument '{missing.Name}': {missing.Description}");
        return arguments;
    }

    private ArgumentExpression? ReadValue(CrmTool tool, ToolParameter parameter, YamlNode node, EarlierSteps earlier)
    {
        if (Literal(node) is not { } literal)
        {
            faults.Add(node, $"'{parameter.Name}' has no value that can be read; leave it out when it is not known");
            return null;
        }
        ArgumentExpression expression;
        try
        {
            expression = literal is JsonValue text && text.GetValueKind() == System.Text.Json.JsonValueKind.String
                ? ArgumentExpression.Parse(text.GetValue<string>())
                : new ArgumentExpression.Literal(literal);
        }
        catch (FormatException e)
        {
            faults.Add(node, e.Message);
            return null;
        }
        if (Refuse(tool, parameter, expression, earlier) is { } fault)
            faults.Add(node, fault);
        return expression;
    }

    private static string? Refuse(CrmTool tool, ToolParameter parameter, ArgumentExpression expression, EarlierSteps earlier)
    {
        if (Grounded.TryGetValue(parameter.Name, out var only) && expression is not ArgumentExpression.Fact)
            return $"'{parameter.Name}' is written from evidence only; give ${only}";
        if (parameter.Source == ParameterSource.Policy && expression is not ArgumentExpression.Literal)
            return $"'{parameter.Name}' is said by the policy alone; write it out, without facts of the lead";
        if (parameter.Source == ParameterSource.Evidence && expression is not ArgumentExpression.Fact)
            return $"'{parameter.Name}' is written from evidence only; give $enrichment.{parameter.Name}";
        return expression switch
        {
            ArgumentExpression.Literal literal => ToolParameters.ValidateOne(parameter, literal.Value)?.ToString(),
            ArgumentExpression.StepResult { Reference: var reference } => parameter.IsRecordId
                ? earlier.Refuse(reference.Step, reference.Result)
                : $"'{parameter.Name}' is not a record id, so it cannot be the result of a step",
            ArgumentExpression.Fact { Name: var name } => RefuseFact(tool, parameter, name),
            ArgumentExpression.Template => parameter.Type == ParameterType.Text && !parameter.IsRecordId
                ? null
                : $"'{parameter.Name}' is not free text, so it cannot have places in braces",
            _ => null,
        };
    }

    private static string? RefuseFact(CrmTool tool, ToolParameter parameter, string name)
    {
        if (Grounded.TryGetValue(parameter.Name, out var only) && name != only)
            return $"'{parameter.Name}' is written from evidence only; give ${only}";
        if (parameter.Source == ParameterSource.Evidence && name != "enrichment." + parameter.Name)
            return $"'{parameter.Name}' is written from evidence only; give $enrichment.{parameter.Name}";
        if (name.StartsWith("lead.", StringComparison.Ordinal) && name[5..] != parameter.Name && !IsFreeText(tool, parameter))
            return $"'{parameter.Name}' cannot be ${name}: what a person stated goes to the field of the same meaning only";
        return FactNames.Fits(name, parameter.Type)
            ? null
            : $"'{parameter.Name}' wants a value of type {parameter.Type}, which ${name} is not";
    }

    // The lead's own fields are no free text: its "title" is the job title.
    private static bool IsFreeText(CrmTool tool, ToolParameter parameter) =>
        tool.Category != ToolCategory.LeadLifecycle && FreeText.Contains(parameter.Name);

    /// <summary>A YAML value as JSON; null for what has no meaning here.</summary>
    private static JsonNode? Literal(YamlNode node) => node switch
    {
        YamlScalarNode { Style: ScalarStyle.Plain } plain => Plain(plain.Value ?? ""),
        YamlScalarNode quoted => quoted.Value,
        YamlMappingNode map => Map(map),
        _ => null,
    };

    private static JsonNode? Plain(string text) => text switch
    {
        "" or "~" or "null" or "Null" or "NULL" => null,
        "true" or "True" or "TRUE" => true,
        "false" or "False" or "FALSE" => false,
        _ => decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : text,
    };

    private static JsonObject? Map(YamlMappingNode map)
    {
        var json = new JsonObject();
        foreach (var (key, value) in map.Children)
        {
            if (key is not YamlScalarNode { Value: { } name } || value is not YamlScalarNode scalar || Literal(scalar) is not { } literal)
                return null;
            json[name] = literal;
        }
        return json;
    }
}
