using System.Text.RegularExpressions;

namespace LeadPipeline.Mcp.Registry;

/// <summary>A kind of tool that the pipeline never has.</summary>
/// <param name="Pattern">Names it covers; <c>*</c> stands for any characters.</param>
/// <param name="Reason">Why.</param>
/// <param name="Alternative">What to do instead.</param>
public sealed record ForbiddenTool(string Pattern, string Reason, string Alternative)
{
    private readonly Regex _regex = new(
        $@"\A{Regex.Escape(Pattern).Replace(@"\*", ".*", StringComparison.Ordinal)}\z", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.Singleline);

    /// <summary>Whether a tool name is covered.</summary>
    public bool Covers(string name) => _regex.IsMatch(name);
}

/// <summary>
/// The names that may not be registered for the pipeline. A model's answer starts the pipeline, so nothing in it may be able to lose
/// data, reach many records at once or change who may do what, whatever the policy says.
/// </summary>
public static class ForbiddenTools
{
    /// <summary>The whole list, with reasons and alternatives.</summary>
    public static IReadOnlyList<ForbiddenTool> All { get; } =
    [
        new("delete_*", "a deleted record takes its history with it, and no lead calls for that",
            "set the status to Disqualified, or ask for a deletion through an approval request"),
        new("mass_*", "one wrong analysis would reach many records",
            "act on one lead a plan; ask for mass changes through an approval request"),
        new("bulk_*", "one wrong analysis would reach many records",
            "act on one lead a plan; ask for bulk changes through an approval request"),
        new("merge_*", "a merge cannot be undone and destroys the losing record",
            "the ambiguous records go to the review queue, where a person merges them in the CRM"),
        new("hard_delete", "it goes past the recycle bin and cannot be undone",
            "erase a lead's own data with `leads erase`; CRM records are deleted by their administrators"),
        new("*schema_change*", "fields and objects are shared by everyone who uses the CRM",
            "a CRM administrator changes the schema, and the configuration names the new fields"),
        new("*permission_change*", "rights must not be in reach of anything a lead can influence",
            "a CRM administrator changes rights"),
        new("execute*query*", "a free query reads more than one lead needs and is open to injection",
            "add the structured search that is missing to the CRM port"),
        new("*export*", "data would leave in bulk, past redaction",
            "read single leads with `leads show`, or ask for an export through an approval request"),
    ];

    /// <summary>The rule that covers a name, or null.</summary>
    public static ForbiddenTool? Find(string name) => All.FirstOrDefault(rule => rule.Covers(name));
}
