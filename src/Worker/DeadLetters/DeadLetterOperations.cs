using System.Text.Json.Nodes;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Intake.Webhooks.Deferred;
using LeadPipeline.Worker.Messaging;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Telemetry;

namespace LeadPipeline.Worker.DeadLetters;

/// <summary>Which dead letters.</summary>
/// <param name="Ids">These.</param>
/// <param name="Group">And those of this group; null: of none.</param>
/// <param name="All">Or all that are open.</param>
public sealed record DeadLetterSelection(IReadOnlyList<Guid> Ids, string? Group, bool All)
{
    /// <summary>Whether it says nothing.</summary>
    public bool IsEmpty => Ids.Count == 0 && Group is null && !All;
}

/// <summary>A dead letter that was not replayed.</summary>
/// <param name="Id">It.</param>
/// <param name="Code">A stable code.</param>
/// <param name="Detail">What is so, and what to do.</param>
public sealed record ReplayRefusal(Guid Id, string Code, string Detail)
{
    /// <summary>As it is shown.</summary>
    public JsonObject Json() => new() { ["id"] = Id.ToString(), ["code"] = Code, ["detail"] = Detail };
}

/// <summary>How a replay goes.</summary>
/// <param name="Ramp">In waves, each only when the one before has ended well.</param>
/// <param name="Rate">At most so many a second; null: as fast as it goes.</param>
/// <param name="Patience">How long a wave may take to end.</param>
public sealed record ReplayPace(bool Ramp, double? Rate, TimeSpan Patience);

/// <summary>What came of a replay.</summary>
public sealed record ReplayReport
{
    /// <summary>Were to be replayed.</summary>
    public int Selected { get; init; }
    /// <summary>Went on their way.</summary>
    public int Replayed { get; init; }
    /// <summary>Came to an end that is no dead letter. Known only when the ends were waited for.</summary>
    public int Completed { get; init; }
    /// <summary>Are dead letters again.</summary>
    public int Failed { get; init; }
    /// <summary>Why a ramp ended before its time: <c>same-failure</c> or <c>timed-out</c>; null: it did not.</summary>
    public string? Stopped { get; init; }
    /// <summary>Were not replayed, one by one.</summary>
    public IReadOnlyList<ReplayRefusal> Refused { get; init; } = [];

    /// <summary>As it is shown.</summary>
    public JsonObject Json() => new()
    {
        ["selected"] = Selected,
        ["replayed"] = Replayed,
        ["completed"] = Completed,
        ["failed"] = Failed,
        ["stopped"] = Stopped,
        ["refused"] = new JsonArray([.. Refused.Select(r => (JsonNode)r.Json())]),
    };
}

/// <summary>What came of discarding. A closed set.</summary>
public enum DiscardAnswer
{
    /// <summary>It is discarded.</summary>
    Done,
    /// <summary>There is no such dead letter.</summary>
    NotFound,
    /// <summary>It is not open: somebody has replayed or discarded it.</summary>
    NotOpen,
}

