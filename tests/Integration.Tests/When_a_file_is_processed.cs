using System.Text.Json.Nodes;
using Npgsql;

namespace LeadPipeline.Integration.Tests;

/// <summary>The main job, as it is run from a prompt or a script: what comes out, and with which exit code.</summary>
[Category("Integration")]
[Parallelizable]
public sealed class When_a_file_is_processed
{
    // Every lead has an address of its own, and by it its own fault: one run of the program for all of them.
    private static readonly (string Step, string Status)[] Refusals =
    [
        ("upsert_lead", "Compensated"), ("log_activity", "Completed"), ("set_lead_score", "Completed"), ("set_intent_level", "Completed"), ("match_account", "Completed"),
        ("create_task", "Compensated"), ("create_opportunity", "Completed"), ("attach_campaign", "Completed"), ("sync_firmographics", "Completed"), ("sync_enrichment_metadata", "Completed"),
    ];

    private TempFolder folder = null!;

    [SetUp]
    public void MakeFolder() => folder = new TempFolder();

    [TearDown]
    public void RemoveFolder() => folder.Dispose();

    [Test]
    public async Task Should_report_every_lead_with_exactly_the_members_that_are_promised()
    {
        var file = folder.Write("leads.jsonl", GeneratedLeads.Lines(4) + GeneratedLeads.Lead(0).ToJsonString() + "\n{\"company\":\"no address\"}\nnot json\n");

        var (code, answer) = await Cli.JsonAsync(["process", file, "--json"], folder.Path);
        var invalid = answer!["invalid"]!.AsArray();
        var lead = answer["leads"]![0]!.AsObject();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.EqualTo(1), "two lines were refused");
            Assert.That(Names(answer), Is.EquivalentTo(new[] { "submitted", "accepted", "duplicates", "invalid", "outcomes", "seconds", "leads" }));
            Assert.That(answer["submitted"]!.GetValue<int>(), Is.EqualTo(7));
            Assert.That(answer["accepted"]!.GetValue<int>(), Is.EqualTo(4));
            Assert.That(answer["duplicates"]!.GetValue<int>(), Is.EqualTo(1));
            Assert.That(invalid.Select(i => i!["line"]!.GetValue<int>()), Is.EqualTo(new[] { 6, 7 }));
            Assert.That(invalid[0]!["errors"]![0]!["field"]!.GetValue<string>(), Is.EqualTo("email"));
            Assert.That(answer["outcomes"]!.AsObject().Sum(o => o.Value!.GetValue<int>()), Is.EqualTo(4));
            Assert.That(answer["outcomes"]!["Rejected"]!.GetValue<int>(), Is.EqualTo(1));
            Assert.That(answer["seconds"]!.GetValue<double>(), Is.GreaterThan(0));
            Assert.That(Names(lead), Is.SupersetOf(new[] { "leadId", "email", "status", "grounding", "intent", "decision", "fitScore", "executionId", "runId", "plan", "effects", "warnings" }));
            Assert.That(lead["email"]!.GetValue<string>(), Is.EqualTo("person0@company0.example"));
            Assert.That(Names(lead["plan"]![0]!), Is.SupersetOf(new[] { "id", "tool", "critical" }));
            Assert.That(Names(lead["effects"]![0]!), Is.SupersetOf(new[] { "step", "tool", "state", "recordId" }));
        }
    }

    [Test]
    public async Task Should_answer_zeros_for_an_empty_file()
    {
        var (code, answer) = await Cli.JsonAsync(["process", folder.Write("empty.jsonl", ""), "--json"], folder.Path);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.Zero);
            Assert.That(answer!["submitted"]!.GetValue<int>(), Is.Zero);
            Assert.That(answer["leads"]!.AsArray(), Is.Empty);
        }
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task Should_list_a_lead_once_whose_copy_came_under_another_id(bool served)
    {
        // With a broker, whose queues nobody has made yet, the copy is told only behind the queue.
        await using var state = served ? await ServedState.CreateAsync() : null;
        var (first, copy) = (GeneratedLeads.Lead(0), GeneratedLeads.Lead(1));
        first["leadId"] = Guid.NewGuid().ToString();
        (first["externalId"], copy["externalId"]) = ("W-1", "W-1");
        var file = folder.Write("leads.jsonl", first.ToJsonString() + "\n" + copy.ToJsonString() + "\n" + GeneratedLeads.Lead(2).ToJsonString() + "\n");

        var (code, answer) = await Cli.JsonAsync(["process", file, "--json"], folder.Path, state?.Settings());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.Zero);
            Assert.That((answer!["submitted"]!.GetValue<int>(), answer["accepted"]!.GetValue<int>(), answer["duplicates"]!.GetValue<int>()), Is.EqualTo((3, 2, 1)));
            Assert.That(answer["leads"]!.AsArray(), Has.Count.EqualTo(2));
            Assert.That(answer["outcomes"]!.AsObject().Sum(o => o.Value!.GetValue<int>()), Is.EqualTo(2));
        }
    }

    [Test]
    public async Task Should_go_on_when_the_database_drops_its_connections()
    {
        const int Leads = 600;
        await using var state = await ServedState.CreateAsync();
        var database = new NpgsqlConnectionStringBuilder(state.Database.ConnectionString);
        await using var proxy = TcpProxy.Start(database.Port);
        database.Port = proxy.Port;
        var settings = state.Settings(("ConnectionStrings__Database", database.ConnectionString), ("Crm__SettleTime", "00:00:01"),
            ("Deferral__Delays__0", "00:00:00.500"), ("Deferral__Delays__1", "00:00:00.500"), ("Deferral__Delays__2", "00:00:00.500"));
        var file = folder.Write("leads.jsonl", GeneratedLeads.Lines(Leads));

        var processing = Cli.JsonAsync(["process", file, "--json"], folder.Path, settings);
        await Eventually.ShouldAsync(async () => (await Promises.OutcomesAsync(state.Database)).Count > 0, "have begun");
        var cuts = 0;
        for (; cuts < 3 && !processing.IsCompleted; cuts++)
        {
            proxy.Cut();
            await Task.Delay(200);
        }
        var (code, answer) = await processing;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(cuts, Is.Positive);
            Assert.That((code, answer?["leads"]!.AsArray().Count), Is.EqualTo((0, (int?)Leads)));
            Assert.That(answer?["outcomes"]?["DeadLettered"], Is.Null);
        }
    }

    [Test]
    public async Task Should_tell_of_each_lead_on_a_line_of_its_own_in_the_order_of_the_file()
    {
        var file = folder.Write("leads.jsonl", GeneratedLeads.Lines(600));

        var (code, output, _) = await Cli.RunAsync(["process", file, "--json"], folder.Path);

        var lines = output.Split('\n').Where(l => l.Contains("\"leadId\"", StringComparison.Ordinal)).Select(l => JsonNode.Parse(l.Trim().TrimEnd(','))!["email"]!.ToString());
        Assert.That((code, lines.ToList()), Is.EqualTo((0, Enumerable.Range(0, 600).Select(i => GeneratedLeads.Lead(i)["email"]!.ToString()).ToList())));
    }

    [Test]
    public async Task Should_undo_the_plan_for_a_critical_step_and_warn_for_another()
    {
        var file = folder.Write("leads.jsonl", string.Concat(Refusals.Select((r, i) => Routed(i, r.Step).ToJsonString() + "\n")));
        var faults = string.Join(';', Refusals.Select(r => $"{r.Step}=permanent@email:{Email(r.Step)}"));

        var (code, answer) = await Cli.JsonAsync(["process", file, "--json"], folder.Path, new Dictionary<string, string> { ["Mock__Faults"] = faults });
        var leads = answer!["leads"]!.AsArray().ToDictionary(l => l!["email"]!.GetValue<string>(), l => l!);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.Zero);
            foreach (var (step, status) in Refusals)
            {
                var lead = leads[Email(step)];
                var states = lead["effects"]!.AsArray().ToDictionary(e => e!["step"]!.GetValue<string>(), e => e!["state"]!.GetValue<string>());
                Assert.That(lead["status"]!.GetValue<string>(), Is.EqualTo(status), $"{step} refused");
                Assert.That(states[step], Is.EqualTo("failed"), $"{step} refused");
                if (status == "Completed")
                    Assert.That(lead["warnings"]!.AsArray().Select(w => w!.GetValue<string>()), Has.Some.StartsWith(step + ":"), $"{step} refused");
                else
                    Assert.That(states.Where(s => s.Key != step).Select(s => s.Value), Is.All.AnyOf("planned", "skipped", "compensated", "not_needed"), $"{step} refused");
            }
            var undone = leads[Email("create_task")]["effects"]!.AsArray();
            Assert.That(undone.Count(e => e!["state"]!.GetValue<string>() == "compensated"), Is.GreaterThanOrEqualTo(4), "what was before the task is undone");
        }
        var (_, crm) = await Cli.JsonAsync(["crm", "list", "leads", "--json"], folder.Path);
        Assert.That(crm!["items"]!.AsArray().Select(l => l!["email"]!.GetValue<string>()), Is.EquivalentTo(Refusals.Where(r => r.Status == "Completed").Select(r => Email(r.Step))));
    }

    [Test]
    public async Task Should_come_through_faults_that_pass_and_set_aside_what_needs_a_person()
    {
        string[] names = ["transient", "dropped", "timed-out", "limited", "unauthorized"];
        var file = folder.Write("leads.jsonl", string.Concat(names.Select((n, i) => Routed(i, n).ToJsonString() + "\n")));
        var settings = new Dictionary<string, string>
        {
            // Counted for the tool over all leads; the first in the file need not be the first there.
            ["Mock__Faults"] = $"create_task=transient@1-2;log_activity=drop_after_accept@1;attach_campaign=timeout@1;create_opportunity=rate_limited@1;upsert_lead=unauthorized@email:{Email("unauthorized")}",
            ["MCP_TOOL_TIMEOUT_MS"] = "700",
            ["Retry__BaseDelay"] = "00:00:00.050",
            ["Deferral__Delays__0"] = "00:00:00.500",
        };

        var (code, answer) = await Cli.JsonAsync(["process", file, "--json"], folder.Path, settings);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.Zero);
            Assert.That(answer!["outcomes"]!["Completed"]?.GetValue<int>(), Is.EqualTo(4), answer.ToJsonString());
            Assert.That(answer["outcomes"]!["DeadLettered"]?.GetValue<int>(), Is.EqualTo(1));
        }
        var deadLetter = answer["leads"]!.AsArray().Single(l => l!["status"]!.GetValue<string>() == "DeadLettered")!["leadId"]!.GetValue<string>();
        Assert.That(await Promises.BrokenAsync(folder.Path, []), Has.All.Contains(deadLetter).IgnoreCase, "only the dead letter has steps left to do");
    }

    private static string Email(string name) => $"{name.Replace('_', '.')}@{name.Replace('_', '-')}.example";

    /// <summary>A lead for which every step of the plan has something to do.</summary>
    private static JsonObject Routed(int number, string name)
    {
        var lead = GeneratedLeads.Lead(number * 5);
        lead["externalId"] = name;
        lead["email"] = Email(name);
        lead["campaignId"] = "CMP-SPRING";
        lead["enrichment"]!["domain"] = $"{name.Replace('_', '-')}.example";
        return lead;
    }

    private static IEnumerable<string> Names(JsonNode node) => node.AsObject().Select(m => m.Key);
}
