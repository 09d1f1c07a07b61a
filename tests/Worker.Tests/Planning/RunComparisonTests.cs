using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Worker.Planning;

namespace LeadPipeline.Worker.Tests.Planning;

/// <summary>What a later run need not, may and must not do again.</summary>
public sealed class RunComparisonTests
{
    [Test]
    public void Should_not_do_again_what_was_done_with_the_same_arguments()
    {
        var comparison = Compare(
            [Step("log_activity", ("body", "Medium Fit, score 60")), Step("set_lead_score", ("score", 60))],
            [Step("log_activity", ("body", "Medium Fit, score 60")), Step("set_lead_score", ("score", 60))]);

        Assert.That((Names(comparison), comparison.Differences), Is.EqualTo(("log_activity set_lead_score", Array.Empty<StepDifference>())));
    }

    [Test]
    public void Should_take_other_days_for_the_same_arguments()
    {
        var comparison = Compare(
            [Step("create_task", ("dueDate", "2026-01-16"), ("description", "Last active: 2026-01-14T08:00:00Z"))],
            [Step("create_task", ("dueDate", "2026-02-20"), ("description", "Last active: 2026-02-19T09:30:00Z"))]);

        Assert.That(Names(comparison), Is.EqualTo("create_task"));
    }

    [Test]
    public void Should_stop_at_a_step_that_would_add_a_second_record()
    {
        var comparison = Compare(
            [Step("create_task", ("subject", "Call"), ("priority", "High"))],
            [Step("create_task", ("subject", "Write"), ("description", "why"), ("priority", "High"))]);

        Assert.That(comparison.Differences.Single().ToString(), Is.EqualTo("create_task was done by run 1 with other description, subject"));
    }

    [Test]
    public void Should_let_a_step_write_anew_that_changes_a_record_or_finds_it_first()
    {
        var comparison = Compare(
            [Step("upsert_lead", ("company", "Acme")), Step("set_lead_score", ("score", 60)), Step("match_account", ("domain", "acme.com")), Step("attach_campaign", ("campaignId", "A"))],
            [Step("upsert_lead", ("company", "Acme Inc")), Step("set_lead_score", ("score", 70)), Step("match_account", ("domain", "acme.io")), Step("attach_campaign", ("campaignId", "B"))]);

        Assert.That((Names(comparison), comparison.Differences), Is.EqualTo(("", Array.Empty<StepDifference>())));
    }

    [Test]
    public void Should_look_at_the_latest_run_that_did_the_step()
    {
        var (first, second) = (Step("create_task", ("subject", "Call")), Step("create_task", ("subject", "Write")));

        var comparison = RunComparison.Of(Plan(second), PlanCase.Tools, [Done(2, second), Done(1, first)]);

        Assert.That((Names(comparison), comparison.Repeated.Single().Run), Is.EqualTo(("create_task", 2)));
    }

    [Test]
    public void Should_do_what_no_run_has_done() =>
        Assert.That(Compare([Step("log_activity", ("body", "x"))], [Step("create_task", ("subject", "Call"))]), Is.EqualTo(new RunComparison([], [])).Using<RunComparison>((a, b) => a.Repeated.Count + a.Differences.Count == b.Repeated.Count + b.Differences.Count));

    private static RunComparison Compare(PlanStep[] before, PlanStep[] now) =>
        RunComparison.Of(Plan(now), PlanCase.Tools, [.. before.Select(s => Done(1, s))]);

    private static string Names(RunComparison comparison) => string.Join(' ', comparison.Repeated.Select(r => r.Effect.Step.Id));

    private static EarlierEffect Done(int run, PlanStep step) => new(run, new StepEffect { Step = step, EffectKey = "key", State = EffectState.Confirmed });

    private static PlanStep Step(string tool, params (string Name, JsonNode Value)[] arguments) => new()
    {
        Id = tool,
        Index = 0,
        Tool = tool,
        Critical = false,
        Compensation = Compensation.None,
        Arguments = new JsonObject(arguments.Select(a => KeyValuePair.Create(a.Name, (JsonNode?)a.Value))),
    };

    private static ActionPlan Plan(params PlanStep[] steps) => new() { Status = PlanStatus.Planned, Policy = new PolicyIdentity("test", "hash"), PlanHash = "hash", Steps = steps };
}
