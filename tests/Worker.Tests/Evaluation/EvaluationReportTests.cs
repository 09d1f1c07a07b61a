using LeadPipeline.Worker.Evaluation;

namespace LeadPipeline.Worker.Tests.Evaluation;

public sealed class EvaluationReportTests
{
    [Test]
    public void Should_measure_decisions_as_a_person_would_count_them()
    {
        var report = EvaluationReport.Of(
        [
            Lead("a", "ROUTE_TO_SDR", "ROUTE_TO_SDR", 80), Lead("b", "ROUTE_TO_SDR", "NURTURE", 50), Lead("c", "NURTURE", "ROUTE_TO_SDR", 65),
            Lead("d", "NURTURE", "NURTURE", 45), Lead("e", "IGNORE", "REVIEW", null), Lead("f", null, "IGNORE", 10),
        ]);

        var byName = report.Decisions.ToDictionary(d => d.Decision);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((report.Leads, report.Labelled, report.Accuracy), Is.EqualTo((6, 5, 0.4)));
            Assert.That((byName["ROUTE_TO_SDR"].Precision, byName["ROUTE_TO_SDR"].Recall), Is.EqualTo((0.5, 0.5)));
            Assert.That((byName["IGNORE"].Precision, byName["IGNORE"].Recall), Is.EqualTo(((double?)null, 0.0)), "never made among the labelled");
            Assert.That((byName["REVIEW"].Precision, byName["REVIEW"].Recall), Is.EqualTo((0.0, (double?)null)));
            Assert.That(report.Confusion[("NURTURE", "ROUTE_TO_SDR")], Is.EqualTo(1));
            Assert.That(report.Outcomes, Is.Empty);
        }
    }

    // Positives and negatives by score; the share of pairs in which the positive one is ahead, ties a half.
    [TestCase(new[] { 90, 80 }, new[] { 70, 10 }, 1.0)]
    [TestCase(new[] { 10, 20 }, new[] { 70, 80 }, 0.0)]
    [TestCase(new[] { 50 }, new[] { 50, 50 }, 0.5)]
    [TestCase(new[] { 90, 40 }, new[] { 60, 40 }, 0.625)]
    [TestCase(new[] { -1 }, new[] { 0 }, 0.0, Description = "a lead without a score is behind all others")]
    public void Should_rank_by_score(int[] positives, int[] negatives, double auc)
    {
        var leads = positives.Select((s, i) => Lead($"p{i}", null, "NURTURE", s < 0 ? null : s) with { Won = true })
            .Concat(negatives.Select((s, i) => Lead($"n{i}", "ROUTE_TO_SDR", "NURTURE", s) with { Won = false }));

        var report = EvaluationReport.Of([.. leads]);

        Assert.That(report.RankingAuc, Is.EqualTo(auc).Within(1e-9), "what was won counts, whatever was expected");
    }

    [Test]
    public void Should_not_rank_what_is_all_of_one_kind() =>
        Assert.That(EvaluationReport.Of([Lead("a", "ROUTE_TO_SDR", "ROUTE_TO_SDR", 80)]).RankingAuc, Is.Null);

    [Test]
    public void Should_add_up_cost_and_time()
    {
        var leads = Enumerable.Range(1, 20).Select(i => Lead($"{i}", null, "IGNORE", 1) with { Cost = 0.01m, Tokens = 100, Milliseconds = i });

        var report = EvaluationReport.Of([.. leads]);

        Assert.That((report.Cost, report.Tokens, report.Latency), Is.EqualTo((0.2m, 2000L, (10.0, 19.0, 20.0))));
    }

    internal static EvaluatedLead Lead(string id, string? expected, string actual, int? score) =>
        new() { Id = id, Expected = expected, Actual = actual, Score = score, Grounding = score is null ? "REJECTED" : "VALID" };
}
