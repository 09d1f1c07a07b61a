using LeadPipeline.Mcp.Execution;

namespace LeadPipeline.Mcp.Tests.Execution;

[TestFixture]
public sealed class WhenConditionTests
{
    private static readonly Dictionary<string, string?> Fields = new()
    {
        ["score"] = "80",
        ["intent"] = "HIGH_FIT",
        ["account"] = "001A",
        ["campaign"] = null,
        ["crm.lastTouchAt"] = "2026-01-10T08:00:00Z",
        ["steps.match_account.openOpportunities"] = "0",
        ["steps.match_account.recordId"] = "",
    };

    [TestCase("score >= 75", true)]
    [TestCase("score>=80", true)]
    [TestCase("score >= 80.5", false)]
    [TestCase("score <= 79", false)]
    [TestCase("score = 80.0", true)]
    [TestCase("intent = HIGH_FIT", true)]
    [TestCase("intent != HIGH_FIT", false)]
    [TestCase("intent in MEDIUM_FIT, HIGH_FIT", true)]
    [TestCase("intent in [LOW_FIT, MEDIUM_FIT]", false)]
    [TestCase("account exists", true)]
    [TestCase("account exists false", false)]
    [TestCase("campaign exists", false)]
    [TestCase("campaign exists false", true)]
    [TestCase("campaign = spring", false)]
    [TestCase("campaign != spring", true)]
    [TestCase("campaign >= 3", false)]
    [TestCase("crm.lastTouchAt <= 2026-01-10", false)]
    [TestCase("crm.lastTouchAt >= 2026-01-10", true)]
    [TestCase("steps.match_account.openOpportunities = 0", true)]
    [TestCase("steps.match_account.recordId exists", false, Description = "an empty result is none")]
    public void Should_hold_or_not(string text, bool holds) =>
        Assert.That(WhenCondition.Parse(text).Evaluate(f => Fields[f]), Is.EqualTo(holds));

    [TestCase("")]
    [TestCase("score")]
    [TestCase("score > 75")]
    [TestCase("score == 75")]
    [TestCase("score >= many")]
    [TestCase("score = ")]
    [TestCase("intent in")]
    [TestCase("intent in HIGH_FIT,,LOW_FIT")]
    [TestCase("account exists maybe")]
    [TestCase("score like 7")]
    [TestCase(">= 75")]
    public void Should_refuse(string text)
    {
        var read = WhenCondition.TryParse(text, out _, out var error);

        Assert.That(read, Is.False);
        Assert.That(error, Is.Not.Empty);
    }

    [TestCase("account exists", true)]
    [TestCase("steps.a.recordId = x", true)]
    [TestCase("score >= 1", false)]
    [TestCase("crm.accountId exists", false)]
    public void Should_know_what_is_known_at_run_time_only(string text, bool runTime) =>
        Assert.That(WhenCondition.Parse(text).IsRunTime, Is.EqualTo(runTime));

    [TestCase("score>=75", "score >= 75")]
    [TestCase("intent in [A,B]", "intent in A, B")]
    [TestCase("  account   exists ", "account exists")]
    public void Should_write_itself_in_one_form(string text, string form)
    {
        var condition = WhenCondition.Parse(text);

        Assert.That(condition.ToString(), Is.EqualTo(form));
        Assert.That(WhenCondition.Parse(form), Is.EqualTo(condition));
    }
}
