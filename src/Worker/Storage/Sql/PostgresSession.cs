using System.Collections.Concurrent;
using System.Data.Common;
using System.Text.RegularExpressions;
using Npgsql;
using NpgsqlTypes;

namespace LeadPipeline.Worker.Storage.Sql;

/// <summary>PostgreSQL: a set of rows travels as one array a column and is unfolded by <c>unnest</c>.</summary>
public sealed partial class PostgresSession(NpgsqlConnection connection) : SqlSession
{
    private static readonly ConcurrentDictionary<object, string> Statements = new(ReferenceEqualityComparer.Instance);
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
    public override async Task<HashSet<object>> InsertAsync(BulkInsert insert, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken)
    {
        var sql = Statements.GetOrAdd(insert, static key => InsertSql((BulkInsert)key));
        return await RunAsync(sql, insert.Columns, rows, cancellationToken);
    }

    /// <inheritdoc/>
    public override async Task<HashSet<object>> UpdateAsync(BulkUpdate update, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken)
    {
        var sql = Statements.GetOrAdd(update, static key => UpdateSql((BulkUpdate)key));
        return await RunAsync(sql, Columns(update), rows, cancellationToken);
    }

    /// <inheritdoc/>
    public override async Task<List<T>> QueryAsync<T>(string sql, Func<DbDataReader, T> read, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters)
    {
        await using var command = Command(sql, parameters);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(read(reader));
        return rows;
    }

    /// <inheritdoc/>
    public override async Task<int> ExecuteAsync(string sql, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters)
    {
        await using var command = Command(sql, parameters);
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

    private NpgsqlCommand Command(string sql, (string Name, object? Value)[] parameters)
    {
        var command = new NpgsqlCommand(Queries.GetOrAdd(sql, static s => InList().Replace(s, "$1 = ANY(@$1)")), connection, transaction);
        foreach (var (name, value) in parameters)
            command.Parameters.Add(new NpgsqlParameter(name, value ?? DBNull.Value));
        return command;
    }

    private async Task<HashSet<object>> RunAsync(string sql, Column[] columns, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection, transaction);
        for (var c = 0; c < columns.Length; c++)
            command.Parameters.Add(Array(columns[c].Type, rows, c));
        var keys = new HashSet<object>(rows.Count);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            keys.Add(reader.GetValue(0));
        return keys;
    }

    private static string InsertSql(BulkInsert insert)
    {
        var names = string.Join(", ", insert.Columns.Select(c => c.Name));
        return $"INSERT INTO {insert.Table} ({names}) SELECT {names} FROM unnest({Parameters(insert.Columns)}) AS d({names}) " +
            $"ON CONFLICT DO NOTHING RETURNING {insert.Key}";
    }

    private static string UpdateSql(BulkUpdate update)
    {
        // Data columns are prefixed: the guard column may be among the columns to set.
        var columns = Columns(update);
        var names = string.Join(", ", columns.Select((_, i) => $"c{i}"));
        var first = update.Guard is null ? 1 : 2;
        var set = string.Join(", ", update.Set.Select((c, i) => $"{c.Name} = d.c{first + i}"));
        var guard = update.Guard is null ? "" : $" AND t.{update.Guard.Name} = d.c1";
        return $"UPDATE {update.Table} AS t SET {set} FROM unnest({Parameters(columns)}) AS d({names}) " +
            $"WHERE t.{update.Key.Name} = d.c0{guard} RETURNING t.{update.Key.Name}";
    }

    private static Column[] Columns(BulkUpdate update) =>
        update.Guard is null ? [update.Key, .. update.Set] : [update.Key, update.Guard, .. update.Set];

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
}
