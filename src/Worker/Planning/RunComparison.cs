using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Worker.Planning;

/// <summary>What an earlier run did by a step, as far as it is in the CRM.</summary>
/// <param name="Run">The run.</param>
/// <param name="Effect">The step as it was planned then, and its effect.</param>
public sealed record EarlierEffect(int Run, StepEffect Effect);

/// <summary>A step that would add to the CRM what an earlier run has added otherwise.</summary>
/// <param name="Step">The step.</param>
/// <param name="Run">The earlier run.</param>
/// <param name="Arguments">The names of the arguments that differ; never their values, which may be personal.</param>
public sealed record StepDifference(string Step, int Run, IReadOnlyList<string> Arguments)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Step} was done by run {Run} with other {string.Join(", ", Arguments)}";
}

/// <summary>
/// Holds the plan of a later run against what earlier runs left in the CRM. A step that was done with the same arguments is not done again; one that changes
/// a record, or finds it before it creates one, is decided anew; one that would add a second record because its arguments differ stops the plan. Pure.
/// </summary>
/// <param name="Repeated">Steps that an earlier run has done.</param>
/// <param name="Differences">Steps that a person has to decide upon.</param>
public sealed partial record RunComparison(IReadOnlyList<EarlierEffect> Repeated, IReadOnlyList<StepDifference> Differences)
{
    /// <summary>Compares.</summary>
    /// <param name="plan">The plan of the new run.</param>
    /// <param name="tools">The tools.</param>
    /// <param name="earlier">What is in the CRM by earlier runs, the latest run first.</param>
    public static RunComparison Of(ActionPlan plan, ToolRegistry tools, IReadOnlyList<EarlierEffect> earlier)
    {
        var (repeated, differences) = (new List<EarlierEffect>(), new List<StepDifference>());
        foreach (var step in plan.Steps)
        {
            if (tools.Find(step.Tool) is not { FindsOrCreates: false } tool
                || earlier.FirstOrDefault(e => e.Effect.Step.Id == step.Id && e.Effect.Step.Tool == step.Tool) is not { } before)
            {
                continue;
            }
            var differing = Differing(tool.Parameters, before.Effect.Step.Arguments, step.Arguments);
            if (differing.Count == 0)
                repeated.Add(before with { Effect = before.Effect with { Step = step } });
            else if (tool.Creates is not null)
                differences.Add(new StepDifference(step.Id, before.Run, differing));
        }
        return new RunComparison(repeated, differences);
    }

    /// <summary>The names of the arguments that differ, days apart, in order.</summary>
    internal static List<string> Differing(ToolParameters parameters, JsonObject before, JsonObject now) =>
        [.. before.Select(a => a.Key).Union(now.Select(a => a.Key)).Where(name => !Same(parameters.Find(name), before[name], now[name])).Order(StringComparer.Ordinal)];

    /// <summary>A plan that is made on another day has other days in it, in dates and in the texts that name them; that alone makes it no other plan.</summary>
    private static bool Same(ToolParameter? parameter, JsonNode? before, JsonNode? now) =>
        parameter?.Type == ParameterType.Date || JsonNode.DeepEquals(WithoutDays(before), WithoutDays(now));

    private static JsonNode? WithoutDays(JsonNode? value) =>
        value is JsonValue text && text.TryGetValue<string>(out var words) ? JsonValue.Create(Day().Replace(words, "day")) : value;

    [GeneratedRegex(@"\b[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+(Z|[+-][0-9:]+)?)?")]
    private static partial Regex Day();
}
