using System.Collections.Concurrent;
using System.Data.Common;
using System.Text.RegularExpressions;
using Npgsql;
using NpgsqlTypes;

namespace LeadPipeline.Worker.Storage.Sql;

/// <summary>PostgreSQL: a set of rows travels as one array a column and is unfolded by <c>unnest</c>.</summary>
public sealed partial class PostgresSession(NpgsqlConnection connection) : SqlSession
{
    private static readonly ConcurrentDictionary<object, string> Answered = new(ReferenceEqualityComparer.Instance), Unanswered = new(ReferenceEqualityComparer.Instance);
    private static readonly ConcurrentDictionary<string, string> Queries = new();

    private NpgsqlTransaction? transaction;

    /// <inheritdoc/>
    public override async Task BeginAsync(CancellationToken cancellationToken) =>
        transaction = await connection.BeginTransactionAsync(cancellationToken);

    /// <inheritdoc/>
    public override async Task CommitAsync(CancellationToken cancellationToken)
    {
        await transaction!.CommitAsync(cancellationToken);
        await transaction.DisposeAsync();
        transaction = null;
    }

    /// <inheritdoc/>
    public override async Task RollbackAsync(CancellationToken cancellationToken)
    {
        await transaction!.RollbackAsync(cancellationToken);
        await transaction.DisposeAsync();
        transaction = null;
    }

    /// <inheritdoc/>
    public override SqlBatch Batch() => new Trip(connection, transaction);

    /// <inheritdoc/>
    public override async Task<int> ExecuteAsync(string sql, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters)
    {
        await using var command = new NpgsqlCommand(Text(sql), connection, transaction);
        Add(command.Parameters, parameters);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override DateTimeOffset Time(DbDataReader reader, int ordinal) => reader.GetFieldValue<DateTimeOffset>(ordinal);

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        if (transaction is not null)
            await transaction.DisposeAsync();
        await connection.DisposeAsync();
    }

    private static string Text(string sql) => Queries.GetOrAdd(sql, static s => InList().Replace(s, "$1 = ANY(@$1)"));

    private static void Add(NpgsqlParameterCollection to, (string Name, object? Value)[] parameters)
    {
        foreach (var (name, value) in parameters)
            to.Add(new NpgsqlParameter(name, value ?? DBNull.Value));
    }

    private static string AddSql(BulkInsert insert)
    {
        var names = string.Join(", ", insert.Columns.Select(c => c.Name));
        return $"INSERT INTO {insert.Table} ({names}) SELECT {names} FROM unnest({Parameters(insert.Columns)}) AS d({names})";
    }

    private static string InsertSql(BulkInsert insert) => $"{AddSql(insert)} ON CONFLICT DO NOTHING RETURNING {insert.Key}";

    private static string UpdateSql(BulkUpdate update) => $"{ChangeSql(update)} RETURNING t.{update.Key.Name}";

    private static string ChangeSql(BulkUpdate update)
    {
        // Data columns are prefixed: a guard column may be among the columns to set.
        var columns = Columns(update);
        var names = string.Join(", ", columns.Select((_, i) => $"c{i}"));
        var set = string.Join(", ", update.Set.Select((c, i) => $"{c.Name} = d.c{1 + update.Guards.Length + i}"));
        var guards = string.Concat(update.Guards.Select((g, i) => $" AND t.{g.Name} = d.c{1 + i}"));
        return $"UPDATE {update.Table} AS t SET {set} FROM unnest({Parameters(columns)}) AS d({names}) " +
            $"WHERE t.{update.Key.Name} = d.c0{guards}";
    }

    private static Column[] Columns(BulkUpdate update) => [update.Key, .. update.Guards, .. update.Set];

    private static string Parameters(Column[] columns) => string.Join(", ", columns.Select((_, i) => $"${i + 1}"));

