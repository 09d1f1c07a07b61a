using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Evidence;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Storage;
using Spectre.Console;

namespace LeadPipeline.Worker.Cli;

/// <summary><c>process FILE</c>: the whole pipeline on a file, with whatever parts are configured.</summary>
internal static class ProcessCommand
{
    public static Command Create(Dictionary<string, string?> settings)
    {
        var file = new Argument<string>("FILE") { Description = "Leads as .jsonl, .json or .csv; - for standard input" };
        var timeout = new Option<TimeSpan>("--timeout") { Description = "Longest wait for the last lead", DefaultValueFactory = _ => TimeSpan.FromMinutes(10) };
        var json = CliOutput.JsonOption();
        var command = new Command("process", "Takes the leads of a file through the whole pipeline and says what became of them.") { file, timeout, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var run = new ProcessRun(settings, parsed.GetValue(file)!, parsed.GetValue(timeout), parsed.GetValue(json));
            return await run.RunAsync(cancellationToken);
        });
        return command;
    }
}

/// <summary>One run of <c>process</c>.</summary>
internal sealed class ProcessRun(Dictionary<string, string?> settings, string path, TimeSpan timeout, bool json) : IDisposable
{
    private const int Together = 256;

    private static readonly (LeadStatus Status, string Meaning)[] Meanings =
    [
        (LeadStatus.Completed, "worked into the CRM"),
        (LeadStatus.Rejected, "the judgement did not match the evidence; nothing was done, a person looks"),
        (LeadStatus.NeedsReview, "a person has to look"),
        (LeadStatus.Blocked, "a safety rule or the policy forbids it; nothing was done"),
        (LeadStatus.Compensated, "a step failed; what had been done was undone"),
        (LeadStatus.DeadLettered, "failed for good; see dead letters"),
        (LeadStatus.Deferred, "waits for something that does not work now; goes on by itself"),
        (LeadStatus.Cancelled, "cancelled"),
        (LeadStatus.Erased, "erased"),
        (LeadStatus.Received, "taken in, not worked on yet"),
        (LeadStatus.Analyzing, "being analysed"),
        (LeadStatus.Analyzed, "planned, not executed yet"),
        (LeadStatus.Executing, "being executed"),
    ];

