using System.Globalization;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Worker.Hosting;
using YamlDotNet.RepresentationModel;

namespace LeadPipeline.Worker.Planning;

/// <summary>Reads the conditions of a step.</summary>
internal sealed class WhenReader(YamlFaults faults)
{
    private static readonly string[] Fields = ["intent", "score", "decision", "hasEnrichment", "campaign", "account"];

    /// <summary>The conditions that could be read.</summary>
    public IReadOnlyList<WhenCondition> Read(YamlNode? node, EarlierSteps earlier)
    {
        var conditions = new List<WhenCondition>();
        if (node is not null and not YamlSequenceNode)
            faults.Add(node, "'when' is not a list of conditions FIELD OP VALUE");

        foreach (var item in (node as YamlSequenceNode)?.Children ?? [])
        {
            if (item is not YamlScalarNode { Value: { } text })
                faults.Add(item, "a condition is text: FIELD OP VALUE");
            else if (!WhenCondition.TryParse(text, out var condition, out var error))
                faults.Add(item, error);
            else if (Refuse(condition, earlier) is { } fault)
                faults.Add(item, fault);
            else
                conditions.Add(condition);
        }
        return conditions;
    }

    private static string? Refuse(WhenCondition condition, EarlierSteps earlier) => condition.Field switch
    {
        "intent" => OneOf(condition, Enum.GetNames<LeadIntent>()),
        "decision" => OneOf(condition, Enum.GetNames<LeadDecision>()),
        "hasEnrichment" => OneOf(condition, ["true", "false"]),
        "score" => condition.Op == "exists" || condition.Values.All(v => decimal.TryParse(v, NumberStyles.Float, CultureInfo.InvariantCulture, out _))
            ? null
            : $"'score' is compared with numbers, not with '{string.Join(", ", condition.Values)}'",
        "campaign" => null,
        "account" => earlier.Tools.Values.Any(t => t is null || t.Name == Planner.MatchAccountTool)
            ? null
            : $"'account' is the account that '{Planner.MatchAccountTool}' finds, and no earlier step is one",
        var field when field.StartsWith("crm.", StringComparison.Ordinal) => FactNames.Crm.Contains(field[4..])
            ? null
            : $"'{field}' is not in the evidence; did you mean 'crm.{Nearest.To(field[4..], FactNames.Crm)}'?",
        var field when field.StartsWith("steps.", StringComparison.Ordinal) => field.Split('.') is [_, var step, var result]
            ? earlier.Refuse(step, result)
            : $"'{field}' is not a result; write steps.STEP.RESULT",
        var field => $"'{field}' is not a field; use one of: {string.Join(", ", Fields)}, crm.PATH, steps.STEP.RESULT",
    };

    private static string? OneOf(WhenCondition condition, string[] allowed) => condition.Op switch
    {
        "exists" => null,
        ">=" or "<=" => $"'{condition.Field}' has no order; use =, != or in",
        _ => condition.Values.FirstOrDefault(v => !allowed.Contains(v)) is { } wrong
            ? $"'{wrong}' is not a value of '{condition.Field}'; use one of: {string.Join(", ", allowed)}"
            : null,
    };
}
