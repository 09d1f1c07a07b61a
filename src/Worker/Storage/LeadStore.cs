using System.Data.Common;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage.Sql;
using LeadPipeline.Worker.Telemetry;

namespace LeadPipeline.Worker.Storage;

/// <summary>Takes committed audit events on their way out. Must not block and must not fail: what it loses, the sweeper publishes.</summary>
public interface IAuditSink
{
    /// <summary>Whether events go anywhere; if not, nothing is left outstanding for them.</summary>
    bool Publishes { get; }

    /// <summary>These events are durable now.</summary>
    void Committed(LeadSaga saga, IReadOnlyList<AuditRow> rows, IReadOnlyList<AuditFact> facts);
}

/// <summary>What came of applying a message to a lead.</summary>
/// <param name="Decision">The saga's answer; <see cref="SagaDecision.Proceed"/> means it is durable.</param>
/// <param name="Busy">The lead may not open an epoch now, because another lead of the same person has one open.</param>
/// <param name="Outdated">What people decide has changed meanwhile: a request for approval that the commit rests on, or the run has its verdict.</param>
public readonly record struct Applied(SagaDecision Decision, bool Busy = false, bool Outdated = false)
{
    /// <summary>Whether the message took effect.</summary>
    public bool Took => Decision is SagaDecision.Proceed && !Busy && !Outdated;
}

/// <summary>
/// Leads on the hot path: loads them in groups, and commits what a message does to one — state, documents, ledger and audit together —
/// deciding anew whenever someone else was faster.
/// </summary>
public sealed class LeadStore : IAsyncDisposable
{
    private const int LargestLoad = 128;