/// <summary>
/// What an operator does with dead letters. A lead goes on in its run, by the same order as one that is replayed by itself; a message goes back to
/// the queue that it came from. Nothing here speaks to the CRM.
/// </summary>
public sealed partial class DeadLetterOperations(
    DeadLetterStore letters, LeadStore store, LeadOperations leads, TimeProvider time, ILogger<DeadLetterOperations> logger, IMessageReturn? queues = null, DeferredEventStore? events = null)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);

    /// <summary>How long it is waited whether a message comes back to the error queue; nobody tells that it did not.</summary>
    private static readonly TimeSpan MessagePatience = TimeSpan.FromSeconds(15);

    /// <summary>The dead letters that are open among the selected, the oldest first, and what is to be said of the others.</summary>
    public async Task<(List<DeadLetterRow> Open, List<ReplayRefusal> Refused)> SelectAsync(DeadLetterSelection selection, CancellationToken cancellationToken)
    {
        var open = selection.All || selection.Group is not null
            ? await letters.ListAsync("open", selection.All ? null : selection.Group, int.MaxValue, cancellationToken)
            : [];
        var refused = new List<ReplayRefusal>();
        var named = (await letters.FindAsync(selection.Ids, cancellationToken)).ToDictionary(r => r.Id);
        foreach (var id in selection.Ids.Distinct())
        {
            if (!named.TryGetValue(id, out var row))
                refused.Add(new ReplayRefusal(id, "not-found", "There is no such dead letter."));
            else if (row.State != "open")
                refused.Add(new ReplayRefusal(id, "not-open", $"It is {row.State}."));
            else if (open.All(o => o.Id != id))
                open.Add(row);
        }
        return ([.. open.OrderBy(r => r.At).ThenBy(r => r.Id)], refused);
    }

    /// <summary>What a replay of these would do, given the effects on record. Calls nobody.</summary>
    public async Task<JsonArray> PreviewAsync(IReadOnlyList<DeadLetterRow> rows, CancellationToken cancellationToken)
    {
        var items = new JsonArray();
        foreach (var row in rows)
        {
            var item = DeadLetterStore.Json(row);
            var work = row.LeadId is { } lead ? await store.LoadAsync(lead) : null;
            var effects = work is null ? [] : await store.EffectsAsync(work.Saga.LeadId, work.Saga.Run, cancellationToken);
            var would = row.LeadId is null ? [new WouldDo(row.Queue, null, "return-to-queue")] : ReplayPreview.Of(work?.Plan, effects);
            item["effects"] = new JsonArray([.. effects.Select(e => (JsonNode)new JsonObject { ["step"] = e.Step, ["tool"] = e.Tool, ["state"] = e.State })]);
            item["would"] = new JsonArray([.. would.Select(w => (JsonNode)new JsonObject { ["step"] = w.Step, ["tool"] = w.Tool, ["action"] = w.Action })]);
            items.Add(item);
        }
        return items;
    }

    /// <summary>Replays, and with a ramp waits for what comes of each wave before the next.</summary>
    /// <param name="rows">From <see cref="SelectAsync"/>.</param>
    /// <param name="pace">How.</param>
    /// <param name="waitForEnds">Whether to wait for the last wave too, or for the only one.</param>
    /// <param name="actor">Who orders it.</param>
    /// <param name="cancellationToken">Ends it between two dead letters; what has gone on goes on.</param>
    public async Task<ReplayReport> ReplayAsync(IReadOnlyList<DeadLetterRow> rows, ReplayPace pace, bool waitForEnds, string actor, CancellationToken cancellationToken)
    {
        var report = new ReplayReport { Selected = rows.Count };
        var (waves, next) = (ReplayWaves.Of(rows.Count, pace.Ramp), 0);
        foreach (var size in waves)
        {
            var wave = new List<DeadLetterRow>();
            foreach (var row in rows.Skip(next).Take(size))
            {
                if (next++ > 0 && pace.Rate is { } rate)
                    await Task.Delay(TimeSpan.FromSeconds(1 / rate), time, cancellationToken);
                if (await ReplayOneAsync(row, actor, cancellationToken) is { } refusal)
                    report = report with { Refused = [.. report.Refused, refusal] };
                else
                    wave.Add(row);
            }
            report = report with { Replayed = report.Replayed + wave.Count };
            if (!pace.Ramp && !waitForEnds)
                break;
            var (ended, again) = await EndsAsync(wave, pace.Patience, cancellationToken);
            var completed = wave.Count(w => ended.Contains(w.Id) && !again.ContainsKey(w.Id));
            PipelineMeters.Replayed("completed", completed);
            PipelineMeters.Replayed("failed", again.Count);
            report = report with { Completed = report.Completed + completed, Failed = report.Failed + again.Count };
            // Another failure than before is news of its own; the same one says that the cause is not mended.
            report = report with { Stopped = wave.Any(w => again.TryGetValue(w.Id, out var cause) && cause == w.Fingerprint) ? "same-failure" : ended.Count < wave.Count ? "timed-out" : null };
            if (report.Stopped is { } why && next < rows.Count)
            {
                PipelineMeters.Replayed("stopped", rows.Count - next);
                Log.Stopped(logger, why, next, rows.Count);
                break;
            }
        }
        return report;
    }

    /// <summary>Puts a dead letter aside for good. Its row stays, with the state <c>discarded</c>.</summary>
    /// <param name="id">The dead letter.</param>
    /// <param name="reason">Why, in the operator's words.</param>
    /// <param name="actor">Who orders it.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<DiscardAnswer> DiscardAsync(Guid id, string reason, string actor, CancellationToken cancellationToken)
    {
        if (await letters.FindAsync([id], cancellationToken) is not [var row])
            return DiscardAnswer.NotFound;
        if (row.State != "open")
            return DiscardAnswer.NotOpen;
        if (row.LeadId is { } leadId && await store.LoadAsync(leadId) is { } work)
        {
            var payload = new JsonObject { ["deadLetter"] = id.ToString(), ["group"] = row.Fingerprint, ["queue"] = row.Queue, ["reason"] = reason };
            var applied = await store.ApplyAsync(work, new SagaMessage.Judged(work.Saga.Run), [new AuditFact("operator", "discarded", payload)],
                commit => commit with { DeadLettersBecome = "discarded", SweepAt = AuditChain.Microseconds(time.GetUtcNow()) }, actor);
            if (!applied.Took)
                return DiscardAnswer.NotOpen;
        }
        else if (!await letters.DiscardAsync(id, new DiscardNote(actor, reason), cancellationToken))
        {
            return DiscardAnswer.NotOpen;
        }
        Log.Discarded(logger, id, actor);
        return DiscardAnswer.Done;
    }

    private async Task<ReplayRefusal?> ReplayOneAsync(DeadLetterRow row, string actor, CancellationToken cancellationToken)
    {
        if (row.LeadId is { } lead)
        {
            return await leads.ContinueAsync(lead, actor, cancellationToken) switch
            {
                OperatorAnswer.Done => null,
                OperatorAnswer.Refused refused => new ReplayRefusal(row.Id, refused.Code, refused.Detail),
                _ => new ReplayRefusal(row.Id, "not-found", "Its lead is gone."),
            };
        }
        if ((row.Queue.StartsWith(DeferredEvent.QueuePrefix, StringComparison.Ordinal) ? events : queues) is not { } way)
            return new ReplayRefusal(row.Id, "no-broker", "The message goes back to a queue, and no broker is configured here.");
        // As it is now: somebody may have been faster.
        if (await letters.FindAsync([row.Id], cancellationToken) is not [{ State: "open" } current] || letters.Message(current) is not { } message)
            return new ReplayRefusal(row.Id, "not-open", "Somebody else has replayed or discarded it.");
        try
        {
            // The queue first: a crash in between sends it a second time, which the intake knows by its id; the other way round would lose it.
            await way.ReturnAsync(row.Queue, message, cancellationToken);
        }
        catch (BusUnavailableException)
        {
            return new ReplayRefusal(row.Id, "broker-unavailable", "The broker did not take the message; it is still a dead letter. Try again.");
        }
        await letters.ReturnedAsync(row.Id, cancellationToken);
        return null;
    }

    /// <summary>Waits until the wave has ended: which have, and of those that are dead letters again the cause.</summary>
    private async Task<(HashSet<Guid> Ended, Dictionary<Guid, string> Again)> EndsAsync(List<DeadLetterRow> wave, TimeSpan patience, CancellationToken cancellationToken)
    {
        var (began, withLead) = (time.GetTimestamp(), wave.Where(w => w.LeadId is not null).ToDictionary(w => w.LeadId!.Value));
        var messages = wave.FindAll(w => w.LeadId is null);
        var messagePatience = patience < MessagePatience ? patience : MessagePatience;
        while (true)
        {
            var underWay = await letters.UnderWayAsync(withLead.Keys, cancellationToken);
            var again = new Dictionary<Guid, string>();
            foreach (var row in await letters.OpenOfLeadsAsync(withLead.Keys, cancellationToken))
                again[withLead[row.LeadId!.Value].Id] = row.Fingerprint;
            foreach (var row in (await letters.FindAsync([.. messages.Select(m => m.Id)], cancellationToken)).Where(r => r.State == "open"))
                again[row.Id] = row.Fingerprint;
            var waited = time.GetElapsedTime(began);
            var messagesEnded = messages.TrueForAll(m => again.ContainsKey(m.Id)) || waited >= messagePatience;
            if ((underWay.Count == 0 && messagesEnded) || waited >= patience)
                return ([.. withLead.Where(w => !underWay.Contains(w.Key)).Select(w => w.Value.Id), .. messages.Where(m => messagesEnded || again.ContainsKey(m.Id)).Select(m => m.Id)], again);
            await Task.Delay(Look, time, cancellationToken);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(470, LogLevel.Warning, "A replay of dead letters has stopped ({Why}) after {Done} of {All}")]
        public static partial void Stopped(ILogger logger, string why, int done, int all);

        [LoggerMessage(471, LogLevel.Information, "Dead letter {Id} is discarded by {Actor}")]
        public static partial void Discarded(ILogger logger, Guid id, string actor);
    }
}
