using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Evidence;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Ops;

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
internal sealed class ProcessRun : IDisposable
{
    private const int Together = 256;

    /// <summary>Leads that are waited for together.</summary>
    private const int Window = 1000;

    /// <summary>About as many as the embedded queue holds and works on.</summary>
    private const int Queued = 2300;

    private readonly Dictionary<string, string?> settings;
    private readonly string path;
    private readonly TimeSpan timeout;
    private readonly bool json;

    /// <summary>The leads in the order of the file. This is all that grows with the file: some 40 bytes a lead.</summary>
    private readonly OrderedDictionary<Guid, int> ids = [];
    private readonly LeadFileLayout layout = new();
    private readonly RefusalLog refusals;
    private readonly Dictionary<string, Task> latest = [];
    private readonly Queue<Task<Taken>> inHand = new(Together);
    private int submitted, duplicates;
    private string? companies;

    public ProcessRun(Dictionary<string, string?> settings, string path, TimeSpan timeout, bool json)
    {
        (this.settings, this.path, this.timeout, this.json) = (settings, path, timeout, json);
        refusals = new RefusalLog(path, layout);
    }

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
            var leads = host.Services.GetRequiredService<LeadQueries>();
            var isDone = false;
            await WithProgressAsync(async report =>
            {
                await FeedAsync(host.Services.GetRequiredService<LeadDoor>(), stream, name, report, cancellationToken);
                isDone = await WaitAsync(leads, watch, report, cancellationToken);
            });
            refusals.Complete();
            isDone = isDone || (await leads.OpenAsync(ids.Keys, cancellationToken)).Count == 0;
            if (!isDone)
                await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"Not everything was done within {timeout.TotalSeconds:0} s; what was taken in goes on with the next start."));
            var code = await new ProcessReport(leads, ids, submitted, duplicates, refusals, layout, watch.Elapsed, companies).WriteAsync(json, cancellationToken);
            // Of leads that a broker still holds there is nothing to count yet.
            return isDone ? code : 1;
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

    public void Dispose() => refusals.Dispose();

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

    private async Task FeedAsync(LeadDoor door, Stream stream, string name, Action<double, string> report, CancellationToken cancellationToken)
    {
        var length = stream.CanSeek ? stream.Length : 0;
        await foreach (var line in LeadFile.ReadAsync(stream, name, layout, cancellationToken))
        {
            if (inHand.Count == Together)
                await SettleAsync(cancellationToken);
            submitted++;
            inHand.Enqueue(TakeInOrder(door, line, cancellationToken));
            if (submitted % 50 == 0)
            {
                // What was read last is not done yet: the queue holds some.
                var done = Math.Max(0, submitted - Queued) / (double)submitted;
                report(length > 0 ? done * stream.Position / length : 0, $"{submitted} read");
            }
        }
        while (inHand.Count > 0)
            await SettleAsync(cancellationToken);
    }

    /// <summary>Lines are taken in together, but of two copies of a lead the one that stands first in the file is the lead.</summary>
    private Task<Taken> TakeInOrder(LeadDoor door, LeadLine line, CancellationToken cancellationToken)
    {
        var key = Text("externalId") ?? Text("email");
        var before = key is null ? null : latest.GetValueOrDefault(key);
        var task = TakeAsync(door, line, before, cancellationToken);
        if (key is null)
            return task;
        latest[key] = task;
        if (latest.Count > 4 * Together)
        {
            foreach (var done in latest.Where(l => l.Value.IsCompleted).Select(l => l.Key).ToList())
                _ = latest.Remove(done);
        }
        return task;

        string? Text(string member) =>
            line.Body is { ValueKind: JsonValueKind.Object } body && body.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()?.Trim().ToLowerInvariant() : null;
    }

    private static async Task<Taken> TakeAsync(LeadDoor door, LeadLine line, Task? before, CancellationToken cancellationToken)
    {
        // Whether the one before could be taken in is for the reader of the file to find out.
        if (before is not null)
            await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return new Taken(line, line.Body is { } body
            ? await door.TakeAsync(body, "file", trusted: true, null, null, cancellationToken)
            : new DoorAnswer.Refused([new FieldError("$", line.Error ?? "is not a lead", "correct the line")]));
    }

    /// <summary>Notes what became of the line that has been in hand for longest, so that everything is noted in the order of the file.</summary>
    private async Task SettleAsync(CancellationToken cancellationToken)
    {
        Taken taken;
        try
        {
            taken = await inHand.Dequeue();
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // An interruption fails the leads in hand too; it is the user's wish and not their failure.
            cancellationToken.ThrowIfCancellationRequested();
            throw new InvalidOperationException("A lead could not be taken in.", exception);
        }
        switch (taken.Answer)
        {
            case DoorAnswer.Accepted accepted:
                // Two lines of one lead, or a lead that an earlier run of this command took in.
                if (!ids.TryAdd(accepted.LeadId, taken.Line.Line))
                    duplicates++;
                break;
            case DoorAnswer.Refused refused:
                Refuse(taken.Line, refused.Errors);
                break;
            case DoorAnswer.Taken known:
                Refuse(taken.Line, [known.Error]);
                break;
        }
    }

    private void Refuse(LeadLine line, IReadOnlyList<FieldError> errors) => refusals.Add(
        line, string.Join("; ", errors.Select(e => e.ToString())), new JsonObject { ["line"] = line.Line, ["errors"] = Problems.Errors(errors) });

    /// <summary>Looks at the oldest leads that are not done; those behind them are done by the time it comes to them, mostly. False when time is up before.</summary>
    private async Task<bool> WaitAsync(LeadQueries leads, Stopwatch watch, Action<double, string> report, CancellationToken cancellationToken)
    {
        for (var from = 0; from < ids.Count; from += Window)
        {
            var open = Enumerable.Range(from, Math.Min(Window, ids.Count - from)).Select(i => ids.GetAt(i).Key).ToList();
            var pause = TimeSpan.FromMilliseconds(20);
            while ((open = await leads.OpenAsync(open, cancellationToken)).Count > 0)
            {
                if (watch.Elapsed >= timeout)
                    return false;
                var done = Math.Min(from + Window, ids.Count) - open.Count;
                report(done / (double)ids.Count, $"{submitted} read, {done} done");
                await Task.Delay(pause, cancellationToken);
                pause = TimeSpan.FromMilliseconds(Math.Min(100, pause.TotalMilliseconds * 1.5));
            }
        }
        return true;
    }

    private async Task WithProgressAsync(Func<Action<double, string>, Task> work)
    {
        if (!CliOutput.IsWatched || json)
        {
            await work((_, _) => { });
            return;
        }
        await CliOutput.ProgressAsync("Leads", work);
    }

    private sealed record Taken(LeadLine Line, DoorAnswer Answer);
}
