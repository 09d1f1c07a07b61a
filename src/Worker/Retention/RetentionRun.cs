using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Retention;

/// <summary>What one look removed.</summary>
/// <param name="Leads">Leads that were erased.</param>
/// <param name="Chains">Audit chains that were removed, with all rows of their leads.</param>
/// <param name="DeadLetters">Dead letters that were removed.</param>
public readonly record struct Removed(int Leads, int Chains, int DeadLetters);

/// <summary>
/// Removes what is too old, in small batches, of which only one replica at a time has one in hand. A lead that has not ended is never touched.
/// </summary>
public sealed partial class RetentionRun(SqlDatabase database, LeadOperations operations, IOptions<RetentionOptions> options, TimeProvider time, ILogger<RetentionRun> logger)
{
    /// <summary>Who erased a lead when it was nobody.</summary>
    public const string Actor = "retention";

    private const int Batch = 100;
    private const long LockKey = 0x4C454144_52455445;

    /// <summary>Removes all that is too old now; ends early when another replica is at it.</summary>
    public async Task<Removed> RunAsync(CancellationToken cancellationToken)
    {
        var (now, keep) = (time.GetUtcNow(), options.Value);
        return new Removed(
            keep.Leads is { } leads ? await EraseAsync(now - leads, cancellationToken) : 0,
            keep.Audit is { } audit ? await ChainsAsync(now - audit, cancellationToken) : 0,
            keep.DeadLetters is { } letters ? await DeadLettersAsync(now - letters, cancellationToken) : 0);
    }

