using System.Text.RegularExpressions;
using LeadPipeline.TestKit;

namespace LeadPipeline.Worker.Tests.Ops.Monitoring;

/// <summary>Dashboards, alerts and runbooks speak of the program that is there, and of each other.</summary>
public sealed class MonitoringTests
{
    private static readonly string[] Runbooks = [.. Directory.GetFiles(Repository.PathOf("ops/runbooks"), "*.md").Select(f => Path.GetFileNameWithoutExtension(f)!)];

    private static IEnumerable<DashboardPanel> Panels => Dashboards.Panels;

    private static IEnumerable<string> Alerts => AlertRules.Alerts;

    [Test]
    public void There_are_the_four_dashboards_and_each_has_panels() =>
        Assert.That(Panels.Select(p => p.Dashboard).Distinct(), Is.EquivalentTo(["Pipeline", "CRM and effects", "Model", "Service"]));

    [TestCaseSource(nameof(Panels))]
    public void A_panel_asks_only_for_metrics_that_there_are(DashboardPanel panel) => Assert.Multiple(() =>
    {
        Assert.That(panel.Queries, Is.Not.Empty);
        foreach (var query in panel.Queries)
        {
            Assert.That(PromQl.MetricsOf(query), Is.Not.Empty, query);
            Assert.That(PromQl.MetricsOf(query), Is.All.Matches<string>(KnownMetrics.Has), query);
        }
    });

    [TestCaseSource(nameof(Panels))]
    public void A_panel_says_what_to_make_of_it_and_where_to_read_on(DashboardPanel panel) => Assert.Multiple(() =>
    {
        Assert.That(panel.Description, Has.Length.GreaterThan(40));
        Assert.That(panel.Links, Is.Not.Empty);
        Assert.That(panel.Links, Is.All.Matches<string>(l => Runbooks.Any(r => l == $"${{runbooks}}/{r}.md")));
    });

    [Test]
    public void Panels_have_titles_of_their_own() => Assert.That(Panels.Select(p => p.ToString()), Is.Unique);

    [Test]
    public void Rules_ask_only_for_metrics_that_there_are()
    {
        foreach (var rule in AlertRules.All)
            Assert.That(PromQl.MetricsOf(rule.Expression), Is.Not.Empty.And.All.Matches<string>(KnownMetrics.Has), rule.Alert ?? rule.Record);
    }

    [Test]
    public void Every_alert_has_a_runbook_and_every_runbook_an_alert() => Assert.That(Runbooks, Is.EquivalentTo(Alerts));

    [TestCaseSource(nameof(Alerts))]
    public void An_alert_leads_to_its_runbook_and_says_how_bad_it_is(string alert)
    {
        var rule = AlertRules.All.Single(r => r.Alert == alert);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(rule.Runbook, Is.EqualTo($"ops/runbooks/{alert}.md"));
            Assert.That(rule.Severity, Is.EqualTo("critical").Or.EqualTo("warning"));
        }
    }

    [TestCaseSource(nameof(Alerts))]
    public void An_alert_is_tried_with_a_case_in_which_it_fires(string alert) =>
        Assert.That(File.ReadAllText(Repository.PathOf("ops/prometheus/alerts.test.yml")), Does.Contain($"{{alertname=\"{alert}\"}}"));

    [TestCaseSource(nameof(Alerts))]
    public void A_runbook_says_what_it_means_where_to_look_and_what_to_do(string alert)
    {
        var page = File.ReadAllText(Repository.PathOf($"ops/runbooks/{alert}.md"));

        Assert.That(page, Does.Match($@"\A# {alert}\n\n\S[\s\S]+\n## Look first\n\n1\. [\s\S]+\n## What to do\n\n- "));
        var links = Regex.Matches(page, @"\]\(([^)]+)\.md\)").Select(m => m.Groups[1].Value);
        Assert.That(links, Is.All.Matches<string>(Runbooks.Contains));
        var titles = Regex.Matches(page, "\"([^\"]+)\"").Select(m => m.Groups[1].Value);
        Assert.That(titles, Is.All.Matches<string>(t => Panels.Any(p => p.Title == t || p.Title == $"{t} (p95)" || p.Title == $"{t} (median)")), "panels that it names");
    }

    [Test]
    public void The_manual_lists_every_alert_with_its_severity()
    {
        var manual = File.ReadAllText(Repository.PathOf("docs/OPERATIONS.md"));
        var rows = Regex.Matches(manual, @"^\| \[`(\w+)`\]\(\.\./ops/runbooks/\1\.md\) \| (critical|warning) \|", RegexOptions.Multiline)
            .Select(m => $"{m.Groups[1].Value} {m.Groups[2].Value}");

        Assert.That(rows, Is.EquivalentTo(AlertRules.All.Where(r => r.Alert is not null).Select(r => $"{r.Alert} {r.Severity}")));
    }

    [TestCase("sum by (le, tool_name) (rate(a_bucket{x=~\"b}|c\"}[5m])) / on (y) group_left () max(d offset 5m) > 14.4 * 0.001", "a_bucket", "d")]
    [TestCase("absent(up{job=\"x\"} == 1) or vector(0) and max without(z)(lp:ratio:rate5m)", "up", "lp:ratio:rate5m")]
    public void Names_of_metrics_are_told_from_the_rest_of_a_query(string query, params string[] metrics) =>
        Assert.That(PromQl.MetricsOf(query), Is.EqualTo(metrics));
}