    private static NpgsqlParameter Array(ColumnType type, IReadOnlyList<object?[]> rows, int column) => type switch
    {
        ColumnType.Uuid => Values<Guid?>(rows, column, NpgsqlDbType.Uuid),
        ColumnType.Text => References<string>(rows, column, NpgsqlDbType.Text),
        ColumnType.Int => Values<int?>(rows, column, NpgsqlDbType.Integer),
        ColumnType.Bytes => References<byte[]>(rows, column, NpgsqlDbType.Bytea),
        ColumnType.Time => Values<DateTimeOffset?>(rows, column, NpgsqlDbType.TimestampTz),
        ColumnType.Bool => Values<bool?>(rows, column, NpgsqlDbType.Boolean),
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    private static NpgsqlParameter<T[]> Values<T>(IReadOnlyList<object?[]> rows, int column, NpgsqlDbType type)
    {
        var values = new T[rows.Count];
        for (var r = 0; r < values.Length; r++)
            values[r] = (T)rows[r][column]!;
        return new NpgsqlParameter<T[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | type };
    }

    private static NpgsqlParameter<T?[]> References<T>(IReadOnlyList<object?[]> rows, int column, NpgsqlDbType type)
        where T : class
    {
        var values = new T?[rows.Count];
        for (var r = 0; r < values.Length; r++)
            values[r] = (T?)rows[r][column];
        return new NpgsqlParameter<T?[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | type };
    }

    [GeneratedRegex(@"\{in:(\w+)\}")]
    private static partial Regex InList();

    private sealed class Trip(NpgsqlConnection connection, NpgsqlTransaction? transaction) : SqlBatch
    {
        private static readonly Task<HashSet<object>> NoKeys = Task.FromResult(new HashSet<object>());

        private readonly List<NpgsqlBatchCommand> commands = [];
        private readonly List<Func<NpgsqlDataReader, CancellationToken, Task>> answers = [];
        private readonly HashSet<string?> added = [];

        public override Task<HashSet<object>> InsertAsync(BulkInsert insert, IReadOnlyList<object?[]> rows) =>
            rows.Count == 0 ? NoKeys : Keys(Answered.GetOrAdd(insert, static key => InsertSql((BulkInsert)key)), insert.Columns, rows);

        public override Task<HashSet<object>> UpdateAsync(BulkUpdate update, IReadOnlyList<object?[]> rows) =>
            rows.Count == 0 ? NoKeys : Keys(Answered.GetOrAdd(update, static key => UpdateSql((BulkUpdate)key)), Columns(update), rows);

        public override void Add(BulkInsert insert, IReadOnlyList<object?[]> rows)
        {
            if (rows.Count == 0)
                return;
            Write(Unanswered.GetOrAdd(insert, static key => AddSql((BulkInsert)key)), insert.Columns, rows);
            added.Add(insert.Table);
        }

        public override void Change(BulkUpdate update, IReadOnlyList<object?[]> rows)
        {
            if (rows.Count > 0)
                Write(Unanswered.GetOrAdd(update, static key => ChangeSql((BulkUpdate)key)), Columns(update), rows);
        }

        public override void Execute(string sql, params (string Name, object? Value)[] parameters) => PostgresSession.Add(Command(Text(sql)).Parameters, parameters);

        public override Task<List<T>> QueryAsync<T>(string sql, Func<DbDataReader, T> read, params (string Name, object? Value)[] parameters)
        {
            Execute(sql, parameters);
            return Answer(new List<T>(), (all, reader) => all.Add(read(reader)));
        }

        public override async Task RunAsync(CancellationToken cancellationToken)
        {
            if (commands.Count == 0)
                return;
            try
            {
                await using var batch = new NpgsqlBatch(connection, transaction);
                foreach (var command in commands)
                    batch.BatchCommands.Add(command);
                await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
                // What has no answer the reader passes over by itself.
                foreach (var answer in answers)
                {
                    await answer(reader, cancellationToken);
                    _ = await reader.NextResultAsync(cancellationToken);
                }
            }
            catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.UniqueViolation && added.Contains(exception.TableName))
            {
                throw new DuplicateRowException($"a new row of {exception.TableName} is there already", exception);
            }
        }

        private void Write(string sql, Column[] columns, IReadOnlyList<object?[]> rows)
        {
            var parameters = Command(sql).Parameters;
            for (var c = 0; c < columns.Length; c++)
                parameters.Add(Array(columns[c].Type, rows, c));
        }

        private Task<HashSet<object>> Keys(string sql, Column[] columns, IReadOnlyList<object?[]> rows)
        {
            Write(sql, columns, rows);
            return Answer(new HashSet<object>(rows.Count), (keys, reader) => keys.Add(reader.GetValue(0)));
        }

        private NpgsqlBatchCommand Command(string sql)
        {
            var command = new NpgsqlBatchCommand(sql);
            commands.Add(command);
            return command;
        }

        private Task<T> Answer<T>(T all, Action<T, NpgsqlDataReader> take)
        {
            var answered = new TaskCompletionSource<T>();
            answers.Add(async (reader, cancellationToken) =>
            {
                while (await reader.ReadAsync(cancellationToken))
                    take(all, reader);
                answered.SetResult(all);
            });
            return answered.Task;
        }
    }
}
