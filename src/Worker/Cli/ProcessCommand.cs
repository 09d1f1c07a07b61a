using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using LeadPipeline.Worker.Evidence;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Messaging;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Storage.Sql;

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

    /// <summary>Leads that are waited for and told of together.</summary>
    private const int Page = 250;

    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(50), LongestPause = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, string?> settings;
    private readonly string path;
    private readonly TimeSpan timeout;
    private readonly bool json;

    /// <summary>The leads of the file. This is all that grows with it: some 40 bytes a lead.</summary>
    private readonly HashSet<Guid> ids = [];
    private readonly LeadFileLayout layout = new();
    private readonly RefusalLog refusals;
    private readonly Dictionary<string, Task> latest = [];
    private readonly Queue<Task<Taken>> inHand = new(Together);
    private readonly Stopwatch watch = new();

    /// <summary>The leads in the order of the file, on their way from who feeds them to who waits for them.</summary>
    private readonly Channel<Guid> fed = Channel.CreateUnbounded<Guid>(new() { SingleReader = true, SingleWriter = true });
    private int submitted, copies, aliases, done;

    /// <summary>How much of the file has been read, 0–1; of standard input nobody knows before its end.</summary>
    private double share;
    private volatile bool isFed;
    private bool saidToWait;
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
        watch.Start();
        await host.StartAsync(cancellationToken);
        try
        {
            var leads = host.Services.GetRequiredService<LeadQueries>();
            await using var report = new ProcessReport(json);
            var isDone = false;
            using var together = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await WithProgressAsync(progress => Task.WhenAll(
                OrEndBoth(() => FeedAsync(host.Services.GetRequiredService<LeadDoor>(), stream, name, progress, together.Token)),
                OrEndBoth(async () => isDone = await FollowAsync(leads, host.Services.GetRequiredService<SqlDatabase>(), report, progress, together.Token))));
            refusals.Complete();
            if (!isDone)
                await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"Not everything was done within {timeout.TotalSeconds:0} s; what was taken in goes on with the next start."));
            var code = await report.EndAsync(new ProcessTotals(submitted, ids.Count - aliases, copies + aliases, refusals, layout, watch.Elapsed, companies));
            // Of leads that a broker still holds there is nothing to count yet.
            return isDone ? code : 1;

            // A file that cannot be read further is not waited for, and one whose leads cannot be told of is not read further.
            async Task OrEndBoth(Func<Task> work)
            {
                try
                {
                    await work();
                }
                catch
                {
                    await together.CancelAsync();
                    throw;
                }
            }
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

    private async Task FeedAsync(LeadDoor door, Stream stream, string name, Action<double, string> progress, CancellationToken cancellationToken)
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
                share = length > 0 ? (double)stream.Position / length : 0;
                Say(progress);
            }
        }
        while (inHand.Count > 0)
            await SettleAsync(cancellationToken);
        share = 1;
        isFed = true;
        fed.Writer.Complete();
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

    private async Task<Taken> TakeAsync(LeadDoor door, LeadLine line, Task? before, CancellationToken cancellationToken)
    {
        // Whether the one before could be taken in is for the reader of the file to find out.
        if (before is not null)
            await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (line.Body is not { } body)
            return new Taken(line, new DoorAnswer.Refused([new FieldError("$", line.Error ?? "is not a lead", "correct the line")]));
        // However often it is tried, it came now.
        var (since, now) = (Stopwatch.GetTimestamp(), DateTimeOffset.UtcNow);
        for (var pause = ShortestPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                return new Taken(line, await door.TakeAsync(body, "file", trusted: true, null, null, now, cancellationToken));
            }
            // A broker whose queues are not there yet, are full, or that is away: a file can wait.
            catch (BusUnavailableException exception) when (Stopwatch.GetElapsedTime(since) < timeout)
            {
                if (pause == LongestPause && Interlocked.Exchange(ref saidToWait, true) is false)
                    await Console.Error.WriteLineAsync($"Leads cannot be handed over now, and are tried again. {exception.Message}");
                await Task.Delay(pause, cancellationToken);
            }
        }
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
                if (ids.Add(accepted.LeadId))
                    fed.Writer.TryWrite(accepted.LeadId);
                else
                    copies++;
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

    /// <summary>Tells of the leads in the order of the file, a page at a time and as soon as all of it are done, while those behind it are worked on. False when time was up before.</summary>
    private async Task<bool> FollowAsync(LeadQueries leads, SqlDatabase database, ProcessReport report, Action<double, string> progress, CancellationToken cancellationToken)
    {
        var isDone = true;
        // Those that are done already are read side by side.
        var ahead = new SemaphoreSlim(Environment.ProcessorCount);
        var told = Task.CompletedTask;
        try
        {
            await foreach (var page in fed.Reader.ReadAllAsync(cancellationToken).Chunk(Page))
            {
                var open = await WaitAsync(leads, database, page, progress, cancellationToken);
                isDone &= open.Count == 0;
                await ahead.WaitAsync(cancellationToken);
                if (told.IsFaulted)
                    break;
                told = TellAsync(told, Task.Run(() => ReadAsync(page, open), cancellationToken));
            }
        }
        finally
        {
            // Whoever ends the report next must be the only one who writes it.
            await told.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        await told;
        return isDone;

        async Task TellAsync(Task before, Task<IReadOnlyList<LeadOutcome>> read)
        {
            try
            {
                await before;
                await report.AddAsync(await read, cancellationToken);
            }
            finally
            {
                ahead.Release();
            }
        }

        async Task<IReadOnlyList<LeadOutcome>> ReadAsync(Guid[] page, List<Guid> open)
        {
            var outcomes = await PatientlyAsync(() => leads.OutcomesAsync(page, json, cancellationToken), database, cancellationToken);
            // What is done and is no lead is a copy of one, which only the intake could tell.
            Interlocked.Add(ref aliases, page.Except(open).Except(outcomes.Select(o => o.LeadId)).Count());
            return outcomes;
        }
    }

    /// <summary>Waits until these leads are done, and answers those that are not when time is up. Time does not run out while the file is still read.</summary>
    private async Task<List<Guid>> WaitAsync(LeadQueries leads, SqlDatabase database, Guid[] page, Action<double, string> progress, CancellationToken cancellationToken)
    {
        var pause = TimeSpan.FromMilliseconds(20);
        var waited = page.ToList();
        while (true)
        {
            var open = await PatientlyAsync(() => leads.OpenAsync(waited, cancellationToken), database, cancellationToken);
            done += waited.Count - open.Count;
            Say(progress);
            if (open.Count == 0 || IsTimeUp)
                return open;
            waited = open;
            await Task.Delay(pause, cancellationToken);
            pause = TimeSpan.FromMilliseconds(Math.Min(100, pause.TotalMilliseconds * 1.5));
        }
    }

    /// <summary>A database that is away for a while ends nothing: the leads are taken in, and those behind them go on being.</summary>
    private async Task<T> PatientlyAsync<T>(Func<Task<T>> read, SqlDatabase database, CancellationToken cancellationToken)
    {
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return await read();
            }
            catch (Exception exception) when (database.IsTransient(exception) && Stopwatch.GetElapsedTime(since) < timeout)
            {
                await Task.Delay(LongestPause, cancellationToken);
            }
        }
    }

    private bool IsTimeUp => isFed && watch.Elapsed >= timeout;

    private void Say(Action<double, string> progress) => progress(share * done / Math.Max(1, ids.Count), $"{submitted} read, {done} done");

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
