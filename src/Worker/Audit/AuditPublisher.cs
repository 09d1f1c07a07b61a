using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Audit;

/// <summary>Where audit events are published.</summary>
public interface IAuditExchange
{
    /// <summary>Publishes events in order and returns when the broker has confirmed them all.</summary>
    Task PublishAsync(IReadOnlyList<AuditMessage> events, CancellationToken cancellationToken);
}

/// <summary>
/// Publishes audit events after their commit, one message an event, in order within a lead, at least once. Nothing waits for it: events that
/// it could not publish are found by the sweeper through the mark that each lead carries. The mark is set only for a lead whose events all went
/// out from here, one after the other: otherwise the last of them would vouch for those that were lost before it.
/// </summary>
public sealed partial class AuditPublisher(SqlDatabase database, LeadCipher cipher, IAuditExchange? exchange, ILogger<AuditPublisher> logger) : BackgroundService, IAuditSink
{
    private const int LargestBatch = 1000, Waiting = 20_000, MostLeads = 200_000;

    /// <summary>Stands in <see cref="sent"/> for a lead of which an event was lost.</summary>
    private const int Torn = -1;

    private readonly Channel<Committed> queue = Channel.CreateBounded<Committed>(new BoundedChannelOptions(Waiting) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>The last event of each lead that went out from here. Forgetting one only means that the sweeper publishes that lead again.</summary>
    private readonly Dictionary<Guid, int> sent = [];

    /// <inheritdoc/>
    public bool Publishes => exchange is not null;

    void IAuditSink.Committed(LeadSaga saga, IReadOnlyList<AuditRow> rows, IReadOnlyList<AuditFact> facts)
    {
        if (exchange is not null && rows.Count > 0)
            _ = queue.Writer.TryWrite(new Committed(saga, rows, facts));
    }

    /// <summary>Publishes what a lead's mark says was not confirmed.</summary>
    public async Task PublishAgainAsync(LeadSaga saga, CancellationToken cancellationToken)
    {
        if (exchange is not null)
            await PublishAgainAsync(saga, exchange, cancellationToken);
        // The mark also says that nobody need look at the lead any more: never of one that is under way.
        if (saga.Pending == LeadStage.None)
            await MarkAsync([(saga.LeadId, saga.AuditSeq)], cancellationToken);
    }

    private async Task PublishAgainAsync(LeadSaga saga, IAuditExchange to, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var rows = await session.QueryAsync(
            $"SELECT {AuditReader.Columns}, l.data_key FROM leads l JOIN audit_events a ON a.received_at = l.received_at AND a.lead_id = l.id WHERE l.id = @lead AND a.seq > l.audit_published ORDER BY a.seq",
            r => (Row: AuditReader.Read(r, session), Key: r.IsDBNull(AuditReader.Count) ? null : (byte[])r.GetValue(AuditReader.Count)), cancellationToken, ("lead", saga.LeadId));
        if (rows.Count == 0)
            return;
        var key = rows[0].Key is { } wrapped ? cipher.Unwrap(wrapped, saga.LeadId) : null;
        await to.PublishAsync([.. rows.Select(r => new AuditMessage(r.Row, AuditReader.Payload(r.Row, key)))], cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (exchange is null)
            return;
        var batch = new List<Committed>();
        try
        {
            while (await queue.Reader.WaitToReadAsync(stoppingToken))
            {
                batch.Clear();
                for (var events = 0; events < LargestBatch && queue.Reader.TryRead(out var committed); events += committed.Rows.Count)
                    batch.Add(committed);
                await PublishAsync(batch, exchange, stoppingToken);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping; the sweeper of the next start publishes what is left.
        }
    }

    private async Task PublishAsync(List<Committed> batch, IAuditExchange to, CancellationToken cancellationToken)
    {
        if (sent.Count > MostLeads)
            sent.Clear();
        var inOrder = batch.FindAll(FollowsOn);
        try
        {
            await to.PublishAsync([.. inOrder.SelectMany(c => c.Rows.Zip(c.Facts, (row, fact) => new AuditMessage(row, fact.Utf8)))], cancellationToken);
            // Only the last commit of a lead is marked: until then the mark would be behind again at once.
            await MarkAsync([.. inOrder.Where(IsComplete).Select(c => (c.Saga.LeadId, c.Saga.AuditSeq))], cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
#pragma warning disable CA1031 // Broker or database may be away; the sweeper publishes these later.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            foreach (var committed in batch)
                sent[committed.Saga.LeadId] = Torn;
            Log.NotPublished(logger, batch.Count, exception.Message);
        }
        foreach (var committed in batch.Where(c => c.Saga.Pending == LeadStage.None))
            sent.Remove(committed.Saga.LeadId);
    }

    /// <summary>Whether nothing of the lead was lost before this; if something was, the sweeper publishes all of it in order, and this must not overtake.</summary>
    private bool FollowsOn(Committed committed)
    {
        var (lead, first) = (committed.Saga.LeadId, committed.Rows[0].Seq);
        var torn = sent.TryGetValue(lead, out var last) && last != first - 1;
        if (torn)
            sent[lead] = Torn;
        // What came before may be another worker's; then this one goes out, and the lead is not marked by us.
        else if (first == 1 || last > 0)
            sent[lead] = committed.Rows[^1].Seq;
        return !torn;
    }

    private bool IsComplete(Committed committed) =>
        committed.Saga.Pending == LeadStage.None && sent.GetValueOrDefault(committed.Saga.LeadId) == committed.Saga.AuditSeq;

    private async Task MarkAsync(IReadOnlyList<(Guid LeadId, int Seq)> marks, CancellationToken cancellationToken)
    {
        if (marks.Count == 0)
            return;
        await using var session = await database.OpenAsync(cancellationToken);
        await session.UpdateAsync(LeadTables.AuditPublished, [.. marks.GroupBy(m => m.LeadId).Select(m => new object?[] { m.Key, m.Max(x => x.Seq), m.Max(x => x.Seq), null })], cancellationToken);
    }

    private sealed record Committed(LeadSaga Saga, IReadOnlyList<AuditRow> Rows, IReadOnlyList<AuditFact> Facts);

    private static partial class Log
    {
        [LoggerMessage(500, LogLevel.Warning, "Audit events of {Count} commits were not confirmed; the sweeper publishes them: {Why}")]
        public static partial void NotPublished(ILogger logger, int count, string why);
    }
}
