using System.Text.Json.Nodes;

namespace LeadPipeline.Integration.Tests;

/// <summary>The same promises without any server: one process, one SQLite file, a queue in memory.</summary>
[Category("Integration")]
[Parallelizable]
public sealed class When_an_embedded_worker_is_killed
{
    private const int Leads = 300;

    [Test]
    public async Task Should_lose_no_lead_that_was_answered_and_do_nothing_twice()
    {
        var random = new Random(20263);
        using var folder = new TempFolder();
        var worker = await RunningWorker.StartAsync(folder.Path);
        var sender = new LeadSender(() => worker);
        try
        {
            var sending = sender.SendAsync(0, Leads);
            foreach (var moment in new[] { 40, 130, 220 }.Select(m => m + random.Next(0, 60)))
            {
                await Eventually.ShouldAsync(() => sender.Answered >= moment, $"have answered {moment} posts");
                await worker.DisposeAsync();
                worker = await RunningWorker.StartAsync(folder.Path);
            }
            await sending;
            await UntilDoneAsync(worker);
            Assert.That(await worker.Process.StopAsync(), Is.Zero);
        }
        finally
        {
            await worker.DisposeAsync();
        }

        await AssertPromisesAsync(folder.Path, Leads, sender.Accepted);
    }

    [Test]
    public async Task Should_go_on_where_it_stopped_when_a_file_is_processed_again()
    {
        using var folder = new TempFolder();
        var file = folder.Write("leads.jsonl", GeneratedLeads.Lines(Leads));
        var data = folder["data"];
        string[] command = ["process", file, "--data", data, "--json"];
        // Slow enough that there is a middle to be killed in.
        var slow = new Dictionary<string, string> { ["Mock__Latency"] = "00:00:00.200", ["Messaging__EmbeddedConcurrency"] = "16" };

        foreach (var enough in new[] { 10, 120 })
        {
            await using var killed = WorkerProcess.Start(command, slow, folder.Path);
            await Eventually.ShouldAsync(async () => (await Promises.OutcomesAsync(data)).Where(o => o.Key is "ROUTE_TO_SDR" or "NURTURE" or "IGNORE").Sum(o => o.Value) >= enough, $"have {enough} leads in the CRM");
            killed.Kill();
        }
        var (code, answer) = await Cli.JsonAsync(command, folder.Path);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.Zero);
            Assert.That(answer!["submitted"]!.GetValue<int>(), Is.EqualTo(Leads));
            Assert.That(answer["accepted"]!.GetValue<int>(), Is.EqualTo(Leads));
            Assert.That(answer["leads"]!.AsArray(), Has.Count.EqualTo(Leads));
        }
        await AssertPromisesAsync(data, Leads, answer!["leads"]!.AsArray().Select(l => Guid.Parse(l!["leadId"]!.GetValue<string>())));
    }

    [Test]
    public async Task Should_answer_130_when_interrupted_and_keep_what_was_taken_in()
    {
        using var folder = new TempFolder();
        var file = folder.Write("leads.jsonl", GeneratedLeads.Lines(60));
        var data = folder["data"];
        string[] command = ["process", file, "--data", data, "--json"];

        await using var process = WorkerProcess.Start(command, new Dictionary<string, string> { ["Mock__Latency"] = "00:00:01", ["Messaging__EmbeddedConcurrency"] = "4" }, folder.Path);
        await Eventually.ShouldAsync(async () => (await Promises.OutcomesAsync(data)).Count > 0, "have taken leads in");
        var code = await process.StopAsync();
        var (again, answer) = await Cli.JsonAsync(command, folder.Path);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.EqualTo(130), process.Transcript());
            Assert.That(again, Is.Zero);
            Assert.That(answer!["accepted"]!.GetValue<int>(), Is.EqualTo(60));
        }
        await AssertPromisesAsync(data, 60, []);
    }

    [Test]
    public async Task Should_answer_130_when_interrupted_while_it_waits_for_more_input()
    {
        using var folder = new TempFolder();
        var data = folder["data"];

        await using var process = WorkerProcess.Start(["process", "-", "--data", data], workingDirectory: folder.Path, input: GeneratedLeads.Lines(3));
        await Eventually.ShouldAsync(async () => (await Promises.OutcomesAsync(data)).Values.Sum() == 3, "have taken in what was there");
        var code = await process.StopAsync(TimeSpan.FromSeconds(20));

        Assert.That(code, Is.EqualTo(130), process.Transcript());
    }

    [Test]
    public async Task Should_print_one_whole_document_when_interrupted_while_telling()
    {
        using var folder = new TempFolder();
        var file = folder.Write("leads.jsonl", GeneratedLeads.Lines(1500));
        var slow = new Dictionary<string, string> { ["Mock__Latency"] = "00:00:00.020", ["Messaging__EmbeddedConcurrency"] = "16" };

        await using var process = WorkerProcess.Start(["process", file, "--json"], slow, folder.Path);
        await process.UntilPrintedAsync("\"leadId\"");
        var code = await process.StopAsync();
        var printed = JsonNode.Parse(string.Join('\n', process.Output))!.AsObject();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.EqualTo(130), process.Transcript());
            Assert.That(printed["complete"]?.GetValue<bool>(), Is.False);
            Assert.That(printed["leads"]!.AsArray(), Has.Count.InRange(1, 1499));
        }
    }

    private static Task UntilDoneAsync(RunningWorker worker) => Eventually.ShouldAsync(async () =>
    {
        foreach (var status in new[] { "Received", "Analyzing", "Analyzed", "Executing", "Deferred" })
        {
            if ((await worker.GetAsync($"/leads?status={status}&limit=1"))["items"]!.AsArray().Count > 0)
                return false;
        }
        return true;
    }, "finish every lead", TimeSpan.FromSeconds(60));

    private static async Task AssertPromisesAsync(string data, int leads, IEnumerable<Guid> accepted)
    {
        var broken = await Promises.BrokenAsync(data, accepted);
        var (code, verified) = await Cli.JsonAsync(["audit", "verify", "--json"], data);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(broken, Is.Empty);
            Assert.That(code, Is.Zero);
            Assert.That(verified!["leads"]!.GetValue<int>(), Is.EqualTo(leads));
            Assert.That(verified["problems"]!.AsArray(), Is.Empty);
        }
    }
}
