using System.Data.Common;

namespace LeadPipeline.Worker.Storage.Sql;

/// <summary>
/// Statements that make one trip to the server together, in their order. What one of them answers is there after <see cref="RunAsync"/>, so none can rest
/// on another one's answer; if one fails, those after it are not carried out.
/// </summary>
public abstract class SqlBatch
{
    /// <summary>Inserts rows and answers the keys of those that went in; nothing is sent for none.</summary>
    public abstract Task<HashSet<object>> InsertAsync(BulkInsert insert, IReadOnlyList<object?[]> rows);

    /// <summary>Updates rows and answers the keys of those whose guard held; nothing is sent for none.</summary>
    public abstract Task<HashSet<object>> UpdateAsync(BulkUpdate update, IReadOnlyList<object?[]> rows);

    /// <summary>
    /// Reads rows. In the statement, <c>{in:COLUMN}</c> stands for "column is one of the values" of the parameter with the column's name.
    /// </summary>
    public abstract Task<List<T>> QueryAsync<T>(string sql, Func<DbDataReader, T> read, params (string Name, object? Value)[] parameters);

    /// <summary>Sends everything and waits for all answers. Before that no answer is to be waited for.</summary>
    public abstract Task RunAsync(CancellationToken cancellationToken);
}
