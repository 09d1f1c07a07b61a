using System.Data.Common;

namespace LeadPipeline.Worker.Storage.Sql;

/// <summary>
/// One connection, used by one caller at a time. The hot path writes through here, set by set; everything that is not hot
/// goes through EF Core (<see cref="LeadDb"/>).
/// </summary>
public abstract class SqlSession : IAsyncDisposable
{
    /// <summary>Begins a transaction that may write.</summary>
    public abstract Task BeginAsync(CancellationToken cancellationToken);

    /// <summary>Makes it durable.</summary>
    public abstract Task CommitAsync(CancellationToken cancellationToken);

    /// <summary>Undoes it. The session can be used on.</summary>
    public abstract Task RollbackAsync(CancellationToken cancellationToken);

    /// <summary>Begins to gather statements for one trip.</summary>
    public abstract SqlBatch Batch();

    /// <summary>Inserts rows and answers the keys of those that went in.</summary>
    public Task<HashSet<object>> InsertAsync(BulkInsert insert, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken) =>
        AloneAsync(batch => batch.InsertAsync(insert, rows), cancellationToken);

    /// <summary>Updates rows and answers the keys of those whose guard held.</summary>
    public Task<HashSet<object>> UpdateAsync(BulkUpdate update, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken) =>
        AloneAsync(batch => batch.UpdateAsync(update, rows), cancellationToken);

    /// <summary>Reads rows, as <see cref="SqlBatch.QueryAsync"/> does.</summary>
    public Task<List<T>> QueryAsync<T>(string sql, Func<DbDataReader, T> read, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters) =>
        AloneAsync(batch => batch.QueryAsync(sql, read, parameters), cancellationToken);

    /// <summary>Runs a statement and answers how many rows it touched.</summary>
    public abstract Task<int> ExecuteAsync(string sql, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters);

    /// <summary>Reads a time column.</summary>
    public abstract DateTimeOffset Time(DbDataReader reader, int ordinal);

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();

    private async Task<T> AloneAsync<T>(Func<SqlBatch, Task<T>> statement, CancellationToken cancellationToken)
    {
        var batch = Batch();
        var answer = statement(batch);
        await batch.RunAsync(cancellationToken);
        return await answer;
    }
}
