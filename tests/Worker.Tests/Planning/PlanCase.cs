using System.Text;
using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Worker.Planning;

namespace LeadPipeline.Worker.Tests.Planning;

/// <summary>A grounded lead to plan for; shows only what matters.</summary>
internal sealed record PlanCase
{
    public static readonly ToolRegistry Tools = ToolRegistry.Default();

    /// <summary>A Thursday.</summary>
    public static readonly DateTimeOffset Now = new(2026, 1, 15, 12, 0, 0, TimeSpan.Zero);

    public GroundingStatus Status { get; init; } = GroundingStatus.VALID;
    public LeadIntent? Intent { get; init; } = LeadIntent.HIGH_FIT;
    public LeadDecision? Decision { get; init; } = LeadDecision.ROUTE_TO_SDR;
    public int? Score { get; init; } = 85;
    public IReadOnlyList<GroundedClaim> Claims { get; init; } = [];
    public IReadOnlyList<InjectionSignal> Signals { get; init; } = [];
    public DateTimeOffset At { get; init; } = Now;
    public Policy Policy { get; init; } = PolicyLoader.BuiltIn(Tools);
    public string Zone { get; init; } = "UTC";

    public Dictionary<string, string> Known { get; init; } = new()
    {
        ["lead.email"] = "\"jane@acme.com\"",
        ["lead.firstName"] = "\"Jane\"",
        ["lead.company"] = "\"acme\"",
        ["lead.source"] = "\"api\"",
        ["computed.emailDomain"] = "\"acme.com\"",
        ["computed.freeEmailProvider"] = "false",
    };

    public PlanCase With(string path, string json) => this with { Known = new(Known) { [path] = json } };

    public PlanCase Without(string path) => this with { Known = new(Known.Where(k => k.Key != path)) };

    public PlanCase WithEnrichment() => With("enrichment.company", "\"Acme Robotics\"").With("enrichment.industry", "\"Robotics\"")
        .With("enrichment.employees", "\"500-1000\"").With("enrichment.techStack", "[\"AWS\",\"Kubernetes\"]").With("enrichment.foundedYear", "2010");

    public PlanCase Claiming(string path, ClaimVerdict verdict = ClaimVerdict.SUPPORTED) =>
        this with { Claims = [.. Claims, new GroundedClaim { FieldPath = path, Verdict = verdict, Rule = "G6" }] };

    public PlanCase By(string policy) => this with { Policy = PolicyReader.Read("p.yaml", Encoding.UTF8.GetBytes(policy), Tools).Policy() };

    public ActionPlan Plan()
    {
        var leaves = Known.ToDictionary(k => k.Key, k => new EvidenceLeaf(JsonDocument.Parse(k.Value).RootElement, "directory", "-", Now));
        var grounding = new GroundingResult
        {
            Status = Status,
            Intent = Intent,
            Decision = Decision,
            FitScore = Score,
            Claims = Claims,
            Lowered = [],
            Errors = [],
            Signals = Signals,
            Model = new ModelOpinion(null, null, null),
            RulesVersion = "1",
            VerdictHash = "",
        };
        return Planner.Plan(grounding, new EvidenceSnapshot(leaves, Now), Policy, Tools, At, new PlanningOptions(TimeZoneInfo.FindSystemTimeZoneById(Zone)));
    }
}

internal static class PlanReading
{
    public static PlanStep Step(this ActionPlan plan, string id) => plan.Steps.Single(s => s.Id == id);

    public static string? Text(this PlanStep step, string argument) => step.Arguments[argument]?.GetValue<string>();

    public static string Ids(this ActionPlan plan) => string.Join(" ", plan.Steps.Select(s => s.Critical ? s.Id + "!" : s.Id));
}
