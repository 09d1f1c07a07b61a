using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;

namespace LeadPipeline.Worker.Storage.Sql;

/// <summary>
/// SQLite: a set of rows is a loop over one prepared statement inside a transaction. Calls are synchronous underneath;
/// the file is local and the writer is alone.
/// </summary>
public sealed partial class SqliteSession(SqliteConnection connection, Action? closed = null) : SqlSession
{
    private readonly Dictionary<object, SqliteStatement> prepared = new(ReferenceEqualityComparer.Instance);
    private SqliteTransaction? transaction;

    /// <inheritdoc/>
    public override Task BeginAsync(CancellationToken cancellationToken)
    {
        transaction = connection.BeginTransaction(deferred: false);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task CommitAsync(CancellationToken cancellationToken)
    {
        transaction!.Commit();
        transaction.Dispose();
        transaction = null;
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task RollbackAsync(CancellationToken cancellationToken)
    {
        transaction!.Rollback();
        transaction.Dispose();
        transaction = null;
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override SqlBatch Batch() => new AtOnce(this);

    /// <inheritdoc/>
    public override Task<int> ExecuteAsync(string sql, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters)
    {
        using var command = Command(sql, parameters);
        return Task.FromResult(command.ExecuteNonQuery());
    }

    /// <inheritdoc/>
    public override DateTimeOffset Time(DbDataReader reader, int ordinal) => new(reader.GetInt64(ordinal), TimeSpan.Zero);

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        try
        {
            transaction?.Dispose();
        }
        finally
        {
            transaction = null;
            // Also when it cannot be rolled back: whoever comes next would wait for the writer for ever.
            if (closed is not null)
                closed();
            else
                await CloseAsync();
        }
    }

    /// <summary>Closes the connection for good, also one that is kept open between uses.</summary>
    internal async ValueTask CloseAsync()
    {
        foreach (var statement in prepared.Values)
            statement.Dispose();
        await connection.DisposeAsync();
    }

    private SqliteCommand Command(string sql, (string Name, object? Value)[] parameters)
    {
        var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = InList().Replace(sql, "$1 IN (SELECT value FROM json_each(@$1))");
        foreach (var (name, value) in parameters)
            command.Parameters.AddWithValue(name, Value(value));
        return command;
    }

    private SqliteStatement Prepared(object statement, Func<string> sql)
    {
        if (!prepared.TryGetValue(statement, out var one))
            prepared.Add(statement, one = new SqliteStatement(connection, sql()));
        return one;
    }

    private static HashSet<object> Run(SqliteStatement statement, IReadOnlyList<object?[]> rows, int keyIndex)
    {
        var keys = new HashSet<object>(rows.Count);
        foreach (var row in rows)
        {
            if (statement.Run(row) == 1)
                keys.Add(row[keyIndex]!);
        }
        return keys;
    }

    /// <summary>As EF Core stores it, so that both read what the other wrote.</summary>
    private static object Value(object? value) => value switch
    {
        null => DBNull.Value,
        DateTimeOffset time => time.UtcTicks,
        Guid id => id.ToString().ToUpperInvariant(),
        Guid[] ids => JsonSerializer.Serialize(ids.Select(i => i.ToString().ToUpperInvariant())),
        string[] texts => JsonSerializer.Serialize(texts),
        _ => value,
    };

    [GeneratedRegex(@"\{in:(\w+)\}")]
    private static partial Regex InList();

    /// <summary>There is no trip to be spared: each statement is carried out when it is given.</summary>
    private sealed class AtOnce(SqliteSession session) : SqlBatch
    {
        private DuplicateRowException? duplicate;

        public override Task<HashSet<object>> InsertAsync(BulkInsert insert, IReadOnlyList<object?[]> rows) => Task.FromResult(Insert(insert, rows));

        public override Task<HashSet<object>> UpdateAsync(BulkUpdate update, IReadOnlyList<object?[]> rows) => Task.FromResult(Update(update, rows));

        // Nothing is dearer here for being told, so these are the same statements.
        public override void Add(BulkInsert insert, IReadOnlyList<object?[]> rows)
        {
            if (Insert(insert, rows).Count < rows.Count)
                duplicate ??= new DuplicateRowException($"a new row of {insert.Table} is there already");
        }

        public override void Change(BulkUpdate update, IReadOnlyList<object?[]> rows) => Update(update, rows);

        private HashSet<object> Insert(BulkInsert insert, IReadOnlyList<object?[]> rows) => Run(session.Prepared(insert, () =>
            $"INSERT INTO {insert.Table} ({string.Join(", ", insert.Columns.Select(c => c.Name))}) " +
            $"VALUES ({string.Join(", ", insert.Columns.Select((_, i) => Place(i)))}) ON CONFLICT DO NOTHING"), rows, insert.KeyIndex);

        private HashSet<object> Update(BulkUpdate update, IReadOnlyList<object?[]> rows) => Run(session.Prepared(update, () =>
            $"UPDATE {update.Table} SET {string.Join(", ", update.Set.Select((c, i) => $"{c.Name} = {Place(1 + update.Guards.Length + i)}"))} " +
            $"WHERE {update.Key.Name} = {Place(0)}{string.Concat(update.Guards.Select((g, i) => $" AND {g.Name} = {Place(1 + i)}"))}"), rows, keyIndex: 0);

        /// <summary>Where the value stands in the row.</summary>
        private static string Place(int index) => string.Create(CultureInfo.InvariantCulture, $"?{index + 1}");

        public override void Execute(string sql, params (string Name, object? Value)[] parameters)
        {
            using var command = session.Command(sql, parameters);
            _ = command.ExecuteNonQuery();
        }

        public override Task<List<T>> QueryAsync<T>(string sql, Func<DbDataReader, T> read, params (string Name, object? Value)[] parameters)
        {
            using var command = session.Command(sql, parameters);
            using var reader = command.ExecuteReader();
            var rows = new List<T>();
            while (reader.Read())
                rows.Add(read(reader));
            return Task.FromResult(rows);
        }

        public override Task RunAsync(CancellationToken cancellationToken) => duplicate is null ? Task.CompletedTask : Task.FromException(duplicate);
    }
}
