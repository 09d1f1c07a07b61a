using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Tests.Replays;

public sealed class ReplayPreviewTests
{
    [TestCase("confirmed", "skip")]
    [TestCase("unchanged", "skip")]
    [TestCase("skipped", "skip")]
    [TestCase("failed", "skip")]
    [TestCase("sent", "read-back-first")]
    [TestCase("unknown", "read-back-first")]
    [TestCase("planned", "run")]
    [TestCase("absent", "run")]
    public void Should_go_forward_by_the_ledger(string state, string action) =>
        Assert.That(ReplayPreview.Of(Plan(critical: false), [Effect("one", state)]).Select(w => w.Action), Is.EqualTo(new[] { action, "run" }));

    [TestCase("confirmed", "undo")]
    [TestCase("sent", "read-back-then-undo")]
    [TestCase("unknown", "read-back-then-undo")]
    [TestCase("unchanged", "leave")]
    [TestCase("compensated", "leave")]
    public void Should_go_backward_when_a_critical_step_has_failed(string state, string action) =>
        Assert.That(ReplayPreview.Of(Plan(critical: true), [Effect("one", state), Effect("two", "failed")]).Select(w => (w.Step, w.Action)),
            Is.EqualTo(new[] { ("two", "leave"), ("one", action) }));

    [Test]
    public void Should_analyse_when_there_is_no_plan() =>
        Assert.That(ReplayPreview.Of(null, []), Is.EqualTo(new[] { new WouldDo("analysis", null, "analyze") }));

    [TestCase(0, true, new int[0])]
    [TestCase(1, true, new[] { 1 })]
    [TestCase(4, true, new[] { 1, 3 })]
    [TestCase(31, true, new[] { 1, 5, 25 })]
    [TestCase(100, true, new[] { 1, 5, 25, 69 })]
    [TestCase(100, false, new[] { 100 })]
    public void Should_go_in_waves(int count, bool ramp, int[] sizes) => Assert.That(ReplayWaves.Of(count, ramp), Is.EqualTo(sizes));

    private static ActionPlan Plan(bool critical) => new()
    {
        Status = PlanStatus.Planned,
        Policy = new PolicyIdentity("policy", "hash"),
        PlanHash = "hash",
        Steps = [Step("one", 0, critical), Step("two", 1, critical)],
    };

    private static PlanStep Step(string id, int index, bool critical) =>
        new() { Id = id, Index = index, Tool = "create_task", Arguments = new JsonObject(), Critical = critical, Compensation = Compensation.Cancel };

    private static EffectRow Effect(string step, string state) => new() { EffectKey = step, Step = step, Tool = "create_task", State = state };
}
