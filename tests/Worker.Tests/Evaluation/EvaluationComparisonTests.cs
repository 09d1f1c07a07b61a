using LeadPipeline.Worker.Evaluation;

namespace LeadPipeline.Worker.Tests.Evaluation;

public sealed class EvaluationComparisonTests
{
    [Test]
    public void Should_say_lead_by_lead_what_became_of_it()
    {
        EvaluatedLead[] before = [Lead("same", "NURTURE", "NURTURE", 50), Lead("fixed", "IGNORE", "NURTURE", 50), Lead("broken", "NURTURE", "NURTURE", 45), Lead("wrong", "IGNORE", "NURTURE", 45), Lead("scored", "NURTURE", "NURTURE", 45), Lead("gone", "NURTURE", "NURTURE", 45)];
        EvaluatedLead[] now = [Lead("same", "NURTURE", "NURTURE", 50), Lead("fixed", "IGNORE", "IGNORE", 20), Lead("broken", "NURTURE", "IGNORE", 20), Lead("wrong", "IGNORE", "REVIEW", null), Lead("scored", "NURTURE", "NURTURE", 55), Lead("new", "NURTURE", "NURTURE", 45)];

        var comparison = EvaluationComparison.Of(before, now);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(comparison.Changed.Select(c => (c.Id, c.Change)), Is.EqualTo(new[] { ("fixed", "fixed"), ("broken", "broken"), ("wrong", "other"), ("scored", "score") }));
            Assert.That((comparison.Compared, comparison.OnlyBefore, comparison.OnlyNow), Is.EqualTo((5, 1, 1)));
        }
    }

    [Test]
    public void Should_judge_both_runs_by_the_label_of_today()
    {
        var comparison = EvaluationComparison.Of([Lead("a", "NURTURE", "NURTURE", 50)], [Lead("a", "IGNORE", "IGNORE", 50)]);

        Assert.That((comparison.Fixed, comparison.Broken), Is.EqualTo((1, 0)));
    }

    // Two-sided: twice the sum of the binomial's smaller tail.
    [TestCase(0, 0, 1.0)]
    [TestCase(1, 1, 1.0)]
    [TestCase(5, 0, 0.0625)]
    [TestCase(10, 0, 0.001953125)]
    [TestCase(8, 2, 0.109375)]
    [TestCase(0, 2000, 0.0)]
    public void Should_say_how_likely_chance_is(int better, int worse, double chance)
    {
        var before = Enumerable.Range(0, better + worse).Select(i => Lead($"{i}", "NURTURE", i < better ? "IGNORE" : "NURTURE", 1));
        var now = Enumerable.Range(0, better + worse).Select(i => Lead($"{i}", "NURTURE", i < better ? "NURTURE" : "IGNORE", 1));

        Assert.That(EvaluationComparison.Of([.. before], [.. now]).Chance, Is.EqualTo(chance).Within(1e-9));
    }

    private static EvaluatedLead Lead(string id, string? expected, string actual, int? score) => EvaluationReportTests.Lead(id, expected, actual, score);
}
