using System.Text.RegularExpressions;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Worker.Hosting;
using YamlDotNet.RepresentationModel;

namespace LeadPipeline.Worker.Planning;

/// <summary>Reads the steps of one decision.</summary>
internal sealed partial class PolicyStepReader(YamlFaults faults, ToolRegistry tools)
{
    private static readonly string[] Keys = ["id", "tool", "arguments", "critical", "when", "needsApproval"];

    private readonly PolicyArgumentReader _arguments = new(faults);
    private readonly WhenReader _when = new(faults);

    /// <summary>The steps that could be read; what could not is among the faults.</summary>
    public IReadOnlyList<PolicyStep> ReadPlan(YamlSequenceNode list)
    {
        var steps = new List<PolicyStep>();
        var ids = list.Children.Select(c => ((c as YamlMappingNode)?.Child("id") as YamlScalarNode)?.Value).OfType<string>().ToList();
        // Null as value: a step whose tool is not known, of which nothing more can be said.
        var earlier = new Dictionary<string, CrmTool?>(StringComparer.Ordinal);
        foreach (var node in list.Children)
        {
            if (node is not YamlMappingNode mapping)
            {
                faults.Add(node, "a step is a mapping with id, tool and arguments");
                continue;
            }
            if (ReadStep(mapping, new EarlierSteps(earlier, ids)) is { } step)
                steps.Add(step);
            if ((mapping.Child("tool") as YamlScalarNode)?.Value is { } name && tools.Find(name) is { IsPivot: true } && !ReferenceEquals(node, list.Children[^1]))
                faults.Add(node, $"'{name}' cannot be undone, so it has to be the last step of its plan");
        }
        return steps;
    }

    private PolicyStep? ReadStep(YamlMappingNode mapping, EarlierSteps earlier)
    {
        faults.RefuseUnknownKeys(mapping, Keys);
        var tool = ReadTool(mapping);
        var id = ReadId(mapping, earlier);
        var arguments = _arguments.Read(mapping, tool, earlier with { Own = id });
        var when = _when.Read(mapping.Child("when"), earlier with { Own = id });
        var (critical, approval) = (ReadFlag(mapping, "critical"), ReadFlag(mapping, "needsApproval"));
        if (id is null)
            return null;
        earlier.Tools.TryAdd(id, tool);
        return tool is null ? null : new PolicyStep(id, tool.Name, arguments, critical, when, approval);
    }

    private string? ReadId(YamlMappingNode mapping, EarlierSteps earlier)
    {
        if (mapping.Child("id") is not YamlScalarNode { Value: { } id } node || !Id().IsMatch(id))
        {
            faults.Add(mapping.Child("id") ?? mapping, "a step needs an 'id' of letters, digits, '_' and '-', at most 60 characters");
            return null;
        }
        if (earlier.Tools.ContainsKey(id))
            faults.Add(node, $"the id '{id}' is taken by an earlier step of this plan; ids are unique");
        return id;
    }

    private CrmTool? ReadTool(YamlMappingNode mapping)
    {
        if (mapping.Child("tool") is not YamlScalarNode { Value: { Length: > 0 } name } node)
        {
            faults.Add(mapping.Child("tool") ?? mapping, "a step needs a 'tool'");
            return null;
        }
        if (ForbiddenTools.Find(name) is { } rule)
            faults.Add(node, $"'{name}' is forbidden ('{rule.Pattern}'), because {rule.Reason}; instead: {rule.Alternative}");
        else if (tools.Find(name) is { } tool)
            return tool;
        else
            faults.Add(node, $"there is no tool '{name}'; did you mean '{Nearest.To(name, tools.All.Select(t => t.Name))}'?");
        return null;
    }

    private bool ReadFlag(YamlMappingNode mapping, string key)
    {
        if (mapping.Child(key) is not { } node)
            return false;
        if (node is YamlScalarNode { Style: YamlDotNet.Core.ScalarStyle.Plain, Value: "true" or "false" } scalar)
            return scalar.Value == "true";
        faults.Add(node, $"'{key}' is not true or false");
        return false;
    }

    [GeneratedRegex(@"\A[A-Za-z][A-Za-z0-9_-]{0,59}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Id();
}

/// <summary>What a step may refer to.</summary>
/// <param name="Tools">The earlier steps' tools by id.</param>
/// <param name="AllIds">The ids of the whole plan, to tell "later" from "nowhere".</param>
internal sealed record EarlierSteps(Dictionary<string, CrmTool?> Tools, IReadOnlyList<string> AllIds)
{
    /// <summary>The id of the step that refers.</summary>
    public string? Own { get; init; }

    /// <summary>Why a result cannot be referred to, or null.</summary>
    public string? Refuse(string step, string result)
    {
        if (step == Own)
            return $"the step refers to its own result '{result}'; only earlier steps have results";
        if (!Tools.TryGetValue(step, out var tool))
            return AllIds.Contains(step)
                ? $"'{step}' comes later in this plan; only earlier steps have results"
                : $"there is no step '{step}' in this plan{(Tools.Count == 0 ? "" : $"; did you mean '{Nearest.To(step, Tools.Keys)}'?")}";
        return tool is null || tool.Results.Contains(result)
            ? null
            : $"'{tool.Name}' has no result '{result}'; it has: {string.Join(", ", tool.Results)}";
    }
}