    private async Task<int> ChainsAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        var chains = await InBatchesAsync(() => RemoveChainsAsync(before, cancellationToken), cancellationToken);
        if (chains > 0)
        {
            // By their lead nothing finds them, so all are gone over, once for all leads that went.
            await using var session = await database.OpenAsync(cancellationToken);
            await session.ExecuteAsync("DELETE FROM shared_records WHERE NOT EXISTS (SELECT 1 FROM leads l WHERE l.id = lead_id)", cancellationToken);
        }
        return chains;
    }

    private async Task<int> DeadLettersAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        var letters = await InBatchesAsync(() => RemoveDeadLettersAsync(before, cancellationToken), cancellationToken);
        _ = await InBatchesAsync(() => RemoveReplaysAsync(before, cancellationToken), cancellationToken);
        return letters;
    }

    private async Task<int> InBatchesAsync(Func<Task<int>> batch, CancellationToken cancellationToken)
    {
        for (var all = 0; ;)
        {
            var removed = await AloneAsync(batch, cancellationToken);
            all += removed;
            // A batch that is not full was the last; one that another replica has in hand counts as none.
            if (removed < Batch)
                return all;
        }
    }

    /// <summary>On PostgreSQL the lock lives as long as its transaction, so that a process that dies leaves nothing behind. SQLite has one process.</summary>
    private async Task<int> AloneAsync(Func<Task<int>> batch, CancellationToken cancellationToken)
    {
        if (database is not PostgresDatabase)
            return await batch();
        await using var session = await database.OpenAsync(cancellationToken);
        await session.BeginAsync(cancellationToken);
        var taken = await session.QueryAsync("SELECT pg_try_advisory_xact_lock(@key)", r => r.GetBoolean(0), cancellationToken, ("key", LockKey));
        return taken is [true] ? await batch() : 0;
    }

    /// <summary>Erases what is too old. A lead that cannot be erased, because its key cannot be read any more, keeps none of those after it.</summary>
    private async Task<int> EraseAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        var (erased, last) = (0, (At: DateTimeOffset.UnixEpoch, Lead: Guid.Empty));
        var left = 0;
        (Guid Lead, Exception? Why) first = default;
        _ = await InBatchesAsync(OneBatchAsync, cancellationToken);
        if (erased > 0)
            await database.SweepOutAsync(cancellationToken);
        if (left > 0)
            Log.Left(logger, left, first.Lead, first.Why);
        return erased;

        async Task<int> OneBatchAsync()
        {
            var due = await DueAsync(before, last, cancellationToken);
            foreach (var (at, lead) in due)
            {
                last = (at, lead);
                try
                {
                    if (await operations.ExpireAsync(lead, Actor) is OperatorAnswer.Done)
                        erased++;
                    else
                        Leave(lead, null);
                }
                catch (Exception exception) when (exception is not OperationCanceledException && !database.IsTransient(exception))
                {
                    Leave(lead, exception);
                }
            }
            return due.Count;
        }

        void Leave(Guid lead, Exception? why)
        {
            if (left++ == 0)
                first = (lead, why);
        }
    }

    private async Task<List<(DateTimeOffset At, Guid Lead)>> DueAsync(DateTimeOffset before, (DateTimeOffset At, Guid Lead) after, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        // What moved last before then was received before then as well, and for that there is an index.
        return await session.QueryAsync(
            $"""
            SELECT received_at, id FROM leads
            WHERE received_at >= @at AND (received_at > @at OR id > @lead) AND received_at < @before AND updated_at < @before AND pending IS NULL AND status <> 'Erased'
            ORDER BY received_at, id LIMIT {Batch}
            """,
            r => (session.Time(r, 0), r.GetGuid(1)), cancellationToken, ("at", after.At), ("lead", after.Lead), ("before", before));
    }

    private async Task<int> RemoveChainsAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        await session.BeginAsync(cancellationToken);
        var due = await session.QueryAsync(
            $"SELECT id, audit_seq, audit_head FROM leads WHERE received_at < @before AND updated_at < @before AND status = 'Erased' ORDER BY received_at LIMIT {Batch}",
            r => (Lead: r.GetGuid(0), Events: r.GetInt32(1), Head: (byte[])r.GetValue(2)), cancellationToken, ("before", before));
        var now = AuditChain.Microseconds(time.GetUtcNow());
        foreach (var (lead, events, head) in due)
        {
            await session.ExecuteAsync("DELETE FROM dead_letter_acts WHERE dead_letter_id IN (SELECT id FROM dead_letters WHERE lead_id = @lead)", cancellationToken, ("lead", lead));
            // The database lets the chain go only against this receipt, which stays.
            await session.ExecuteAsync("INSERT INTO audit_removals (lead_id, removed_at, events, head, actor) VALUES (@lead, @now, @events, @head, @actor)", cancellationToken,
                ("lead", lead), ("now", now), ("events", events), ("head", head), ("actor", Actor));
            foreach (var table in (string[])["audit_events", "effects"])
                await session.ExecuteAsync($"DELETE FROM {table} WHERE {LeadTables.RowsOfLead}", cancellationToken, ("lead", lead));
            foreach (var table in (string[])["lead_runs", "intake_keys", "lead_aliases", "dead_letters", "review_verdicts", "approvals"])
                await session.ExecuteAsync($"DELETE FROM {table} WHERE lead_id = @lead", cancellationToken, ("lead", lead));
            await session.ExecuteAsync("DELETE FROM leads WHERE id = @lead", cancellationToken, ("lead", lead));
        }
        await session.CommitAsync(cancellationToken);
        return due.Count;
    }

    private async Task<int> RemoveDeadLettersAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        await session.BeginAsync(cancellationToken);
        var removed = await session.ExecuteAsync($"DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters WHERE at < @before ORDER BY at LIMIT {Batch})", cancellationToken, ("before", before));
        // By what is gone and not by what went: also what was said of letters that had gone before.
        await session.ExecuteAsync("DELETE FROM dead_letter_edits WHERE NOT EXISTS (SELECT 1 FROM dead_letters d WHERE d.id = dead_letter_id)", cancellationToken);
        await session.ExecuteAsync("DELETE FROM dead_letter_acts WHERE dead_letter_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM dead_letters d WHERE d.id = dead_letter_id)", cancellationToken);
        await session.CommitAsync(cancellationToken);
        return removed;
    }

    /// <summary>Replays that have ended, and what was done about them; notes on groups are for the next one who looks, and stay.</summary>
    private async Task<int> RemoveReplaysAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        await session.BeginAsync(cancellationToken);
        await session.ExecuteAsync("DELETE FROM dead_letter_acts WHERE dead_letter_id IS NULL AND fingerprint IS NULL AND at < @before", cancellationToken, ("before", before));
        var removed = await session.ExecuteAsync($"DELETE FROM replay_jobs WHERE id IN (SELECT id FROM replay_jobs WHERE state = 'ended' AND updated_at < @before ORDER BY updated_at LIMIT {Batch})", cancellationToken, ("before", before));
        await session.CommitAsync(cancellationToken);
        return removed;
    }

    private static partial class Log
    {
        [LoggerMessage(462, LogLevel.Warning, "Retention could not erase {Count} leads that are too old, the first of them {LeadId}")]
        public static partial void Left(ILogger logger, int count, Guid leadId, Exception? exception);
    }
}