    /// <summary>How long a command may be outstanding before the sweeper sends it again, up to a quarter of it longer. Default 2 min.</summary>
    public TimeSpan ResendAfter { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long the end of an analysis may wait for the beginning of the plan before it is saved by itself. Default 1 s.</summary>
    public TimeSpan LongestHeld { get; init; } = TimeSpan.FromSeconds(1);

    private readonly SqlDatabase database;
    private readonly LeadCommitter committer;
    private readonly LeadCipher cipher;
    private readonly IAuditSink audit;
    private readonly TimeProvider time;
    private readonly Grouped<Guid, LoadedLead?> loads;

    /// <summary>Starts with the first call.</summary>
    public LeadStore(SqlDatabase database, LeadCommitter committer, LeadCipher cipher, IAuditSink audit, TimeProvider time)
    {
        (this.database, this.committer, this.cipher, this.audit, this.time) = (database, committer, cipher, audit, time);
        loads = new(LargestLoad, id => id, LoadGroupAsync, exception => !database.IsTransient(exception));
    }

    /// <summary>A lead with its current plan; null when there is none, or when it was erased.</summary>
    public async Task<LeadWork?> LoadAsync(Guid leadId) => (await LookAsync(leadId)).Work;

    /// <summary>A lead with its current plan; or that it was erased; or neither, when there is none.</summary>
    public async Task<(LeadWork? Work, bool Erased)> LookAsync(Guid leadId)
    {
        if (await loads.RunAsync(leadId) is not { } loaded)
            return (null, false);
        return loaded.DataKey is null ? (null, true) : (Open(loaded, cipher.Unwrap(loaded.DataKey, leadId)), false);
    }

    /// <summary>Whether the database was away, by what was thrown or by what that was caused by: the same may succeed later.</summary>
    public bool IsTransient(Exception exception) => database.IsTransient(exception) || (exception.InnerException is { } inner && IsTransient(inner));

    /// <summary>The first lead that an id means: its own, or the one that it is an alias of.</summary>
    public async Task<Guid> FirstOfAsync(Guid id, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        return await session.QueryAsync("SELECT lead_id FROM lead_aliases WHERE alias_id = @id", r => r.GetGuid(0), cancellationToken, ("id", id)) is [var first] ? first : id;
    }

    /// <summary>Makes an id that a door answered an alias of an erased lead, so that asking for it finds out.</summary>
    public async Task AliasAsync(LeadAliasRow alias, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        await session.InsertAsync(LeadTables.Aliases, [LeadTables.AliasRow(alias)], cancellationToken);
    }

    /// <summary>The ledger rows of a run in the order of its steps.</summary>
    public async Task<List<EffectRow>> EffectsAsync(Guid leadId, int run, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        return await session.QueryAsync(
            $"SELECT effect_key, step_index, step, tool, state, object, record_id, record_version, request_hash, sealed, error, updated_at FROM effects WHERE {LeadTables.RowsOfLead} AND run = @run ORDER BY step_index",
            r => new EffectRow
            {
                EffectKey = r.GetString(0),
                LeadId = leadId,
                Run = run,
                StepIndex = r.GetInt32(1),
                Step = r.GetString(2),
                Tool = r.GetString(3),
                State = r.GetString(4),
                Object = Text(r, 5),
                RecordId = Text(r, 6),
                RecordVersion = Text(r, 7),
                RequestHash = Text(r, 8),
                Sealed = r.IsDBNull(9) ? null : (byte[])r.GetValue(9),
                Error = Text(r, 10),
                UpdatedAt = session.Time(r, 11),
            },
            cancellationToken, ("lead", leadId), ("run", run));
    }

    /// <summary>Which of some CRM records other leads have made or found, and not given up.</summary>
    public async Task<IReadOnlySet<string>> UsedElsewhereAsync(Guid leadId, IReadOnlyList<string> records, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var used = await session.QueryAsync(
            """
            SELECT DISTINCT e.record_id FROM (SELECT record_id, lead_id FROM shared_records WHERE {in:record_id} AND lead_id <> @lead) s
            JOIN leads l ON l.id = s.lead_id
            JOIN effects e ON e.received_at = l.received_at AND e.lead_id = l.id AND e.record_id = s.record_id
            WHERE {in:tool} AND e.state IN ('sent', 'unknown', 'absent', 'confirmed', 'unchanged')
            """,
            r => r.GetString(0), cancellationToken, ("record_id", records.ToArray()), ("lead", leadId), ("tool", LeadTables.ToolsOfSharedRecords));
        return used.ToHashSet();
    }

    /// <summary>
    /// The record of the run before the current one, if a person has approved that one; null: it is to be analysed anew. Where the person has corrected the
    /// analysis, the corrected one is its <see cref="LeadRunRow.Answer"/>, and there is no verdict over it yet.
    /// </summary>
    public async Task<LeadRunRow?> ApprovedRunAsync(LeadWork work, CancellationToken cancellationToken)
    {
        var before = work.Saga.Run - 1;
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var found = await session.QueryAsync(
            """
            SELECT r.analyzer, r.model_version, r.prompt_hash, r.snapshot_hash, r.grounding_status, r.intent, r.decision, r.fit_score, r.snapshot, r.answer, r.grounding, v.corrections
            FROM lead_runs r JOIN review_verdicts v ON v.lead_id = r.lead_id AND v.run = r.run
            WHERE r.lead_id = @lead AND r.run = @run AND v.verdict = 'approved' AND (r.grounding IS NOT NULL OR v.corrections IS NOT NULL)
            """,
            r => new LeadRunRow
            {
                LeadId = work.Saga.LeadId,
                Run = before,
                Analyzer = r.GetString(0),
                ModelVersion = Text(r, 1),
                PromptHash = Text(r, 2),
                SnapshotHash = r.GetString(3),
                GroundingStatus = Text(r, 4),
                Intent = Text(r, 5),
                Decision = Text(r, 6),
                FitScore = r.IsDBNull(7) ? null : r.GetInt32(7),
                Snapshot = (byte[])r.GetValue(8),
                Answer = Bytes(r, 11) ?? Bytes(r, 9),
                Grounding = r.IsDBNull(11) ? Bytes(r, 10) : null,
            },
            cancellationToken, ("lead", work.Saga.LeadId), ("run", before));
        return found is [var run] ? run : null;
    }

    /// <summary>The plans of the runs before the current one, the latest first. Runs that came to no plan are not among them.</summary>
    public async Task<List<(int Run, ActionPlan Plan)>> EarlierPlansAsync(LeadWork work, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        return await session.QueryAsync("SELECT run, plan FROM lead_runs WHERE lead_id = @lead AND run < @run AND plan IS NOT NULL ORDER BY run DESC",
            r => (r.GetInt32(0), SealedJson.Open(work.Key, (byte[])r.GetValue(1), work.Saga.LeadId, ContractsJson.Default.ActionPlan)),
            cancellationToken, ("lead", work.Saga.LeadId), ("run", work.Saga.Run));
    }

    /// <summary>Stores a new lead.</summary>
    /// <param name="lead">The lead.</param>
    /// <param name="facts">What its audit chain begins with.</param>
    /// <param name="keys">Keys that it occupies.</param>
    /// <returns>The lead's work and <see cref="CommitResult.Committed"/>; or null and why it was not stored.</returns>
    public async Task<(LeadWork? Work, CommitResult Result)> AddAsync(Lead lead, IReadOnlyList<AuditFact> facts, IReadOnlyList<IntakeKeyRow> keys)
    {
        var (key, wrapped) = cipher.NewKey(lead.LeadId);
        var recordKey = cipher.RecordKey(lead.Email);
        var accepted = (SagaDecision.Proceed)LeadSagaMachine.Decide(null, new SagaMessage.Accepted(lead.LeadId), Now);
        var (saga, rows) = AuditChain.Append(accepted.Next, facts, "worker", key, Now);
        var result = await committer.CommitAsync(new LeadCommit
        {
            Saga = saga,
            New = new NewLead(lead.Source, recordKey, wrapped, SealedJson.Seal(key, lead, lead.LeadId, ContractsJson.Default.Lead)),
            Audit = rows,
            Keys = keys,
            SweepAt = SweepAt(saga),
        });
        if (result != CommitResult.Committed)
            return (null, result);
        audit.Committed(saga, rows, facts);
        return (new LeadWork { Saga = saga, Lead = lead, Key = key, RecordKey = recordKey }, result);
    }

    /// <summary>Applies a message to a lead and makes it durable, together with what was held of it and what <paramref name="with"/> adds to the commit.</summary>
    /// <param name="work">The lead; its state is brought up to date.</param>
    /// <param name="message">What happened.</param>
    /// <param name="facts">What to write into the audit chain.</param>
    /// <param name="with">Adds documents and ledger rows.</param>
    /// <param name="actor">Who did it.</param>
    public async Task<Applied> ApplyAsync(LeadWork work, SagaMessage message, IReadOnlyList<AuditFact> facts, Func<LeadCommit, LeadCommit>? with = null, string actor = "worker")
    {
        while (true)
        {
            var decision = work.IsLost ? new SagaDecision.Stale("somebody else was faster, or the lead is gone") : LeadSagaMachine.Decide(work.Saga, message, Now);
            if (decision is not SagaDecision.Proceed proceed)
                return new Applied(decision);
            var (saga, rows) = AuditChain.Append(proceed.Next, facts, actor, work.Key, Now);
            switch (await CommitAsync(work, saga, facts, rows, with, proceed.IsBeside))
            {
                case CommitResult.Committed:
                    return new Applied(decision);
                case CommitResult.Busy:
                    return new Applied(decision, Busy: true);
                case CommitResult.Outdated:
                    return new Applied(decision, Outdated: true);
            }
        }
    }

    /// <summary>
    /// Applies the end of an analysis to a lead and leaves it to the lead's next commit to make it durable together with its own: who goes on with the lead at once spares a
    /// commit. Who does not, or cannot, saves it (<see cref="SaveAsync"/>).
    /// </summary>
    /// <returns>The saga's answer; <see cref="SagaDecision.Proceed"/> means that it is held.</returns>
    public SagaDecision Hold(LeadWork work, SagaMessage.AnalysisEnded message, IReadOnlyList<AuditFact> facts, LeadRunRow run, GroundingResult verdict)
    {
        var decision = LeadSagaMachine.Decide(work.Saga, message, Now);
        if (decision is SagaDecision.Proceed proceed)
        {
            var (saga, rows) = AuditChain.Append(proceed.Next, facts, "worker", work.Key, Now);
            (work.Held, work.Saga) = (new HeldStep(work.Saga, message, run, facts, rows, verdict), saga);
        }
        return decision;
    }

    /// <summary>Makes durable what is held of a lead, by itself. Nothing held: there is nothing to do.</summary>
    public async Task SaveAsync(LeadWork work)
    {
        while (work.Held is not null)
            _ = await CommitAsync(work, work.Saga, [], [], null);
    }

    /// <summary>
    /// Waits for something that a lead needs. What is held of the lead is saved meanwhile when that takes longer than <see cref="LongestHeld"/>; if it cannot be, it stays
    /// held, for what is waited for may be the right to go on, which has to be given back.
    /// </summary>
    public async Task<T> WaitAsync<T>(LeadWork work, Task<T> waiting)
    {
        if (work.Held is not null && !waiting.IsCompleted)
        {
            using var enough = new CancellationTokenSource();
            if (await Task.WhenAny(waiting, Task.Delay(LongestHeld, time, enough.Token)) == waiting)
                await enough.CancelAsync();
            else
                _ = await TrySaveAsync(work);
        }
        return await waiting;
    }

    /// <summary>Makes durable what is held of a lead if that is possible now, and answers what was in the way; null: nothing was.</summary>
    public async Task<Exception?> TrySaveAsync(LeadWork work)
    {
        try
        {
            await SaveAsync(work);
            return null;
        }
#pragma warning disable CA1031 // Whatever it is, it is still held: the lead's next commit takes it along, or meets the same.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return exception;
        }
    }

