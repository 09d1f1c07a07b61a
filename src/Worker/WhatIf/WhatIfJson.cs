using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.WhatIf;

/// <summary>Writes comparisons for programs.</summary>
internal static class WhatIfJson
{
    /// <summary>One comparison.</summary>
    public static JsonObject Of(WhatIfAnswer answer) => new()
    {
        ["leadId"] = answer.Run.LeadId.ToString(),
        ["run"] = answer.Run.Run,
        ["at"] = answer.Run.At.ToString("O", CultureInfo.InvariantCulture),
        ["changed"] = answer.IsChanged,
        ["then"] = Side(answer.Run.Then, answer.Run.Analyzer, answer.Run.PromptHash),
        ["now"] = Side(answer.Now.Decided, answer.Now.Analyzer, answer.Now.Call?.PromptHash ?? (answer.Now.Analyzer == answer.Run.Analyzer ? answer.Run.PromptHash : null)),
        ["verdict"] = Differences(answer.Verdict),
        ["claims"] = Differences(answer.Claims),
        ["plan"] = Differences(answer.Plan),
        ["effects"] = new JsonArray([.. answer.Effects.Select(e => (JsonNode)new JsonObject { ["step"] = e.Step, ["tool"] = e.Tool, ["would"] = e.Would, ["recordId"] = e.RecordId, ["ofRun"] = e.Run })]),
    };

    private static JsonObject Side(Decided decided, string analyzer, string? promptHash) => new()
    {
        ["analyzer"] = analyzer,
        ["promptHash"] = promptHash,
        ["rules"] = decided.Verdict?.RulesVersion,
        ["policy"] = decided.Plan is { } by ? new JsonObject { ["name"] = by.Policy.Name, ["hash"] = by.Policy.Hash } : null,
        ["status"] = decided.Verdict?.Status.ToString(),
        ["intent"] = decided.Verdict?.Intent?.ToString(),
        ["decision"] = decided.Verdict?.Decision?.ToString(),
        ["fitScore"] = decided.Verdict?.FitScore,
        ["plan"] = decided.Plan is { } plan ? new JsonObject
        {
            ["status"] = plan.Status.ToString(),
            ["reason"] = plan.Reason,
            ["planHash"] = plan.PlanHash,
            ["steps"] = new JsonArray([.. plan.Steps.Select(s => (JsonNode)s.Id)]),
        } : null,
    };

    private static JsonArray Differences(IReadOnlyList<Difference> differences) =>
        [.. differences.Select(d => (JsonNode)new JsonObject { ["what"] = d.What, ["then"] = d.Then?.DeepClone(), ["now"] = d.Now?.DeepClone() })];
}
