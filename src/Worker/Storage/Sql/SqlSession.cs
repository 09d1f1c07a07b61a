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

    /// <summary>Inserts rows and answers the keys of those that went in.</summary>
    public abstract Task<HashSet<object>> InsertAsync(BulkInsert insert, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken);

    /// <summary>Updates rows and answers the keys of those whose guard held.</summary>
    public abstract Task<HashSet<object>> UpdateAsync(BulkUpdate update, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken);

    /// <summary>
    /// Reads rows. In the statement, <c>{in:COLUMN}</c> stands for "column is one of the values" of the parameter with the column's name.
    /// </summary>
    public abstract Task<List<T>> QueryAsync<T>(string sql, Func<DbDataReader, T> read, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters);

    /// <summary>Runs a statement and answers how many rows it touched.</summary>
    public abstract Task<int> ExecuteAsync(string sql, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters);

    /// <summary>Reads a time column.</summary>
    public abstract DateTimeOffset Time(DbDataReader reader, int ordinal);

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();
}