    /// <summary>Commits a lead's next state and what is held of it as one unit, and brings the lead up to date: also when somebody else has moved it.</summary>
    private async Task<CommitResult> CommitAsync(LeadWork work, LeadSaga saga, IReadOnlyList<AuditFact> facts, IReadOnlyList<AuditRow> rows, Func<LeadCommit, LeadCommit>? with, bool isBeside = false)
    {
        var held = work.Held;
        var before = held?.Before ?? work.Saga;
        // One commit, one version, however much has happened in it.
        saga = saga with { Version = before.Version + 1 };
        if (held is not null)
            (facts, rows) = ([.. held.Facts, .. facts], [.. held.Rows, .. rows]);
        var commit = new LeadCommit
        {
            Saga = saga,
            Run = held?.Run,
            Audit = rows,
            // What only tells something must not put off what is due: somebody may look at a lead again and again.
            SweepAt = isBeside && held is null && work.SweepAt < SweepAt(saga) ? work.SweepAt : SweepAt(saga),
            TakesPerson = before.Owner is null && saga.Owner is not null ? work.RecordKey : null,
            LeavesPerson = before.Owner is not null && saga.Owner is null ? work.RecordKey : null,
        };
        commit = with?.Invoke(commit) ?? commit;
        var result = await committer.CommitAsync(commit);
        switch (result)
        {
            case CommitResult.Committed:
                PipelineMeters.Moved(before, saga);
                if (held is not null)
                    PipelineMeters.Grounded(held.Verdict);
                (work.Saga, work.Held, work.SweepAt) = (saga, null, commit.SweepAt);
                audit.Committed(saga, rows, facts);
                break;
            case CommitResult.Conflict or CommitResult.KeyTaken:
                // Someone else moved the lead: decide again on what it is now, first of all about what was held.
                var now = await loads.RunAsync(work.Saga.LeadId);
                (work.Saga, work.Held, work.SweepAt) = (now?.Saga ?? before, null, now?.SweepAt);
                work.IsLost = now is null || (held is not null && Hold(work, held.Message, held.Facts, held.Run, held.Verdict) is not SagaDecision.Proceed);
                break;
        }
        return result;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => loads.DisposeAsync();

    private static LeadWork Open(LoadedLead loaded, LeadDataKey key)
    {
        var leadId = loaded.Saga.LeadId;
        return new LeadWork
        {
            Saga = loaded.Saga,
            SweepAt = loaded.SweepAt,
            Key = key,
            RecordKey = loaded.RecordKey,
            Lead = SealedJson.Open(key, loaded.Body, leadId, ContractsJson.Default.Lead),
            Grounding = Enum.TryParse<GroundingStatus>(loaded.Grounding, out var grounding) ? grounding : null,
            Decision = Enum.TryParse<LeadDecision>(loaded.Decision, out var decision) ? decision : null,
            Plan = loaded.Plan is null ? null : SealedJson.Open(key, loaded.Plan, leadId, ContractsJson.Default.ActionPlan),
        };
    }

    private DateTimeOffset Now => AuditChain.Microseconds(time.GetUtcNow());

    private DateTimeOffset? SweepAt(LeadSaga saga) => saga switch
    {
        { DueAt: { } due } => due,
        { Pending: LeadStage.None } when !audit.Publishes => null,
        _ => NextLook(time.GetUtcNow() + ResendAfter),
    };

    /// <summary>
    /// The next of few moments: most changes of a lead leave it where it is, and a row of which no indexed column changes costs no index an entry.
    /// </summary>
    private DateTimeOffset NextLook(DateTimeOffset earliest)
    {
        var apart = Math.Max(ResendAfter.Ticks / 4, 1);
        return AuditChain.Microseconds(new DateTimeOffset((earliest.UtcTicks + apart - 1) / apart * apart, TimeSpan.Zero));
    }

    private async Task<IReadOnlyList<LoadedLead?>> LoadGroupAsync(IReadOnlyList<Guid> ids, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var rows = await session.QueryAsync(
            $"SELECT {SagaReader.Columns}, l.record_key, l.data_key, l.body, r.plan, r.grounding_status, r.decision, l.sweep_at FROM leads l LEFT JOIN lead_runs r ON r.lead_id = l.id AND r.run = l.run WHERE {{in:id}}",
            r => new LoadedLead(SagaReader.Read(r, session), r.GetString(SagaReader.Count), Bytes(r, SagaReader.Count + 1), (byte[])r.GetValue(SagaReader.Count + 2), Bytes(r, SagaReader.Count + 3), Text(r, SagaReader.Count + 4), Text(r, SagaReader.Count + 5),
                r.IsDBNull(SagaReader.Count + 6) ? null : session.Time(r, SagaReader.Count + 6)),
            cancellationToken, ("id", ids as Guid[] ?? [.. ids]));
        var byId = rows.ToDictionary(r => r.Saga.LeadId);
        return [.. ids.Select(byId.GetValueOrDefault)];
    }

    private static string? Text(DbDataReader reader, int ordinal) => reader.IsDBNull(ordinal) ? null : reader.GetString(ordinal);

    private static byte[]? Bytes(DbDataReader reader, int ordinal) => reader.IsDBNull(ordinal) ? null : (byte[])reader.GetValue(ordinal);

    private sealed record LoadedLead(LeadSaga Saga, string RecordKey, byte[]? DataKey, byte[] Body, byte[]? Plan, string? Grounding, string? Decision, DateTimeOffset? SweepAt);
}
