namespace LeadPipeline.Integration.Tests;

/// <summary>Exit codes and first lines, for people who type and for scripts that look at <c>$?</c>.</summary>
[Category("Integration")]
[Parallelizable]
public sealed class When_the_command_line_is_used_wrongly
{
    [TestCase("process missing.jsonl", "missing.jsonl")]
    [TestCase("ground missing.json", "missing.json")]
    [TestCase("plan .", ".")]
    [TestCase("proces leads.jsonl", "proces")]
    [TestCase("process", "FILE")]
    [TestCase("process leads.jsonl --fast", "--fast")]
    [TestCase("leads show seventeen", "seventeen")]
    [TestCase("crm list spaceships", "spaceships")]
    [TestCase("leads list --limit 0", "--limit")]
    [TestCase("crm list tasks --limit -1", "--limit")]
    [TestCase("run --fast", "--fast")]
    [TestCase("process leads.jsonl --data", "--data")]
    public async Task Should_answer_2_and_say_what_was_not_understood(string line, string names)
    {
        using var folder = new TempFolder();

        var (code, output, errors) = await Cli.RunAsync(line.Split(' '), folder.Path);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.EqualTo(2), errors);
            Assert.That(errors, Does.Contain(names).And.Not.Contain("   at "));
            Assert.That(output, Is.Empty);
        }
    }

    [TestCase("Grounding__RouteTreshold=1", "Grounding:RouteThreshold")]
    [TestCase("Grounding__RouteThreshold=lots", "Grounding:RouteThreshold")]
    [TestCase("Grounding__RouteThreshold=101", "Grounding:RouteThreshold")]
    [TestCase("Retry__BaseDelay=5 apples", "Retry:BaseDelay")]
    [TestCase("Analysis__Analyzer=Oracle", "Analysis:Analyzer")]
    [TestCase("CRM_PROVIDER=SIEBEL", "SIEBEL")]
    [TestCase("MCP_TOOL_TIMEOUT_MS=soon", "MCP_TOOL_TIMEOUT_MS")]
    [TestCase("Mock__Faults=create_task=sometimes@1", "Mock:Faults")]
    [TestCase("Mock__Latency=slow", "Mock:Latency")]
    [TestCase("Policy__File=nowhere.yaml", "nowhere.yaml")]
    [TestCase("ConnectionStrings__Broker=amqp://localhost/", "ConnectionStrings:Database")]
    [TestCase("Messaging__Consume=false", "ConnectionStrings:Broker")]
    [TestCase("ConnectionStrings__Database=not a connection string", "ConnectionStrings:Database")]
    [TestCase("Http__Url=http://0.0.0.0:8080", "Auth:Tokens")]
    [TestCase("Http__Url=nonsense", "Http:Url")]
    [TestCase("Auth__Tokens__0__Hash=abc", "Auth:Tokens")]
    public async Task Should_answer_78_and_name_the_setting(string setting, string names)
    {
        using var folder = new TempFolder();
        var (key, value) = (setting.Split('=', 2)[0], setting.Split('=', 2)[1]);

        var (code, _, errors) = await Cli.RunAsync(["run"], folder.Path, new Dictionary<string, string> { [key] = value });

        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.EqualTo(78), errors);
            Assert.That(errors, Does.Contain(names).And.Not.Contain("   at "));
        }
    }

    [Test]
    public async Task Should_answer_1_with_a_sentence_when_a_server_is_not_there()
    {
        using var folder = new TempFolder();
        var settings = new Dictionary<string, string> { ["ConnectionStrings__Database"] = $"Host=127.0.0.1;Port={WorkerProcess.FreePort()};Username=u;Password=hush-hush;Database=d;Timeout=2" };

        var (code, _, errors) = await Cli.RunAsync(["leads", "list"], folder.Path, settings);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.EqualTo(1));
            Assert.That(errors, Is.Not.Empty.And.Not.Contain("   at ").And.Not.Contain("hush-hush"));
        }
    }

    [Test]
    public async Task Should_not_share_a_data_directory_with_another_process()
    {
        using var folder = new TempFolder();
        await using var worker = await RunningWorker.StartAsync(folder.Path);

        var (code, _, errors) = await Cli.RunAsync(["process", folder.Write("leads.jsonl", GeneratedLeads.Lines(1))], folder.Path);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.EqualTo(78));
            Assert.That(errors, Does.Contain("in use").And.Contain("submit"));
        }
    }

    [TestCase("ground")]
    [TestCase("plan")]
    public async Task Should_answer_line_by_line_and_end_with_2_when_a_line_is_broken(string verb)
    {
        const string Document = """{"lead":{"email":"a@b.example"},"enrichment":null,"analysis":{"evidence":[],"reasoning":"Nothing is known.","intent":"LOW_FIT","decision":"IGNORE","fitScore":10}}""";
        using var folder = new TempFolder();
        var good = folder.Write("one.json", Document);
        var many = folder.Write("many.jsonl", $"{Document}\nnot json\n\n{Document.Replace("10}", "NaN}", StringComparison.Ordinal)}\n{Document}\n");

        var (one, answer) = await Cli.JsonAsync([verb, good, "--json"], folder.Path);
        var (all, output, _) = await Cli.RunAsync([verb, many, "--json"], folder.Path);
        var (broken, _, errors) = await Cli.RunAsync([verb, folder.Write("broken.json", "{"), "--json"], folder.Path);
        var lines = output.Split('\n').Select(l => System.Text.Json.Nodes.JsonNode.Parse(l)!).ToList();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(one, Is.Zero);
            Assert.That(answer!["status"]!.GetValue<string>(), Is.EqualTo(verb == "ground" ? "VALID" : "Planned"));
            Assert.That(all, Is.EqualTo(2));
            Assert.That(lines.Select(l => l["line"]?.GetValue<int>()), Is.EqualTo(new int?[] { null, 2, 4, null }));
            Assert.That(lines[1]["error"]!.GetValue<string>(), Is.Not.Empty);
            Assert.That(broken, Is.EqualTo(2));
            Assert.That(errors, Does.Contain("broken.json"));
        }
    }
}