    private readonly Dictionary<Guid, int> ids = [];
    private readonly List<(int Line, IReadOnlyList<FieldError> Errors)> invalid = [];
    private readonly Dictionary<string, Task> latest = [];
    private readonly SemaphoreSlim seats = new(Together);
    private readonly Lock gate = new();
    private int submitted, duplicates;
    private Exception? failure;
    private string? companies;

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var (stream, name) = LeadFiles.Open(path);
        await using var input = stream;
        UseCompaniesBeside();
        await using var host = new CliHost(WorkerApplication.Pipeline(settings, quiet: true));
        await using var alone = await DataLock.TakeAsync(host.Services.GetRequiredService<IConfiguration>(), cancellationToken);
        var watch = Stopwatch.StartNew();
        await host.StartAsync(cancellationToken);
        try
        {
            await WithProgressAsync(async report =>
            {
                await FeedAsync(host.Services.GetRequiredService<LeadDoor>(), stream, name, report, cancellationToken);
                await WaitAsync(host.Services.GetRequiredService<LeadQueries>(), watch, report, cancellationToken);
            });
            var leads = await host.Services.GetRequiredService<LeadQueries>().SummariesAsync([.. ids.OrderBy(i => i.Value).Select(i => i.Key)], cancellationToken);
            return Report(leads, watch.Elapsed);
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("Interrupted. What was taken in is kept; the same command goes on where this one stopped.");
            return LeadPipelineCli.Interrupted;
        }
        finally
        {
            await host.StopAsync();
        }
    }

    public void Dispose() => seats.Dispose();

    /// <summary>A <c>companies.csv</c> beside the leads is their company directory, unless another one is configured.</summary>
    private void UseCompaniesBeside()
    {
        const string Key = EnrichmentDirectoryOptions.Section + ":File";
        if (path == "-" || WorkerApplication.Configuration(settings)[Key] is { Length: > 0 })
            return;
        var beside = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, "companies.csv");
        if (!File.Exists(beside))
            return;
        settings[Key] = beside;
        companies = beside;
    }

    private async Task FeedAsync(LeadDoor door, Stream stream, string name, Action<int, int> report, CancellationToken cancellationToken)
    {
        await foreach (var line in LeadFile.ReadAsync(stream, name, cancellationToken))
        {
            await seats.WaitAsync(cancellationToken);
            ThrowIfFailed(cancellationToken);
            submitted++;
            TakeInOrder(door, line, cancellationToken);
            if (submitted % 50 == 0)
                report(submitted, 0);
        }
        for (var i = 0; i < Together; i++)
            await seats.WaitAsync(cancellationToken);
        ThrowIfFailed(cancellationToken);
    }

    private void ThrowIfFailed(CancellationToken cancellationToken)
    {
        // An interruption fails the leads in hand too; it is the user's wish and not their failure.
        cancellationToken.ThrowIfCancellationRequested();
        if (failure is not null)
            throw new InvalidOperationException("A lead could not be taken in.", failure);
    }

    /// <summary>Lines are taken in together, but of two copies of a lead the one that stands first in the file is the lead.</summary>
    private void TakeInOrder(LeadDoor door, LeadLine line, CancellationToken cancellationToken)
    {
        var key = Text("externalId") ?? Text("email");
        var before = key is null ? null : latest.GetValueOrDefault(key);
        var task = TakeAsync(door, line, before, cancellationToken);
        if (key is null)
            return;
        latest[key] = task;
        if (latest.Count > 4 * Together)
        {
            foreach (var done in latest.Where(l => l.Value.IsCompleted).Select(l => l.Key).ToList())
                _ = latest.Remove(done);
        }

        string? Text(string member) =>
            line.Body is { ValueKind: JsonValueKind.Object } body && body.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()?.Trim().ToLowerInvariant() : null;
    }

    private async Task TakeAsync(LeadDoor door, LeadLine line, Task? before, CancellationToken cancellationToken)
    {
        try
        {
            if (before is not null)
                await before;
            var answer = line.Body is { } body
                ? await door.TakeAsync(body, "file", trusted: true, null, null, cancellationToken)
                : new DoorAnswer.Refused([new FieldError("$", line.Error ?? "is not a lead", "correct the line")]);
            lock (gate)
            {
                switch (answer)
                {
                    case DoorAnswer.Accepted accepted:
                        // Two lines of one lead, or a lead that an earlier run of this command took in.
                        if (!ids.TryAdd(accepted.LeadId, line.Line))
                            duplicates++;
                        break;
                    case DoorAnswer.Refused refused:
                        invalid.Add((line.Line, refused.Errors));
                        break;
                    case DoorAnswer.Taken taken:
                        invalid.Add((line.Line, [taken.Error]));
                        break;
                }
            }
        }
#pragma warning disable CA1031 // Carried to the reader of the file, which ends the run.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            failure ??= exception;
        }
        finally
        {
            seats.Release();
        }
    }

    private async Task WaitAsync(LeadQueries leads, Stopwatch watch, Action<int, int> report, CancellationToken cancellationToken)
    {
        var open = ids.Keys.ToList();
        var pause = TimeSpan.FromMilliseconds(20);
        while (open.Count > 0 && watch.Elapsed < timeout)
        {
            open = await leads.OpenAsync(open, cancellationToken);
            report(submitted, ids.Count - open.Count);
            if (open.Count == 0)
                return;
            await Task.Delay(pause, cancellationToken);
            pause = TimeSpan.FromMilliseconds(Math.Min(500, pause.TotalMilliseconds * 1.5));
        }
    }

    private async Task WithProgressAsync(Func<Action<int, int>, Task> work)
    {
        if (!CliOutput.IsWatched || json)
        {
            await work((_, _) => { });
            return;
        }
        await CliOutput.Error.Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(), new SpinnerColumn())
            .StartAsync(async progress =>
            {
                var task = progress.AddTask("Leads");
                await work((total, done) =>
                {
                    task.MaxValue = Math.Max(1, total);
                    task.Value = done;
                    task.Description = string.Create(CultureInfo.InvariantCulture, $"{total} read, {done} done");
                });
            });
    }

    private int Report(IReadOnlyList<JsonObject> leads, TimeSpan elapsed)
    {
        var outcomes = leads.GroupBy(l => l["status"]!.GetValue<string>()).ToDictionary(g => g.Key, g => g.Count());
        var finished = leads.All(l => Enum.Parse<LeadStatus>(l["status"]!.GetValue<string>()).IsTerminal());
        if (json)
            CliOutput.WriteJson(Json(leads, outcomes, elapsed));
        else
            Print(leads, outcomes, elapsed);
        return invalid.Count == 0 && finished ? 0 : 1;
    }

    private JsonObject Json(IReadOnlyList<JsonObject> leads, Dictionary<string, int> outcomes, TimeSpan elapsed) => new()
    {
        ["submitted"] = submitted,
        ["accepted"] = ids.Count,
        ["duplicates"] = duplicates,
        ["invalid"] = new JsonArray([.. invalid.OrderBy(i => i.Line).Select(i => (JsonNode)new JsonObject { ["line"] = i.Line, ["errors"] = Problems.Errors(i.Errors) })]),
        ["outcomes"] = new JsonObject(outcomes.Select(o => KeyValuePair.Create(o.Key, (JsonNode?)o.Value))),
        ["seconds"] = Math.Round(elapsed.TotalSeconds, 3),
        ["leads"] = new JsonArray([.. leads.Select(l => (JsonNode)l)]),
    };

    private void Print(IReadOnlyList<JsonObject> leads, Dictionary<string, int> outcomes, TimeSpan elapsed)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn("Outcome").AddColumn(new TableColumn("Leads").RightAligned()).AddColumn("What it means");
        foreach (var (status, meaning) in Meanings.Where(m => outcomes.ContainsKey(m.Status.ToString())))
            table.AddRow(status.ToString(), outcomes[status.ToString()].ToString(CultureInfo.InvariantCulture), meaning);
        CliOutput.Out.Write(table);

        var decisions = leads.Where(l => l["status"]!.GetValue<string>() == nameof(LeadStatus.Completed)).GroupBy(l => l["decision"]?.GetValue<string>()).ToDictionary(g => g.Key ?? "", g => g.Count());
        var routed = decisions.GetValueOrDefault(nameof(LeadDecision.ROUTE_TO_SDR));
        CliOutput.Say($"Of those in the CRM: {routed} to sales with a task for the next business day, {decisions.GetValueOrDefault(nameof(LeadDecision.NURTURE))} to be nurtured, {decisions.GetValueOrDefault(nameof(LeadDecision.IGNORE))} disqualified.");
        CliOutput.Say(string.Create(CultureInfo.InvariantCulture, $"{submitted} lines read, {ids.Count} leads, {duplicates} copies, {invalid.Count} refused, in {elapsed.TotalSeconds:0.0} s."));
        if (companies is not null)
            CliOutput.Say($"Companies were looked up in {Path.GetRelativePath(Directory.GetCurrentDirectory(), companies)}.");
        foreach (var (line, errors) in invalid.OrderBy(i => i.Line).Take(20))
            CliOutput.Say("  " + LeadFiles.Describe(line, errors));
        if (invalid.Count > 20)
            CliOutput.Say($"  … and {invalid.Count - 20} more; --json lists them all");
        if (leads.Count > 0)
        {
            var example = leads.FirstOrDefault(l => l["decision"]?.GetValue<string>() == nameof(LeadDecision.ROUTE_TO_SDR)) ?? leads[0];
            CliOutput.Say("Where to look next:");
            CliOutput.Say($"  leadpipeline leads show {example["leadId"]}");
            CliOutput.Say("  leadpipeline leads list --status Rejected");
            CliOutput.Say("  leadpipeline crm list tasks");
        }
    }
}
