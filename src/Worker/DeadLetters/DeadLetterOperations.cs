using System.Security.Cryptography;
using System.Text.Json;
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

    /// <summary>What a replay has come to so far.</summary>
    public static ReplayReport Of(int selected, ReplayProgress progress) => new()
    {
        Selected = selected,
        Replayed = progress.Replayed,
        Completed = progress.Completed,
        Failed = progress.Failed,
        Stopped = progress.Stopped,
        Refused = progress.Refused,
    };

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
    DeadLetterStore letters, DeadLetterActs acts, LeadStore store, LeadOperations leads, TimeProvider time, ILogger<DeadLetterOperations> logger, IMessageReturn? queues = null, DeferredEventStore? events = null)
{
    /// <summary>After so many dead letters it is kept how far a replay is; at most so many are looked at twice after a crash.</summary>
    private const int KeepEvery = 25;

    private const string Unreadable = "What is sealed of it cannot be read: its master key is not known (Secrets), or the row was changed. Mend that, or leave it.";

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);

    /// <summary>How long it is waited whether a message comes back to the error queue; nobody tells that it did not.</summary>
    private static readonly TimeSpan MessagePatience = TimeSpan.FromSeconds(15);

    /// <summary>The dead letters that are open among the selected, the oldest first, and what is to be said of the others.</summary>
    public async Task<(List<DeadLetterRow> Open, List<ReplayRefusal> Refused)> SelectAsync(DeadLetterSelection selection, CancellationToken cancellationToken)
    {
        var open = selection.All || selection.Group is not null
            ? await letters.OpenAsync(selection.All ? null : selection.Group, cancellationToken)
            : [];
        var refused = new List<ReplayRefusal>();
        var named = (await letters.FindAsync(selection.Ids, cancellationToken)).ToDictionary(r => r.Id);
        foreach (var id in selection.Ids.Distinct())
        {
            if (!named.TryGetValue(id, out var row))
                refused.Add(new ReplayRefusal(id, "not-found", "There is no such dead letter."));
            // Named, one can be sent again over which somebody has died; one whose edit is being sent is refused when its turn comes.
            else if (row.State is not ("open" or "sending"))
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
            var (effects, would) = await WouldAsync(row, cancellationToken);
            item["effects"] = new JsonArray([.. effects.Select(e => (JsonNode)new JsonObject { ["step"] = e.Step, ["tool"] = e.Tool, ["state"] = e.State })]);
            item["would"] = new JsonArray([.. would.Select(w => (JsonNode)new JsonObject { ["step"] = w.Step, ["tool"] = w.Tool, ["action"] = w.Action })]);
            items.Add(item);
        }
        return items;
    }

    private async Task<(IReadOnlyList<EffectRow> Effects, IReadOnlyList<WouldDo> Would)> WouldAsync(DeadLetterRow row, CancellationToken cancellationToken)
    {
        if (row.LeadId is not { } lead)
            return ([], [new WouldDo(row.Queue, null, "return-to-queue")]);
        try
        {
            var work = await store.LoadAsync(lead);
            var effects = work is null ? [] : await store.EffectsAsync(lead, work.Saga.Run, cancellationToken);
            return (effects, ReplayPreview.Of(work?.Plan, effects));
        }
        catch (Exception exception) when (IsUnreadable(exception))
        {
            return ([], [new WouldDo(row.Queue, null, "unreadable")]);
        }
    }

    /// <summary>Replays, and with a ramp waits for what comes of each wave before the next.</summary>
    /// <param name="rows">From <see cref="SelectAsync"/>.</param>
    /// <param name="pace">How.</param>
    /// <param name="waitForEnds">Whether to wait for the last wave too, or for the only one.</param>
    /// <param name="actor">Who orders it.</param>
    /// <param name="cancellationToken">Ends it between two dead letters; what has gone on goes on.</param>
    public async Task<ReplayReport> ReplayAsync(IReadOnlyList<DeadLetterRow> rows, ReplayPace pace, bool waitForEnds, string actor, CancellationToken cancellationToken)
    {
        var items = rows.Select(r => new ReplayItem(r.Id, r.LeadId, r.Fingerprint)).ToList();
        return ReplayReport.Of(items.Count, await ReplayAsync(items, pace, waitForEnds, actor, new ReplayProgress(), isTakenOver: false, _ => Task.FromResult(true), cancellationToken));
    }

    /// <summary>The same from where it has come to, keeping each step.</summary>
    /// <param name="items">What, in order.</param>
    /// <param name="pace">How.</param>
    /// <param name="waitForEnds">Whether to wait for the last wave too, or for the only one.</param>
    /// <param name="actor">Who orders it.</param>
    /// <param name="progress">How far it was.</param>
    /// <param name="isTakenOver">Whether somebody has had it before, who may have sent on more than he could write down.</param>
    /// <param name="keep">Keeps how far it is; false: somebody else has it, or has stopped it.</param>
    /// <param name="cancellationToken">Ends it between two dead letters; what has gone on goes on.</param>
    public async Task<ReplayProgress> ReplayAsync(
        IReadOnlyList<ReplayItem> items, ReplayPace pace, bool waitForEnds, string actor, ReplayProgress progress, bool isTakenOver, Func<ReplayProgress, Task<bool>> keep, CancellationToken cancellationToken)
    {
        // Stopped, and its worker died before it could say that the job had ended.
        if (progress.Stopped is not null)
            return progress;
        foreach (var end in ReplayWaves.Ends(items.Count, pace.Ramp).Where(e => e > progress.WaveStart))
        {
            while (progress.Next < end)
            {
                if (progress.Next > 0 && pace.Rate is { } rate)
                    await Task.Delay(TimeSpan.FromSeconds(1 / rate), time, cancellationToken);
                var refusal = await TryReplayOneAsync(items[progress.Next], isTakenOver, actor, cancellationToken);
                progress = refusal is null
                    ? progress with { Next = progress.Next + 1, Replayed = progress.Replayed + 1 }
                    : progress with { Next = progress.Next + 1, Refused = [.. progress.Refused, refusal] };
                if ((progress.Next % KeepEvery == 0 || pace.Rate is < KeepEvery) && !await keep(progress))
                    return progress;
            }
            if (progress.WaveSentAt is null && !await keep(progress = progress with { WaveSentAt = time.GetUtcNow() }))
                return progress;
            if (!pace.Ramp && !waitForEnds)
                return progress;
            var wave = items.Skip(progress.WaveStart).Take(end - progress.WaveStart).Where(i => progress.Refused.All(r => r.Id != i.Id)).ToList();
            progress = Judge(progress, wave, await EndsAsync(wave, progress.WaveSentAt!.Value, pace.Patience, cancellationToken)) with { WaveStart = end, WaveSentAt = null };
            if (!await keep(progress))
                return progress;
            if (progress.Stopped is { } why && end < items.Count)
            {
                PipelineMeters.Replayed("stopped", items.Count - end);
                Log.Stopped(logger, why, end, items.Count);
                return progress;
            }
        }
        return progress;
    }

    private static ReplayProgress Judge(ReplayProgress progress, List<ReplayItem> wave, (HashSet<Guid> Ended, Dictionary<Guid, string> Again) found)
    {
        var (ended, again) = found;
        var completed = wave.Count(w => ended.Contains(w.Id) && !again.ContainsKey(w.Id));
        PipelineMeters.Replayed("completed", completed);
        PipelineMeters.Replayed("failed", again.Count);
        return progress with
        {
            Completed = progress.Completed + completed,
            Failed = progress.Failed + again.Count,
            // Another failure than before is news of its own; the same one says that the cause is not mended.
            Stopped = wave.Exists(w => again.TryGetValue(w.Id, out var cause) && cause == w.Cause) ? "same-failure" : ended.Count < wave.Count ? "timed-out" : null,
        };
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
        else
        {
            await acts.RecordAsync(actor, "discarded", id, null, reason, cancellationToken);
        }
        Log.Discarded(logger, id, actor);
        return DiscardAnswer.Done;
    }

    /// <summary>What cannot be read is refused and does not hold up what comes after it.</summary>
    private async Task<ReplayRefusal?> TryReplayOneAsync(ReplayItem item, bool isDoubtful, string actor, CancellationToken cancellationToken)
    {
        try
        {
            return await ReplayOneAsync(item, isDoubtful, actor, cancellationToken);
        }
        catch (Exception exception) when (IsUnreadable(exception))
        {
            return new ReplayRefusal(item.Id, "unreadable", Unreadable);
        }
    }

    /// <summary>What is sealed was sealed with another key, or is not what was sealed.</summary>
    private static bool IsUnreadable(Exception exception) => exception is CryptographicException or JsonException or InvalidDataException;

    private async Task<ReplayRefusal?> ReplayOneAsync(ReplayItem item, bool isDoubtful, string actor, CancellationToken cancellationToken)
    {
        // As it is now: somebody may have been faster.
        if (await letters.FindAsync([item.Id], cancellationToken) is not [{ State: "open" or "sending" } current])
            return isDoubtful && (await letters.FindAsync([item.Id], cancellationToken)) is [{ State: "replayed" }] ? null : new ReplayRefusal(item.Id, "not-open", "Somebody has replayed or discarded it.");
        if (item.LeadId is { } lead)
        {
            return await leads.ContinueAsync(lead, actor, cancellationToken) switch
            {
                OperatorAnswer.Done => null,
                OperatorAnswer.Refused refused => new ReplayRefusal(item.Id, refused.Code, refused.Detail),
                _ => new ReplayRefusal(item.Id, "not-found", "Its lead is gone."),
            };
        }
        if ((current.Queue.StartsWith(DeferredEvent.QueuePrefix, StringComparison.Ordinal) ? events : queues) is not { } way)
            return new ReplayRefusal(item.Id, "no-broker", "The message goes back to a queue, and no broker is configured here.");
        if (letters.Message(current) is not { } message)
            return new ReplayRefusal(item.Id, "not-open", "Its message is gone.");
        if (!await letters.ClaimAsync(item.Id, cancellationToken))
            return new ReplayRefusal(item.Id, "not-open", "Somebody has replayed or discarded it, or an edit of it is being sent: leadpipeline dead-letters edits.");
        try
        {
            // The queue first: a crash in between sends it a second time, which the intake knows by its id; the other way round would lose it.
            await way.ReturnAsync(current.Queue, message, cancellationToken);
        }
        catch (BusUnavailableException)
        {
            await letters.ReleaseAsync(item.Id, cancellationToken);
            return new ReplayRefusal(item.Id, "broker-unavailable", "The broker did not take the message; it is still a dead letter. Try again.");
        }
        // It is on its way: that is written down whether or not the one who ordered it is still there.
        await letters.ReturnedAsync(current, CancellationToken.None);
        await acts.RecordAsync(actor, "replayed", item.Id, null, null, CancellationToken.None);
        return null;
    }

    /// <summary>Waits until the wave has ended: which have, and of those that are dead letters again the cause.</summary>
    private async Task<(HashSet<Guid> Ended, Dictionary<Guid, string> Again)> EndsAsync(List<ReplayItem> wave, DateTimeOffset sentAt, TimeSpan patience, CancellationToken cancellationToken)
    {
        var withLead = wave.Where(w => w.LeadId is not null).ToDictionary(w => w.LeadId!.Value);
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
            var waited = time.GetUtcNow() - sentAt;
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
