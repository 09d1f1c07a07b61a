using LeadPipeline.Contracts;
using LeadPipeline.Worker.Reports;

namespace LeadPipeline.Worker.Tests.Reports;

public sealed class ReportBuilderTests
{
    private static readonly DateTimeOffset Until = new(2026, 3, 14, 12, 0, 0, TimeSpan.Zero);

    [Test]
    public void Should_count_each_lead_up_to_the_furthest_step_that_it_reached()
    {
        var report = Built(
            Lead(LeadStatus.Received, null, planned: false),
            Lead(LeadStatus.Rejected, GroundingStatus.REJECTED, planned: false),
            Lead(LeadStatus.Blocked, GroundingStatus.VALID, planned: false),
            Lead(LeadStatus.Deferred, GroundingStatus.VALID),
            Lead(LeadStatus.Compensated, GroundingStatus.DOWNGRADED, seconds: 3),
            Lead(LeadStatus.Completed, GroundingStatus.VALID, seconds: 3));

        Assert.That(report.Funnel.Select(f => f.Leads), Is.EqualTo(new[] { 6, 5, 4, 3, 2, 1 }));
    }

    [Test]
    public void Should_tell_sources_apart_the_largest_first()
    {
        var report = Built(Lead(LeadStatus.Completed, source: "api"), Lead(LeadStatus.Completed, source: "meta"), Lead(LeadStatus.Rejected, source: "meta"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(report.Sources.Select(s => (s.Source, s.Leads)), Is.EqualTo(new[] { ("meta", 2), ("api", 1) }));
            Assert.That(report.Sources[0].Statuses[LeadStatus.Rejected], Is.EqualTo(1));
        }
    }

    [Test]
    public void Should_show_days_without_leads_too()
    {
        var report = Built(Lead(LeadStatus.Completed, daysAgo: 2));

        Assert.That(report.Days.Select(d => d.Leads), Is.EqualTo(new[] { 0, 1, 0, 0 }));
    }

    [Test]
    public void Should_begin_all_time_with_the_first_lead()
    {
        var builder = new ReportBuilder(DateTimeOffset.UnixEpoch, Until);
        builder.Add(Lead(LeadStatus.Completed, daysAgo: 2));

        Assert.That(builder.Build().Days, Has.Count.EqualTo(3));
    }

    [Test]
    public void Should_measure_the_way_to_the_CRM_in_the_first_run_only()
    {
        var report = Built([.. Enumerable.Repeat(Lead(LeadStatus.Completed, seconds: 3), 19), Lead(LeadStatus.Completed, seconds: 400), Lead(LeadStatus.Completed, seconds: 4000) with { Run = 2 }]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(report.TimeToCrm.Sum(b => b.Leads), Is.EqualTo(20));
            Assert.That(report.TimeToCrmPercentiles, Is.EqualTo(((TimeSpan?)TimeSpan.FromSeconds(5), (TimeSpan?)TimeSpan.FromSeconds(5))));
            Assert.That(report.TimeToCrm.Single(b => b.Below == TimeSpan.FromMinutes(30)).Leads, Is.EqualTo(1));
        }
    }

    [Test]
    public void Should_add_up_what_models_cost_by_model_and_by_day()
    {
        var builder = new ReportBuilder(Until.AddDays(-1), Until);
        builder.Add(new ModelFact(Until, "large", 1, new ModelUsage(100, 20, 5, 0, 0.5m)));
        builder.Add(new ModelFact(Until, "small", 2, new ModelUsage(10, 2, 0, 0, 0.1m)));
        builder.Add(new ModelFact(Until.AddDays(-1), "small", 1, new ModelUsage(10, 2, 0, 0, 0.1m)));

        var report = builder.Build();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(report.Models.Select(m => (m.Model, m.Answers, m.Usage.CostDollars)), Is.EqualTo(new[] { ("large", 1, 0.5m), ("small", 3, 0.2m) }));
            Assert.That(report.Days.Select(d => d.CostDollars), Is.EqualTo(new[] { 0.1m, 0.6m }));
            Assert.That(report.CostDollars, Is.EqualTo(0.7m));
        }
    }

    [TestCase("7d", "2026-03-07T12:00:00Z")]
    [TestCase("12h", "2026-03-14T00:00:00Z")]
    [TestCase("2w", "2026-02-28T12:00:00Z")]
    [TestCase("2026-03-01", "2026-03-01T00:00:00Z")]
    [TestCase("2026-04-01", null)]
    [TestCase("7 days", null)]
    [TestCase("", null)]
    public void Should_read_how_far_back_to_go(string text, string? expected) =>
        Assert.That(ReportSpan.Parse(text, Until), Is.EqualTo(expected is null ? (DateTimeOffset?)null : DateTimeOffset.Parse(expected)));

    [Test]
    public async Task Should_write_a_page_that_needs_nothing_beside_it_and_takes_words_for_words()
    {
        var page = await ReportHtml.WriteAsync(Built(Lead(LeadStatus.Completed, source: "<script>alert(1)</script>", seconds: 3)));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(page, Does.Not.Contain("<script").And.Not.Match("(src|href)=").And.Not.Contain("url("));
            Assert.That(page, Does.Contain("&lt;script&gt;").And.Contain("How far they came").And.Contain("<svg"));
        }
    }

    [Test]
    public async Task Should_say_when_there_is_nothing_to_show() => Assert.That(await ReportHtml.WriteAsync(Built()), Does.Contain("No leads in this time"));

    private static PipelineReport Built(params LeadFact[] leads)
    {
        var builder = new ReportBuilder(Until.AddDays(-3), Until);
        foreach (var lead in leads)
            builder.Add(lead);
        return builder.Build();
    }

    private static LeadFact Lead(LeadStatus status, GroundingStatus? grounding = GroundingStatus.VALID, bool planned = true, int? seconds = null, string source = "api", int daysAgo = 0)
    {
        var received = Until.AddDays(-daysAgo).AddHours(-1);
        return new LeadFact(source, status, received, 1, grounding, planned, seconds is { } s ? received.AddSeconds(s) : null);
    }
}
