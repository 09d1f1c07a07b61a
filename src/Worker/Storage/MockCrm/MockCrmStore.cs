using System.Globalization;
using System.Text;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Mock;
using LeadPipeline.Mcp.Tools;
using LeadPipeline.Worker.Storage.Sql;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace LeadPipeline.Worker.Storage.MockCrm;

/// <summary>The mock CRM's tables. Calls of many leads share transactions, as everything on the hot path does.</summary>
public sealed class MockCrmStore : IMockCrmStore, IAsyncDisposable
{
    private const int LargestGroup = 64;
    private readonly SqlDatabase database;
    private readonly TimeProvider time;
    private readonly Grouped<CrmQuery, CrmView> reads;
    private readonly Grouped<CrmBatch, IReadOnlyList<CrmOutcome>> writes;

    /// <summary>Starts with the first call.</summary>
    public MockCrmStore(SqlDatabase database, TimeProvider time)
    {
        (this.database, this.time) = (database, time);
        reads = new(LargestGroup, null, ReadGroupAsync, exception => !database.IsTransient(exception));
        // Two batches for one person touch one record: the second waits for the next group.
        writes = new(LargestGroup, batch => batch.Email, WriteGroupAsync, exception => !database.IsTransient(exception));
    }

    /// <inheritdoc/>
    public Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken) => reads.RunAsync(query);

    /// <inheritdoc/>
    public Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken) => writes.RunAsync(batch);

    /// <inheritdoc/>
    public bool IsTransient(Exception exception) => database.IsTransient(exception);

    /// <summary>Puts the users, campaigns and accounts there that every new CRM has.</summary>
    public async Task SeedAsync(CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        await session.BeginAsync(cancellationToken);
        foreach (var group in MockCrmSeed.Rows(time.GetUtcNow()).GroupBy(r => r.Object))
            await session.InsertAsync(CrmTables.Insert(group.Key), [.. group.Select(CrmTables.InsertRow)], cancellationToken);
        await session.CommitAsync(cancellationToken);
    }

    /// <summary>Lists records, newest first.</summary>
    public async Task<IReadOnlyList<CrmRecord>> ListAsync(CrmObject kind, int limit, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var rows = await CrmTables.SelectAsync(session, kind, "1 = 1", string.Create(CultureInfo.InvariantCulture, $"ORDER BY created_at DESC, id LIMIT {limit}"), cancellationToken);
        return rows.ConvertAll(r => r.ToRecord());
    }

    /// <summary>One record, whatever its kind; null when there is none.</summary>
    public async Task<CrmRecord?> FindAsync(string id, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        foreach (var kind in CrmTables.InOrder)
        {
            if (await CrmTables.SelectAsync(session, kind, "id = @id", "", cancellationToken, ("id", id)) is [var row])
                return row.ToRecord();
        }
        return null;
    }

    /// <summary>What the open opportunities are worth in dollars, by stage; those without an amount, or in another currency, are left out.</summary>
    public async Task<IReadOnlyDictionary<string, decimal>> OpenAmountsAsync(CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        // Most have no amount: they are passed over where they lie.
        var rows = await CrmTables.SelectAsync(session, CrmObject.Opportunity, $"fields LIKE '%\"{CrmFields.Amount}\"%'", "", cancellationToken);
        return rows.Where(r => CrmValues.IsOpenStage(r.Fields.GetValueOrDefault(CrmFields.Stage, "")) && r.Fields.GetValueOrDefault(CrmFields.Currency, "USD") == "USD")
            .GroupBy(r => r.Fields[CrmFields.Stage])
            .ToDictionary(g => g.Key, g => g.Sum(r => decimal.TryParse(r.Fields.GetValueOrDefault(CrmFields.Amount), NumberStyles.Float, CultureInfo.InvariantCulture, out var amount) ? amount : 0));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await reads.DisposeAsync();
        await writes.DisposeAsync();
    }

    private async Task<IReadOnlyList<CrmView>> ReadGroupAsync(IReadOnlyList<CrmQuery> queries, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var found = new CrmReader(session, queries);
        await found.LoadAsync(cancellationToken);
        return [.. queries.Select(found.View)];
    }

    private async Task<IReadOnlyList<IReadOnlyList<CrmOutcome>>> WriteGroupAsync(IReadOnlyList<CrmBatch> batches, CancellationToken cancellationToken)
    {
        try
        {
            return await WriteGroupAsync(batches, careful: false, cancellationToken);
        }
        catch (Exception exception) when (batches.Count == 1 && IsBrokenLink(exception))
        {
            // A CRM says which link is broken and writes the rest; the database only says that one is.
            return await WriteGroupAsync(batches, careful: true, cancellationToken);
        }
    }

    private async Task<IReadOnlyList<IReadOnlyList<CrmOutcome>>> WriteGroupAsync(IReadOnlyList<CrmBatch> batches, bool careful, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        await session.BeginAsync(cancellationToken);
        var writer = new CrmWriter(session, batches, time.GetUtcNow(), careful);
        if (!await TryTogetherAsync(writer, batches, cancellationToken))
        {
            await session.RollbackAsync(cancellationToken);
            await session.BeginAsync(cancellationToken);
            writer = new CrmWriter(session, batches, time.GetUtcNow(), careful);
            await writer.RunAsync(cancellationToken);
            await session.InsertAsync(SyncLog, LogRows(batches, writer), cancellationToken);
        }
        await session.CommitAsync(cancellationToken);
        return writer.Outcomes;
    }

    private async Task<bool> TryTogetherAsync(CrmWriter writer, IReadOnlyList<CrmBatch> batches, CancellationToken cancellationToken)
    {
        try
        {
            return await writer.TryTogetherAsync(trip => trip.Add(SyncLog, LogRows(batches, writer)), cancellationToken);
        }
        catch (Exception exception) when (IsBrokenLink(exception))
        {
            // Perhaps a link to a row of the same trip that did not go in.
            return false;
        }
    }

    private static bool IsBrokenLink(Exception exception) =>
        exception is PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation } or SqliteException { SqliteExtendedErrorCode: 787 };

    private static readonly BulkInsert SyncLog = new("crm_sync_logs", "id",
        new("id", ColumnType.Uuid), new("at", ColumnType.Time), new("lead_id", ColumnType.Uuid), new("call", ColumnType.Text), new("operations", ColumnType.Text));

    private List<object?[]> LogRows(IReadOnlyList<CrmBatch> batches, CrmWriter writer) => [.. batches.Select((b, i) => LogRow(b, writer.Outcomes[i]))];

    private object?[] LogRow(CrmBatch batch, IReadOnlyList<CrmOutcome> outcomes)
    {
        using var pad = JsonPad.Rent();
        pad.Writer.WriteStartArray();
        for (var i = 0; i < batch.Writes.Count; i++)
        {
            // Names and outcomes only: what was written is in the records themselves.
            var write = batch.Writes[i];
            pad.Writer.WriteStartObject();
            pad.Writer.WriteString("tool", write.Tool);
            pad.Writer.WriteString("write", write switch { CreateRecord => "create", UpdateRecord => "update", ConvertLead => "convert", _ => "remove" });
            pad.Writer.WriteString("object", write.Object.ToString());
            pad.Writer.WriteString("outcome", outcomes[i].GetType().Name);
            pad.Writer.WriteEndObject();
        }
        pad.Writer.WriteEndArray();
        return [Guid.CreateVersion7(), time.GetUtcNow(), batch.LeadId, "write", Encoding.UTF8.GetString(pad.Written)];
    }
}
