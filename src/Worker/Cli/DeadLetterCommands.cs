using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Storage;
using Spectre.Console;

namespace LeadPipeline.Worker.Cli;

/// <summary><c>dead-letters list | show | replay | jobs | stop | note | edit | edits | approve-edit | deny-edit | discard</c>.</summary>
internal static class DeadLetterCommands
{
    public static Command Create(Dictionary<string, string?> settings) =>
        new("dead-letters", "What failed for good: looks at it, sends it on, throws it away.") { List(settings), Show(settings), Replay(settings), Jobs(settings), Stop(settings), Note(settings), Edit(settings), Edits(settings), ApproveEdit(settings), DenyEdit(settings), Discard(settings) };

    private static Command List(Dictionary<string, string?> settings)
    {
        var state = new Option<string>("--state") { Description = "Only those that stand there", DefaultValueFactory = _ => "open" };
        state.AcceptOnlyFromAmong([.. DeadLetterStore.States]);
        var group = GroupOption();
        var search = new Option<string?>("--search") { Description = "Only items in whose group, reason, queue, id or lead's id this occurs" };
        var limit = CliOutput.LimitOption(200, "At most so many items");
        var json = CliOutput.JsonOption();
        var command = new Command("list", "Lists dead letters by cause, the oldest first.") { state, group, search, limit, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var host = await OpenAsync(settings, cancellationToken);
            var view = await DeadLetterEndpoints.ViewAsync(Store(host), Acts(host), parsed.GetValue(state)!, parsed.GetValue(group), parsed.GetValue(search), parsed.GetValue(limit), cancellationToken);
            if (parsed.GetValue(json))
            {
                CliOutput.WriteJson(view);
                return 0;
            }
            CliOutput.Out.Write(Table(view["groups"]!, "Group", "group", "Count", "count", "Replayed before", "replayed", "Reason", "reason", "Queue", "queue"));
            foreach (var note in view["groups"]!.AsArray().SelectMany(g => g!["notes"]!.AsArray().Select(n => (Group: g["group"]!.ToString(), Note: n!))))
                CliOutput.Say($"{note.Group}: {note.Note["text"]} ({note.Note["by"]}, {note.Note["at"]})");
            CliOutput.Out.Write(Table(view["items"]!, "Dead letter", "id", "Group", "group", "Lead", "leadId", "At", "at", "Replays", "replays"));
            CliOutput.Say(view["items"]!.AsArray().Count == 0 ? "No dead letters." : "leadpipeline dead-letters replay --group G --preview tells what a replay would do.");
            return 0;
        });
        return command;
    }

    private static Command Show(Dictionary<string, string?> settings)
    {
        var id = IdArgument();
        var json = CliOutput.JsonOption();
        var command = new Command("show", "Shows one dead letter, and what a replay of it would do.") { id, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var host = await OpenAsync(settings, cancellationToken);
            if (await Store(host).FindAsync([parsed.GetValue(id)], cancellationToken) is not [var row])
                return await NoSuchAsync(parsed.GetValue(id));
            var view = await DeadLetterEndpoints.DetailAsync(row, Store(host), Operations(host), Acts(host), cancellationToken);
            if (parsed.GetValue(json))
            {
                CliOutput.WriteJson(view);
                return 0;
            }
            foreach (var member in (string[])["id", "state", "group", "queue", "leadId", "reason", "why", "at", "replays"])
                CliOutput.Say($"{member,-10} {view[member]?.ToString() ?? "-"}");
            CliOutput.Out.Write(Table(view["would"]!, "Step", "step", "Tool", "tool", "A replay would", "action"));
            foreach (var act in view["acts"]!.AsArray())
                CliOutput.Say($"{act!["at"]} {act["by"]} {act["act"]} {act["text"]}");
            return 0;
        });
        return command;
    }

    private static Command Replay(Dictionary<string, string?> settings)
    {
        var ids = new Argument<Guid[]>("ID") { Description = "Dead letters", Arity = ArgumentArity.ZeroOrMore };
        var group = GroupOption();
        var all = new Option<bool>("--all") { Description = "All that are open" };
        var preview = new Option<bool>("--preview") { Description = "Only tell what it would do; nobody is called" };
        var ramp = new Option<bool>("--ramp") { Description = "1, 5, 25, then the rest; stops when the same failure comes back" };
        var rate = new Option<string?>("--rate") { Description = "At most so many a second, for example 5/s" };
        var timeout = new Option<TimeSpan>("--timeout") { Description = "How long a wave of a ramp may take", DefaultValueFactory = _ => TimeSpan.FromMinutes(10) };
        var json = CliOutput.JsonOption();
        var command = new Command("replay", "Sends dead letters on: a lead goes on where it failed, a message goes back to its queue.") { ids, group, all, preview, ramp, rate, timeout, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var selection = new DeadLetterSelection(parsed.GetValue(ids) ?? [], parsed.GetValue(group), parsed.GetValue(all));
            if (selection.IsEmpty)
                throw new UsageException("Say which: ids, --group G, or --all.");
            var pace = new ReplayPace(parsed.GetValue(ramp), Rate(parsed.GetValue(rate)), parsed.GetValue(timeout));
            await using var host = await OpenAsync(settings, cancellationToken);
            var (open, refused) = await Operations(host).SelectAsync(selection, cancellationToken);
            if (parsed.GetValue(preview))
            {
                Preview(await Operations(host).PreviewAsync(open, cancellationToken), parsed.GetValue(json));
                return refused.Count == 0 ? 0 : 1;
            }
            var running = await LeadActs.IsAnyRunningAsync(host.Services, cancellationToken);
            if (pace.Ramp && !running)
            {
                await Console.Error.WriteLineAsync("No worker is running, so that no wave would end; start one (leadpipeline run), or replay without --ramp.");
                return 1;
            }
            // With a ramp or a rate it takes its time: kept as a job, it goes on whatever becomes of this command.
            var report = running && (pace.Ramp || pace.Rate is not null)
                ? await OrderAsync(host, open, pace, cancellationToken)
                : await Operations(host).ReplayAsync(open, pace, waitForEnds: false, LeadActs.Actor, cancellationToken);
            report = report with { Refused = [.. refused, .. report.Refused] };
            if (parsed.GetValue(json))
            {
                CliOutput.WriteJson(report.Json());
            }
            else
            {
                CliOutput.Say($"{report.Replayed} of {report.Selected} dead letters replayed.{(pace.Ramp ? $" {report.Completed} came to an end, {report.Failed} failed again." : running ? "" : " No worker is running; they go on when one is started (leadpipeline run).")}");
                foreach (var refusal in report.Refused)
                    CliOutput.Say($"  {refusal.Id}: {refusal.Code}: {refusal.Detail}");
                if (report.Stopped is { } why)
                    CliOutput.Say($"Stopped: {why}.");
            }
            return report.Refused.Count == 0 && report.Failed == 0 && report.Stopped is null ? 0 : 1;
        });
        return command;
    }

    /// <summary>Every ten seconds.</summary>
    private const int LooksForOwner = 20;

    /// <summary>Has a worker carry it out, and watches it to its end.</summary>
    private static async Task<ReplayReport> OrderAsync(CliHost host, IReadOnlyList<DeadLetterRow> open, ReplayPace pace, CancellationToken cancellationToken)
    {
        var jobs = host.Services.GetRequiredService<ReplayJobStore>();
        var job = await ReplayJobs.OrderAsync(jobs, Acts(host), open, pace, LeadActs.Actor, cancellationToken);
        await Console.Error.WriteLineAsync($"Job {job.Id}: a worker carries it out, also when this command is ended; leadpipeline dead-letters jobs shows it, stop ends it.");
        for (var looks = 1; job.State == ReplayJob.Running; looks++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(500), cancellationToken);
            job = await jobs.FindAsync(job.Id, cancellationToken) ?? throw new UsageException("The job is gone.");
            // What runs may be something that takes up no jobs, such as process. Jobs that a worker has in hand are waited for.
            if (looks % LooksForOwner == 0 && await jobs.RunningAsync(cancellationToken) is { Count: > 0 } running && running.TrueForAll(j => j.Owner is null))
                await Console.Error.WriteLineAsync($"No worker has taken it up so far; leadpipeline run does. It waits until then, and leadpipeline dead-letters stop {job.Id} ends it.");
        }
        return ReplayReport.Of(job.Items.Count, job.Progress);
    }

    private static Command Jobs(Dictionary<string, string?> settings)
    {
        var json = CliOutput.JsonOption();
        var command = new Command("jobs", "Lists replays that were ordered, the newest first.") { json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var host = await OpenAsync(settings, cancellationToken);
            var items = new JsonArray([.. (await host.Services.GetRequiredService<ReplayJobStore>().ListAsync(null, 100, cancellationToken)).Select(j => (JsonNode)j.Json())]);
            if (parsed.GetValue(json))
                CliOutput.WriteJson(new JsonObject { ["items"] = items });
            else
                CliOutput.Out.Write(Table(items, "Job", "job", "State", "state", "By", "orderedBy", "Of", "selected", "Replayed", "replayed", "Completed", "completed", "Failed", "failed", "Stopped", "stopped"));
            return 0;
        });
        return command;
    }

    private static Command Stop(Dictionary<string, string?> settings)
    {
        var id = new Argument<Guid>("JOB") { Description = "The replay's id" };
        var json = CliOutput.JsonOption();
        var command = new Command("stop", "Ends a replay where it is; what has gone on goes on.") { id, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var host = await OpenAsync(settings, cancellationToken);
            if (await host.Services.GetRequiredService<ReplayJobStore>().StopAsync(parsed.GetValue(id), cancellationToken) is not { } job)
            {
                await Console.Error.WriteLineAsync($"There is no replay {parsed.GetValue(id)}.");
                return 1;
            }
            await Acts(host).RecordAsync(LeadActs.Actor, "replay_stopped", null, null, $"job {job.Id}", cancellationToken);
            if (parsed.GetValue(json))
                CliOutput.WriteJson(job.Json());
            else
                CliOutput.Say($"Ended after {job.Progress.Replayed} of {job.Items.Count}.");
            return 0;
        });
        return command;
    }

    private static Command Note(Dictionary<string, string?> settings)
    {
        var group = new Argument<string>("GROUP") { Description = "The group, as list shows it" };
        var text = new Argument<string>("TEXT") { Description = "What the next one who looks should know" };
        var json = CliOutput.JsonOption();
        var command = new Command("note", "Writes a note on a group.") { group, text, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(text)?.Trim() is not { Length: > 0 and <= 1000 } said)
                throw new UsageException("Say what the next one should know, in 1 to 1000 characters.");
            await using var host = await OpenAsync(settings, cancellationToken);
            await Acts(host).RecordAsync(LeadActs.Actor, DeadLetterActs.Noted, null, parsed.GetValue(group), said, cancellationToken);
            if (parsed.GetValue(json))
                CliOutput.WriteJson(new JsonObject { ["group"] = parsed.GetValue(group), ["text"] = said });
            else
                CliOutput.Say("Noted.");
            return 0;
        });
        return command;
    }

    private static Command Edit(Dictionary<string, string?> settings)
    {
        var id = IdArgument();
        var file = new Argument<FileInfo>("FILE") { Description = "The whole lead as it should read, a JSON object" };
        var reason = new Option<string>("--reason") { Description = "Why; it is kept", Required = true };
        var json = CliOutput.JsonOption();
        var command = new Command("edit", "Says how the lead in a message that could not be taken in should read; somebody else has to approve it.") { id, file, reason, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var why = Required(parsed.GetValue(reason));
            JsonObject lead;
            try
            {
                lead = JsonNode.Parse(await File.ReadAllBytesAsync(parsed.GetValue(file)!.FullName, cancellationToken)) as JsonObject ?? throw new UsageException("FILE holds no JSON object.");
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or System.Text.Json.JsonException)
            {
                throw new UsageException("FILE cannot be read as JSON.");
            }
            await using var host = await OpenAsync(settings, cancellationToken);
            return await SayAsync(await Editing(host).RequestAsync(parsed.GetValue(id), lead, why, LeadActs.Actor, cancellationToken), parsed.GetValue(json));
        });
        return command;
    }

    private static Command Edits(Dictionary<string, string?> settings)
    {
        var id = new Argument<Guid?>("EDIT") { Description = "Only this one, with what stands in the members that it changes; who looks is written down", Arity = ArgumentArity.ZeroOrOne };
        var json = CliOutput.JsonOption();
        var command = new Command("edits", "Lists edits that wait for somebody, with the members that they change.") { id, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var host = await OpenAsync(settings, cancellationToken);
            if (parsed.GetValue(id) is { } one)
            {
                var edit = await Editing(host).ViewAsync(one, LeadActs.Actor, cancellationToken);
                return await SayAsync(new EditAnswer(edit, "not-found", "There is no such edit."), parsed.GetValue(json));
            }
            var items = new JsonArray([.. (await Editing(host).ListAsync(cancellationToken)).Select(e => (JsonNode)e.Summary())]);
            if (parsed.GetValue(json))
            {
                CliOutput.WriteJson(new JsonObject { ["items"] = items });
                return 0;
            }
            foreach (var item in items)
                Say(item!.AsObject());
            CliOutput.Say(items.Count == 0 ? "No edits wait." : "leadpipeline dead-letters edits EDIT shows one in full; approve-edit EDIT sends it.");
            return 0;
        });
        return command;
    }

    private static Command ApproveEdit(Dictionary<string, string?> settings)
    {
        var id = new Argument<Guid>("EDIT") { Description = "The edit's id" };
        var json = CliOutput.JsonOption();
        var command = new Command("approve-edit", "Approves an edit of somebody else and sends the new message.") { id, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var host = await OpenAsync(settings, cancellationToken);
            return await SayAsync(await Editing(host).ApproveAsync(parsed.GetValue(id), LeadActs.Actor, cancellationToken), parsed.GetValue(json));
        });
        return command;
    }

    private static Command DenyEdit(Dictionary<string, string?> settings)
    {
        var id = new Argument<Guid>("EDIT") { Description = "The edit's id" };
        var reason = new Option<string>("--reason") { Description = "Why; it is kept", Required = true };
        var json = CliOutput.JsonOption();
        var command = new Command("deny-edit", "Says no to an edit.") { id, reason, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var why = Required(parsed.GetValue(reason));
            await using var host = await OpenAsync(settings, cancellationToken);
            return await SayAsync(await Editing(host).DenyAsync(parsed.GetValue(id), why, LeadActs.Actor, cancellationToken), parsed.GetValue(json));
        });
        return command;
    }

    private static async Task<int> SayAsync(EditAnswer answer, bool json)
    {
        if (answer.Edit is not { } edit)
        {
            await Console.Error.WriteLineAsync($"{answer.Code}: {answer.Detail}");
            foreach (var error in answer.Errors ?? [])
                await Console.Error.WriteLineAsync($"  {error}");
            return 1;
        }
        if (json)
            CliOutput.WriteJson(edit.Json());
        else
            Say(edit.Json());
        return 0;
    }

    private static void Say(JsonObject edit)
    {
        CliOutput.Say($"{edit["id"]}  {edit["state"]}  of dead letter {edit["deadLetter"]}, by {edit["requestedBy"]}: {edit["reason"]}");
        foreach (var change in edit["changes"]!.AsArray())
            CliOutput.Say(!change!.AsObject().ContainsKey("to") ? $"  {change["path"]}" : $"  {change["path"]}: {change["from"]?.ToJsonString() ?? "nothing"} -> {change["to"]?.ToJsonString() ?? "nothing"}");
    }

    private static Command Discard(Dictionary<string, string?> settings)
    {
        var id = IdArgument();
        var reason = new Option<string>("--reason") { Description = "Why; it is kept", Required = true };
        var json = CliOutput.JsonOption();
        var command = new Command("discard", "Puts a dead letter aside for good. A lead stays as it is; the body of a message is gone.") { id, reason, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var why = Required(parsed.GetValue(reason));
            await using var host = await OpenAsync(settings, cancellationToken);
            switch (await Operations(host).DiscardAsync(parsed.GetValue(id), why, LeadActs.Actor, cancellationToken))
            {
                case DiscardAnswer.NotFound:
                    return await NoSuchAsync(parsed.GetValue(id));
                case DiscardAnswer.NotOpen:
                    await Console.Error.WriteLineAsync("not-open: Somebody has replayed or discarded it.");
                    return 1;
            }
            if (parsed.GetValue(json))
                CliOutput.WriteJson(new JsonObject { ["id"] = parsed.GetValue(id).ToString(), ["state"] = "discarded" });
            else
                CliOutput.Say($"Dead letter {parsed.GetValue(id)} is discarded.");
            return 0;
        });
        return command;
    }

    /// <summary>A reason that says something.</summary>
    internal static string Required(string? reason) => reason?.Trim() is { Length: > 0 and <= 1000 } text ? text : throw new UsageException("--reason: say why, in 1 to 1000 characters.");

    private static double? Rate(string? text)
    {
        if (text is null)
            return null;
        var number = text.EndsWith("/s", StringComparison.Ordinal) ? text[..^2] : text;
        return double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var rate) && rate is >= 0.01 and <= 1000
            ? rate
            : throw new UsageException("--rate is not allowed; write a number from 0.01 to 1000 a second, for example --rate 5/s.");
    }

    private static void Preview(JsonArray items, bool json)
    {
        if (json)
        {
            CliOutput.WriteJson(new JsonObject { ["items"] = items });
            return;
        }
        foreach (var item in items)
        {
            CliOutput.Say($"{item!["id"]}  {item["group"]}  lead {item["leadId"]?.ToString() ?? "-"}");
            foreach (var would in item["would"]!.AsArray())
                CliOutput.Say($"  {would!["action"],-20} {would["step"]} {would["tool"]}");
        }
        CliOutput.Say(items.Count == 0 ? "Nothing is open there." : $"{items.Count} dead letters; nothing was done.");
    }

    private static Table Table(JsonNode rows, params string[] columns)
    {
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var title in columns.Where((_, i) => i % 2 == 0))
            table.AddColumn(title);
        foreach (var row in rows.AsArray())
            table.AddRow([.. columns.Where((_, i) => i % 2 == 1).Select(c => CliOutput.Plain(row![c]?.ToString()))]);
        return table;
    }

    private static async Task<int> NoSuchAsync(Guid id)
    {
        await Console.Error.WriteLineAsync($"There is no dead letter {id}.");
        return 1;
    }

    private static async Task<CliHost> OpenAsync(Dictionary<string, string?> settings, CancellationToken cancellationToken)
    {
        var host = new CliHost(WorkerApplication.Reader(settings));
        _ = await host.LeadsAsync(cancellationToken);
        return host;
    }

    private static DeadLetterStore Store(CliHost host) => host.Services.GetRequiredService<DeadLetterStore>();

    private static DeadLetterEditing Editing(CliHost host) => host.Services.GetRequiredService<DeadLetterEditing>();

    private static DeadLetterActs Acts(CliHost host) => host.Services.GetRequiredService<DeadLetterActs>();

    private static DeadLetterOperations Operations(CliHost host) => host.Services.GetRequiredService<DeadLetterOperations>();

    private static Argument<Guid> IdArgument() => new("ID") { Description = "The dead letter's id" };

    private static Option<string?> GroupOption() => new("--group") { Description = "Only this group" };
}
