using System.Globalization;
using System.Text;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Mcp.Tools;

namespace LeadPipeline.Mcp.Tests.Registry;

/// <summary>Writes <c>docs/TOOLS.md</c> from the registry, so that the page cannot say anything that the tools do not.</summary>
internal static class ToolDocs
{
    private static readonly (ToolCategory Category, string Title)[] Categories =
    [
        (ToolCategory.LeadLifecycle, "Lead lifecycle"), (ToolCategory.FieldUpdates, "Fields"), (ToolCategory.AccountContact, "Accounts and contacts"),
        (ToolCategory.SalesWorkflow, "Sales"), (ToolCategory.Activity, "Activity"), (ToolCategory.EnrichmentSync, "Enrichment"),
    ];

    public static string Write(ToolRegistry tools)
    {
        var page = new StringBuilder();
        page.Append(
            """
            # Tools

            What a policy can do in a CRM (`docs/POLICY.md` says how it asks for it). The list is closed: a tool exists only if it is registered in code. This page is written by a test from the registry; `LEADPIPELINE_APPROVE=1 dotnet test tests/Mcp.Tests --filter ToolDocs` writes it anew.

            Parameters are strict: one that is not declared is refused, and so are text that is too long and numbers out of range (`invalid_arguments`). `!` marks what is required. **E** is filled by evidence only, with the true value (`$enrichment.NAME`); **P** by the policy's own words only. A parameter that ends in `Id` names a record or an earlier step's result (`$steps.STEP.recordId`). A step that ran before answers its first record again, with the warning `replayed`.

            """.ReplaceLineEndings("\n"));
        foreach (var (category, title) in Categories)
        {
            page.Append(CultureInfo.InvariantCulture, $"\n## {title}\n\n| tool | does | parameters | guarantees | results | refuses with | undone by | an answer that was lost |\n|---|---|---|---|---|---|---|---|\n");
            foreach (var tool in tools.All.Where(t => t.Category == category))
            {
                page.Append("| ").AppendJoin(" | ",
                    $"`{tool.Name}`", tool.Description + (tool.Class == ToolClass.Read ? " Reads only." : ""), string.Join("<br>", tool.Parameters.All.Select(Parameter)), tool.Guarantee,
                    string.Join(", ", tool.Results.Select(Code)), tool.Errors.Count == 0 ? "–" : string.Join(", ", tool.Errors.Select(Code)), Undo(tool), Lost(tool)).Append(" |\n");
            }
        }
        page.Append(
            """

            A tool has 30 s for everything that is sent at once with it, tries in place included; one call of the CRM has 10 s of that. What had no answer by then is read back before anything is sent again.

            ## Tools that do not exist

            These names are refused when a tool is registered for the pipeline, which stops the process, and when a policy uses one.

            | name | because | instead |
            |---|---|---|

            """.ReplaceLineEndings("\n"));
        foreach (var rule in ForbiddenTools.All)
            page.Append(CultureInfo.InvariantCulture, $"| `{rule.Pattern}` | {rule.Reason} | {rule.Alternative} |\n");
        return page.ToString();
    }

    private static string Code(string name) => $"`{name}`";

    private static string Parameter(ToolParameter parameter)
    {
        var text = new StringBuilder().Append('`').Append(parameter.Name).Append('`');
        if (parameter.Required)
            text.Append('!');
        if (parameter.Source != ParameterSource.Any)
            text.Append(parameter.Source == ParameterSource.Evidence ? " **E**" : " **P**");
        text.Append(": ").Append(parameter.Description).Append(" (").Append(Shape(parameter)).Append(')');
        return text.ToString();
    }

    private static string Shape(ToolParameter parameter) => parameter switch
    {
        { Allowed: { } allowed } => string.Join(", ", allowed),
        { Type: ParameterType.Text } => string.Create(CultureInfo.InvariantCulture, $"text, at most {parameter.MaxLength}"),
        { Type: ParameterType.Date } => "yyyy-MM-dd",
        { Type: ParameterType.Boolean } => "true or false",
        { Type: ParameterType.TextMap } => "an object with text values",
        { Minimum: { } low, Maximum: { } high } => string.Create(CultureInfo.InvariantCulture, $"{Kind(parameter)} from {low} to {high}"),
        _ => Kind(parameter),
    };

    private static string Kind(ToolParameter parameter) => parameter.Type == ParameterType.Integer ? "whole number" : "number";

    private static string Undo(CrmTool tool) => tool.Compensation switch
    {
        _ when tool.IsPivot => "nothing: it is final",
        Compensation.Withdraw when tool is UpsertLead or MatchAccount => "withdrawing what it made, restoring what it wrote into a record that was there",
        Compensation.Withdraw => "withdrawing the record",
        Compensation.Restore => "restoring the former values, field by field, unless changed since",
        Compensation.Cancel => "cancelling the task",
        Compensation.Correct => "a correcting entry",
        _ => "nothing to undo",
    };

    private static string Lost(CrmTool tool) => tool.Class == ToolClass.Read ? "is asked for again" : tool.UnknownOutcome switch
    {
        UnknownOutcome.ReadByEffectKey => "is looked for by the step's key",
        UnknownOutcome.ReadByValue => "is looked for by its values",
        _ => "cannot be looked for",
    };
}
