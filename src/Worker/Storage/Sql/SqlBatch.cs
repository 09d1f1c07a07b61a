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
    /// Inserts rows that nobody can have inserted yet. Cheaper than <see cref="InsertAsync"/>, which looks for each first and tells which went in; if one
    /// is there after all, <see cref="RunAsync"/> throws <see cref="DuplicateRowException"/>.
    /// </summary>
    public abstract void Add(BulkInsert insert, IReadOnlyList<object?[]> rows);

    /// <summary>Updates rows that are there, and does not ask which were.</summary>
    public abstract void Change(BulkUpdate update, IReadOnlyList<object?[]> rows);

    /// <summary>Carries out a statement, with parameters as in <see cref="QueryAsync"/>, and does not ask what came of it.</summary>
    public abstract void Execute(string sql, params (string Name, object? Value)[] parameters);

    /// <summary>
    /// Reads rows. In the statement, <c>{in:COLUMN}</c> stands for "column is one of the values" of the parameter with the column's name.
    /// </summary>
    public abstract Task<List<T>> QueryAsync<T>(string sql, Func<DbDataReader, T> read, params (string Name, object? Value)[] parameters);

    /// <summary>Sends everything and waits for all answers. Before that no answer is to be waited for.</summary>
    public abstract Task RunAsync(CancellationToken cancellationToken);
}

/// <summary>A row that was to be new is there. The transaction can only be undone.</summary>
public sealed class DuplicateRowException : Exception
{
    /// <summary>For serializers and the like.</summary>
    public DuplicateRowException()
    {
    }

    /// <summary>With a message that names the table.</summary>
    public DuplicateRowException(string message)
        : base(message)
    {
    }

    /// <summary>With the database's own exception.</summary>
    public DuplicateRowException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
