using System.Text.RegularExpressions;
using LeadPipeline.Mcp.Tools;

namespace LeadPipeline.Mcp.Registry;

/// <summary>The tools of the pipeline. Closed: a tool exists only if it was given to the constructor.</summary>
public sealed partial class ToolRegistry
{
    private readonly Dictionary<string, CrmTool> _tools = new(StringComparer.Ordinal);

    /// <summary>Registers the tools.</summary>
    /// <exception cref="InvalidOperationException">A name is forbidden, malformed or taken.</exception>
    public ToolRegistry(IEnumerable<CrmTool> tools)
    {
        foreach (var tool in tools)
            Register(tool);
    }

    /// <summary>The tools in the order of registration.</summary>
    public IReadOnlyCollection<CrmTool> All => _tools.Values;

    /// <summary>The tool of this name, or null.</summary>
    public CrmTool? Find(string name) => _tools.GetValueOrDefault(name);

    /// <summary>All tools that policies can use, category by category.</summary>
    public static ToolRegistry Default() => new(
    [
        new CreateLead(), new UpsertLead(), new ConvertLeadToContact(), new AssignOwner(), new UpdateLeadStatus(),
        new UpdateLeadFields(), new SetLeadScore(), new SetIntentLevel(), new TagLead(),
        new MatchAccount(), new CreateContact(), new LinkContactToAccount(),
        new CreateOpportunity(), new UpdateOpportunityStage(), new SetOpportunityValue(), new AttachCampaign(),
        new CreateTask(), new CreateFollowUp(), new LogActivity(), new AddNote(),
        new SyncFirmographics(), new SyncEnrichmentMetadata(), new ValidateExistingFields(),
    ]);

    private void Register(CrmTool tool)
    {
        if (ForbiddenTools.Find(tool.Name) is { } rule)
            throw new InvalidOperationException(
                $"The tool '{tool.Name}' may not be registered for the pipeline: names like '{rule.Pattern}' are forbidden, because {rule.Reason}. Instead: {rule.Alternative}.");
        // Only snake_case, so that no spelling of a forbidden name (deleteLead, delete-lead) gets past the patterns.
        if (!SnakeCase().IsMatch(tool.Name))
            throw new InvalidOperationException($"The tool name '{tool.Name}' is not snake_case; use lower-case letters, digits and underscores.");
        if (!_tools.TryAdd(tool.Name, tool))
            throw new InvalidOperationException($"Two tools are called '{tool.Name}'; names are unique, so rename or leave out one of them.");
    }

    [GeneratedRegex(@"\A[a-z][a-z0-9]*(_[a-z0-9]+)*\z", RegexOptions.CultureInvariant)]
    private static partial Regex SnakeCase();
}
