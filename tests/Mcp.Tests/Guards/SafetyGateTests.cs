using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Mcp.Tests.Guards;

[TestFixture]
public sealed class SafetyGateTests
{
    [TestCase(GroundingStatus.VALID)]
    [TestCase(GroundingStatus.DOWNGRADED)]
    public void Lets_a_sound_plan_run(GroundingStatus grounding) => Assert.That(Check(Plan(), grounding, "a@b.example"), Is.Null);

    [TestCase(null, "a@b.example", "hash", "upsert_lead", "grounding", "plan")]
    [TestCase(GroundingStatus.REJECTED, "a@b.example", "hash", "upsert_lead", "grounding", "plan")]
    [TestCase(GroundingStatus.VALID, " ", "hash", "upsert_lead", "email", "plan")]
    [TestCase(GroundingStatus.VALID, "a@b.example", "", "upsert_lead", "policy", "plan")]
    [TestCase(GroundingStatus.VALID, "a@b.example", "hash", "delete_lead", "policy", "delete_lead")]
    [TestCase(GroundingStatus.VALID, "a@b.example", "hash", "no_such_tool", "policy", "plan")]
    public void Stops_what_the_planner_should_never_have_let_through(GroundingStatus? grounding, string email, string hash, string tool, string reason, string about)
    {
        var block = Check(Plan(hash, tool), grounding, email);

        Assert.That((block?.Reason, block?.Tool), Is.EqualTo((reason, about)));
    }

    [Test]
    public void Stops_a_plan_that_was_halted() =>
        Assert.That(Check(Plan() with { Status = PlanStatus.Halted }, GroundingStatus.VALID, "a@b.example")?.Reason, Is.EqualTo("policy"));

    private static SafetyBlock? Check(ActionPlan plan, GroundingStatus? grounding, string email) => SafetyGate.Check(plan, grounding, email, ToolRegistry.Default());

    private static ActionPlan Plan(string hash = "hash", string tool = "upsert_lead") => new()
    {
        Status = PlanStatus.Planned,
        Policy = new PolicyIdentity("default", hash),
        PlanHash = "hash",
        Steps = [new PlanStep { Id = "one", Index = 0, Tool = tool, Arguments = new JsonObject(), Critical = true, Compensation = Compensation.None }],
    };
}
