using System.Diagnostics;

namespace LeadPipeline.Integration.Tests;

/// <summary>Dashboards and alerts in the hands of the real Prometheus. Left out where it is not installed.</summary>
[Category("Integration")]
[Parallelizable]
public sealed class When_Prometheus_watches
{
    // Grafana's variables. A rate needs two scrapes, and there is one a second.
    private static readonly (string Variable, string Value)[] Variables = [("$__rate_interval", "2m"), ("$__range", "10m")];

    /// <summary>Metrics that an embedded worker with the mock CRM, an analyzer without a model and no trouble does not have, and why.</summary>
    private static readonly Dictionary<string, string> NotHere = new()
    {
        ["ai_analysis_duration_seconds_bucket"] = "no model runs",
        ["ai_analysis_duration_seconds_count"] = "no model runs",
        ["ai_tokens_total"] = "no model runs",
        ["ai_cost_dollars_total"] = "no model runs",
        ["mcp_errors_total"] = "no tool call fails",
        ["mcp_compensations_total"] = "no plan is undone",
        ["crm_api_calls_total"] = "the mock CRM is not called over HTTP",
        ["crm_quota_remaining"] = "the mock CRM has no allowance",
        ["crm_deal_value_dollars_sum"] = "no lead names an amount",
        ["db_client_connection_count"] = "the database is SQLite",
        ["db_client_connection_max"] = "the database is SQLite",
        ["db_client_connection_npgsql_pending_requests"] = "the database is SQLite",
        ["db_client_connection_npgsql_timeouts"] = "the database is SQLite",
        ["db_client_operation_duration_bucket"] = "the database is SQLite",
        ["rabbitmq_detailed_queue_messages"] = "there is no broker",
        ["rabbitmq_detailed_queue_consumers"] = "there is no broker",
    };

    [Test]
    public async Task Should_have_something_to_show_on_every_panel()
    {
        Require("prometheus");
        using var folder = new TempFolder();
        await using var worker = await RunningWorker.StartAsync(folder.Path);
        using var watcher = new TempFolder();
        await using var prometheus = await RunningPrometheus.StartAsync(watcher.Path, worker.Address);
        await Eventually.ShouldAsync(async () => (await prometheus.AskAsync("up == 1")).Count == 1, "scrape the worker");
        await PostAndFinishAsync(worker, first: 0, count: 20);
        // Counters count what is more than at the scrape before, so that each label needs two rounds.
        await Eventually.ShouldAsync(async () => (await prometheus.AskAsync("sum(leads_processed_total) >= 20")).Count == 1, "see the first leads");
        await PostAndFinishAsync(worker, first: 20, count: 20);
        await Eventually.ShouldAsync(async () => (await prometheus.AskAsync("sum(leads_processed_total) >= 40 and leadpipeline:lead_slow_ratio:rate5m >= 0")).Count == 1, "see the second ones, with the rules evaluated");

        IReadOnlyList<string> wrong = [];
        // The last numbers may come with the next scrape.
        await Eventually.ShouldAsync(async () => (wrong = await WrongPanelsAsync(prometheus)).Count == 0, "show something on every panel", TimeSpan.FromSeconds(30))
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(wrong, Is.Empty);
            // A scrape that this machine was too busy for is no fault of the rules, and long over before it would be told.
            Assert.That(await prometheus.AskAsync("ALERTS{alertname!~\"LowAvailability|WorkersMissing\"} or ALERTS{alertstate=\"firing\"}"), Is.Empty, "nothing is wrong, and nothing says so");
            var asked = Dashboards.Panels.SelectMany(p => p.Queries).SelectMany(PromQl.MetricsOf).ToHashSet();
            Assert.That(NotHere.Keys, Is.SubsetOf(asked), "reasons for what no panel asks for");
        }
    }

    /// <summary>The panels that show nothing and should, or something and should not.</summary>
    private static async Task<IReadOnlyList<string>> WrongPanelsAsync(RunningPrometheus prometheus)
    {
        var wrong = new List<string>();
        foreach (var (panel, query) in Dashboards.Panels.SelectMany(p => p.Queries.Select(q => (p, q))))
        {
            var reasons = PromQl.MetricsOf(query).Where(NotHere.ContainsKey).Select(m => NotHere[m]).ToList();
            var shown = await prometheus.AskAsync(Variables.Aggregate(query, (q, v) => q.Replace(v.Variable, v.Value, StringComparison.Ordinal)));
            // What says "or nothing" itself has something to show in any case.
            var expected = reasons.Count == 0 || query.EndsWith("or vector(0)", StringComparison.Ordinal);
            if (expected != shown.Count > 0)
                wrong.Add($"{panel}: {query} shows {(expected ? "nothing" : $"something, although {string.Join(", ", reasons)}")}");
        }
        return wrong;
    }

    [Test]
    public async Task Should_find_no_fault_in_our_own_names_and_helps()
    {
        Require("promtool");
        using var folder = new TempFolder();
        await using var worker = await RunningWorker.StartAsync(folder.Path);
        await PostAndFinishAsync(worker, first: 0, count: 5);

        var (_, said) = await PromtoolAsync(["check", "metrics"], await worker.Client.GetStringAsync("/metrics"));

        // Those of .NET are named by others, and promtool has something to say of nearly each.
        var ours = said.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => !l.StartsWith("dotnet_", StringComparison.Ordinal)).ToList();
        Assert.That(ours, Is.Empty);
    }

    [TestCase("check", "rules", "alerts.yml")]
    [TestCase("check", "config", "prometheus.yml")]
    [TestCase("test", "rules", "alerts.test.yml")]
    public async Task Should_take_our_files(string verb, string what, string file)
    {
        Require("promtool");

        var (code, said) = await PromtoolAsync([verb, what, Repository.PathOf($"ops/prometheus/{file}")]);

        Assert.That(code, Is.Zero, said);
    }

    private static async Task PostAndFinishAsync(RunningWorker worker, int first, int count)
    {
        var body = string.Join('\n', Enumerable.Range(first, count).Select(i => GeneratedLeads.Lead(i).ToJsonString()));
        using var posted = await worker.PostAsync(body, "application/x-ndjson", trusted: true);
        foreach (var result in (await posted.JsonAsync())["results"]!.AsArray())
            _ = await worker.UntilDoneAsync(Guid.Parse(result!["leadId"]!.GetValue<string>()));
    }

    private static void Require(string program)
    {
        if (RunningPrometheus.Find(program) is null)
            Assert.Ignore($"{program} is not installed here (Debian's package prometheus has it): left out is what only Prometheus itself can say of our rules, metrics and panels.");
    }

    private static async Task<(int Code, string Said)> PromtoolAsync(string[] arguments, string input = "")
    {
        using var process = Process.Start(new ProcessStartInfo(RunningPrometheus.Find("promtool")!, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await errors);
    }
}
