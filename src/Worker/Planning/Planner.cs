using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Mcp.Tools;

namespace LeadPipeline.Worker.Planning;

/// <summary>Turns a grounded analysis into an ordered plan. Pure: the same input gives the same plan.</summary>
public static class Planner
{
    /// <summary>Plans what the policy says for the grounded decision, or says why there is nothing to do.</summary>
    /// <param name="grounding">The grounded analysis.</param>
    /// <param name="snapshot">The evidence.</param>
    /// <param name="policy">The policy.</param>
    /// <param name="tools">The tools that there are.</param>
    /// <param name="now">The time.</param>
    /// <param name="options">Time zone and the like.</param>
    /// <param name="isApproved">Whether a person has looked at this analysis and approved it: signs of manipulation do not halt it then. No other gate opens by it.</param>
    public static ActionPlan Plan(
        GroundingResult grounding, EvidenceSnapshot snapshot, Policy policy, ToolRegistry tools, DateTimeOffset now, PlanningOptions options, bool isApproved = false)
    {
        if (Gate(grounding, snapshot, isApproved) is var (status, reason))
            return Nothing(status, reason, policy);
        if (grounding.Decision is not { } decision || !policy.Plans.TryGetValue(decision, out var steps))
            return Nothing(PlanStatus.Blocked, "policy", policy);

        var facts = new PlanFacts(grounding, snapshot, now, options);
        var planned = new List<(PlanStep Step, PolicyStep From)>();
        foreach (var step in steps)
        {
            var tool = tools.Find(step.Tool) ?? throw new InvalidOperationException($"The policy was checked against another registry: '{step.Tool}' is not in this one.");
            if (StillOpen(step, facts, planned) is not { } when)
                continue;
            if (Fill(step, tool, facts, planned) is not { } arguments)
            {
                // A critical step that cannot be filled in would make the plan mean something else than its authors wrote.
                if (step.Critical)
                    return Nothing(PlanStatus.Blocked, "policy", policy);
                continue;
            }
            planned.Add((new PlanStep
            {
                Id = step.Id,
                Index = planned.Count,
                Tool = step.Tool,
                Arguments = arguments,
                Critical = step.Critical,
                When = when,
                Compensation = CompensationOf(tool, snapshot),
                NeedsApproval = step.NeedsApproval,
            }, step));
        }
        return new ActionPlan
        {
            Status = PlanStatus.Planned,
            Policy = policy.Identity,
            Steps = [.. planned.Select(p => p.Step)],
            PlanHash = Hash(planned),
        };
    }

    /// <summary>The gates, the gravest first: what a rejected analysis says is not looked at any further.</summary>
    private static (PlanStatus Status, string Reason)? Gate(GroundingResult grounding, EvidenceSnapshot snapshot, bool isApproved) => grounding switch
    {
        { Status: GroundingStatus.REJECTED } => (PlanStatus.Halted, "rejected"),
        { Intent: LeadIntent.MANUAL_REVIEW } => (PlanStatus.Halted, "manual-review"),
        { Decision: LeadDecision.ROUTE_TO_SDR, Signals.Count: > 0 } when !isApproved => (PlanStatus.Halted, "injection-signal"),
        _ when string.IsNullOrWhiteSpace(snapshot.Text("lead.email")) => (PlanStatus.Blocked, "no-email"),
        _ => null,
    };

    /// <summary>The conditions that only the execution can decide; null when one that can be decided now does not hold.</summary>
    private static List<string>? StillOpen(PolicyStep step, PlanFacts facts, List<(PlanStep Step, PolicyStep From)> planned)
    {
        var open = new List<string>();
        foreach (var condition in step.When)
        {
            if (condition.IsRunTime && planned.Any(p => condition.Step is { } id ? p.Step.Id == id : p.Step.Tool == MatchAccountTool))
                open.Add(condition.ToString());
            else if (!condition.Evaluate(facts.Field))
                return null;
        }
        return open;
    }

    /// <summary>The arguments; null when a required one is not known.</summary>
    private static JsonObject? Fill(PolicyStep step, CrmTool tool, PlanFacts facts, List<(PlanStep Step, PolicyStep From)> planned)
    {
        var arguments = new JsonObject();
        foreach (var (name, expression) in step.Arguments)
        {
            if (Evaluate(expression, tool.Parameters.Find(name)!, facts, planned) is { } value)
                arguments[name] = value;
        }
        return tool.Parameters.Validate(arguments).Count == 0 ? arguments : null;
    }

