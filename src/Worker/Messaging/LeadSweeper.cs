using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Messaging;

/// <summary>
/// The net under everything else. Wakes deferred leads when they are due, sends commands again that have been outstanding for too long (a
/// purged queue, a lost broker, a worker that died between commit and send), and publishes audit events that were never confirmed.
/// Replicas share the work: each takes rows that no other holds.
/// </summary>
public sealed partial class LeadSweeper(
    SqlDatabase database, ILeadBus bus, AuditPublisher audit, IOptions<MessagingOptions> options, TimeProvider time, ILogger<LeadSweeper> logger) : BackgroundService
{
    private const int Batch = 500;

    /// <summary>SQLite does not know a table's alias after RETURNING.</summary>
    private static readonly string Returned = SagaReader.Columns.Replace("l.", "leads.", StringComparison.Ordinal);

    // In memory the queue is empty after a start. Leads that come in from then on are not meant.
    private DateTimeOffset? empty;

    /// <inheritdoc/>
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        // Here, while no door is open yet: the loop begins whenever there is a thread for it.
        empty = bus is InProcessBus ? time.GetUtcNow() : null;
        return base.StartAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (empty is { } since)
                    await MakeDueAsync(since, stoppingToken);
                empty = null;
                if (await SweepAsync(stoppingToken) == Batch)
                    continue;
                await Task.Delay(options.Value.SweepInterval, time, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // The net must not tear: database or broker may be away; the next round comes.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Log.Failed(logger, exception);
                await Task.Delay(TimeSpan.FromSeconds(1), time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>What was outstanding when the queue was lost goes out at once, in the order in which it was last heard of; what waits for its time goes on waiting.</summary>
    private async Task MakeDueAsync(DateTimeOffset since, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        _ = await session.ExecuteAsync("UPDATE leads SET sweep_at = updated_at WHERE sweep_at > @since AND (due_at IS NULL OR due_at <= @since) AND updated_at < @since", cancellationToken, ("since", since));
    }

    private async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        var sagas = await ClaimAsync(time.GetUtcNow(), cancellationToken);
        // Leads first: whatever is wrong with the audit must not keep them waiting.
        foreach (var saga in sagas.Where(s => s.Pending != LeadStage.None))
            await bus.SendAsync(StageCommand.Pending(saga)!, cancellationToken);
        // A lead that was not due came here because nothing was heard of it: its audit may be unpublished too.
        await PublishAsync(sagas.FindAll(s => s.Pending == LeadStage.None || s.DueAt is null), cancellationToken);
        if (sagas.Count > 0)
            Log.Swept(logger, sagas.Count);
        return sagas.Count;
    }

    private async Task PublishAsync(IReadOnlyList<LeadSaga> sagas, CancellationToken cancellationToken)
    {
        var failed = 0;
        foreach (var saga in sagas)
        {
            try
            {
                await audit.PublishAgainAsync(saga, cancellationToken);
                failed = 0;
            }
#pragma warning disable CA1031 // One lead's events that cannot be read must not hold up the others'; all of them come round again.
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
            {
                Log.NotPublished(logger, saga.LeadId, exception);
                // Several in a row: it is the broker, and each try takes its time.
                if (++failed >= 3)
                    return;
            }
        }
    }

    /// <summary>Takes rows whose time has come and puts it off, so that the next look is only after this one had its effect.</summary>
    private async Task<List<LeadSaga>> ClaimAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using (var reader = await database.OpenReaderAsync(cancellationToken))
        {
            // Most looks find nothing; they need not become writes.
            var due = await reader.QueryAsync(
                "SELECT 1 FROM leads WHERE sweep_at <= @now LIMIT 1", r => r.GetInt32(0), cancellationToken, ("now", now));
            if (due.Count == 0)
                return [];
        }
        var lockRows = database is PostgresDatabase ? "FOR UPDATE SKIP LOCKED" : "";
        const string Which = "sweep_at <= @now AND (due_at IS NULL OR due_at <= @now)";
        await using var session = await database.OpenAsync(cancellationToken);
        await session.BeginAsync(cancellationToken);
        var sagas = await session.QueryAsync(
            $"UPDATE leads SET sweep_at = @later WHERE id IN (SELECT id FROM leads WHERE {Which} ORDER BY sweep_at LIMIT {Batch} {lockRows}) RETURNING {Returned}",
            r => SagaReader.Read(r, session), cancellationToken, ("now", now), ("later", now + options.Value.ResendAfter));
        await session.CommitAsync(cancellationToken);
        return sagas;
    }

    private static partial class Log
    {
        [LoggerMessage(430, LogLevel.Debug, "Swept {Count} leads")]
        public static partial void Swept(ILogger logger, int count);

        [LoggerMessage(432, LogLevel.Warning, "The audit events of lead {LeadId} could not be published; they come round again")]
        public static partial void NotPublished(ILogger logger, Guid leadId, Exception exception);

        [LoggerMessage(431, LogLevel.Warning, "The sweeper could not look; it tries again")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