    private static JsonNode? Evaluate(
        ArgumentExpression expression, ToolParameter parameter, PlanFacts facts, List<(PlanStep Step, PolicyStep From)> planned) => expression switch
        {
            ArgumentExpression.Literal literal => literal.Value.DeepClone(),
            ArgumentExpression.StepResult result => planned.Any(p => p.Step.Id == result.Reference.Step) ? result.Reference.ToString() : null,
            ArgumentExpression.Fact fact => Stated(parameter, Coercion.To(parameter, facts.Value(fact.Name))),
            ArgumentExpression.Template template => Stated(parameter, Coercion.To(parameter, Render(template, facts))),
            _ => throw new InvalidOperationException($"The expression {expression.GetType().Name} has no meaning."),
        };

    /// <summary>Text that somebody stated may not pose as a reference to a step where references are resolved.</summary>
    private static JsonNode? Stated(ToolParameter parameter, JsonNode? value) =>
        value is not null && parameter.IsRecordId && value.GetValue<string>()[0] is '$' or '@' ? null : value;

    private static JsonNode? Render(ArgumentExpression.Template template, PlanFacts facts)
    {
        var text = new System.Text.StringBuilder();
        foreach (var part in template.Parts)
        {
            var known = part.Facts.Select(facts.Value).FirstOrDefault(v => v is not null);
            if ((known is null ? part.Text : Coercion.Text(known)) is not { } piece)
                return null;
            text.Append(piece);
        }
        return text.ToString();
    }

    private static JsonNode? AsWrittenIfFromNow(ArgumentExpression expression) => expression switch
    {
        ArgumentExpression.Fact fact when FactNames.FollowsFromNow(fact.Name) => "$" + fact.Name,
        ArgumentExpression.Template template when template.Parts.Any(p => p.Facts.Any(FactNames.FollowsFromNow)) => template.Text,
        _ => null,
    };

    /// <summary>A lead that is in the CRM already is not withdrawn when the plan fails: it gets its former values back.</summary>
    private static Compensation CompensationOf(CrmTool tool, EvidenceSnapshot snapshot) =>
        tool is UpsertLead && snapshot.Text("crm.leadId") is { Length: > 0 } ? Compensation.Restore : tool.Compensation;

    private static ActionPlan Nothing(PlanStatus status, string reason, Policy policy) =>
        new() { Status = status, Reason = reason, Policy = policy.Identity, Steps = [], PlanHash = Hash([]) };

    /// <summary>
    /// SHA-256 over the steps as canonical JSON. What follows from the time of planning counts as the policy wrote it, so that the same
    /// lead planned tomorrow is the same plan.
    /// </summary>
    private static string Hash(List<(PlanStep Step, PolicyStep From)> planned)
    {
        using var pad = JsonPad.Rent();
        var writer = pad.Writer;
        writer.WriteStartArray();
        foreach (var (step, from) in planned)
        {
            // Members in ordinal order, as canonical JSON has them.
            writer.WriteStartObject();
            writer.WriteStartObject("arguments");
            foreach (var (name, value) in step.Arguments.OrderBy(a => a.Key, StringComparer.Ordinal))
            {
                writer.WritePropertyName(name);
                CanonicalJson.Write(writer, AsWrittenIfFromNow(from.Arguments.First(a => a.Name == name).Expression) ?? value);
            }
            writer.WriteEndObject();
            writer.WriteString("compensation", JsonNamingPolicy.CamelCase.ConvertName(step.Compensation.ToString()));
            writer.WriteBoolean("critical", step.Critical);
            writer.WriteString("id", step.Id);
            writer.WriteNumber("index", step.Index);
            if (step.NeedsApproval)
                writer.WriteBoolean("needsApproval", true);
            writer.WriteString("tool", step.Tool);
            writer.WriteStartArray("when");
            foreach (var condition in step.When)
                writer.WriteStringValue(condition);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        return CanonicalJson.Sha256Hex(pad.Written);
    }

    /// <summary>The tool whose record the field <c>account</c> of a condition means.</summary>
    internal const string MatchAccountTool = "match_account";
}
