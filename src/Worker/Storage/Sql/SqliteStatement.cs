using System.Buffers;
using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace LeadPipeline.Worker.Storage.Sql;

/// <summary>
/// A prepared statement that is carried out row by row, by the native interface that <see cref="SqliteCommand"/> itself rests on. A command looks each parameter up by its name
/// and makes a reader for each row, which takes longer than SQLite does for the row, and the one writer is what the embedded mode waits for.
/// </summary>
internal sealed class SqliteStatement : IDisposable
{
    private const int GuidLength = 36;
    private const int LargestOnStack = 512;

    private readonly sqlite3 database;
    private readonly sqlite3_stmt statement;

    /// <summary>Prepares it.</summary>
    /// <param name="connection">An open connection; it outlives the statement.</param>
    /// <param name="sql">One statement that answers no rows, with parameters ?1, ?2 and so on for the values of a row.</param>
    /// <exception cref="SqliteException">It cannot be prepared.</exception>
    public SqliteStatement(SqliteConnection connection, string sql)
    {
        database = connection.Handle!;
        SqliteException.ThrowExceptionForRC(raw.sqlite3_prepare_v3(database, sql, raw.SQLITE_PREPARE_PERSISTENT, out statement), database);
    }

    /// <summary>Carries it out for one row, and answers how many rows it changed.</summary>
    /// <param name="row">The values, as <see cref="SqliteSession"/> takes them.</param>
    /// <exception cref="SqliteException">SQLite refuses it.</exception>
    public int Run(object?[] row)
    {
        for (var i = 0; i < row.Length; i++)
            SqliteException.ThrowExceptionForRC(Bind(i + 1, row[i]), database);
        var answer = raw.sqlite3_step(statement);
        var changed = raw.sqlite3_changes(database);
        // What went wrong with the step comes back from the reset, and it is told of there.
        var reset = raw.sqlite3_reset(statement);
        SqliteException.ThrowExceptionForRC(answer is raw.SQLITE_DONE or raw.SQLITE_ROW ? reset : answer, database);
        return changed;
    }

    /// <inheritdoc/>
    public void Dispose() => statement.Dispose();

    /// <summary>As EF Core stores it, so that both read what the other wrote.</summary>
    private int Bind(int place, object? value) => value switch
    {
        null => raw.sqlite3_bind_null(statement, place),
        // No bytes at all would be taken for NULL.
        "" => raw.sqlite3_bind_text(statement, place, ""),
        string text => BindText(place, text),
        Guid id => BindId(place, id),
        DateTimeOffset time => raw.sqlite3_bind_int64(statement, place, time.UtcTicks),
        int number => raw.sqlite3_bind_int64(statement, place, number),
        long number => raw.sqlite3_bind_int64(statement, place, number),
        bool yes => raw.sqlite3_bind_int(statement, place, yes ? 1 : 0),
        byte[] { Length: 0 } => raw.sqlite3_bind_zeroblob(statement, place, 0),
        byte[] bytes => raw.sqlite3_bind_blob(statement, place, bytes),
        _ => throw new ArgumentException($"A column cannot hold a {value.GetType().Name}.", nameof(value)),
    };

    private int BindId(int place, Guid id)
    {
        Span<byte> text = stackalloc byte[GuidLength];
        _ = id.TryFormat(text, out _);
        _ = Ascii.ToUpperInPlace(text, out _);
        return raw.sqlite3_bind_text(statement, place, text);
    }

    private int BindText(int place, string text)
    {
        var longest = Encoding.UTF8.GetMaxByteCount(text.Length);
        if (longest <= LargestOnStack)
        {
            Span<byte> bytes = stackalloc byte[LargestOnStack];
            return raw.sqlite3_bind_text(statement, place, bytes[..Encoding.UTF8.GetBytes(text, bytes)]);
        }
        var rented = ArrayPool<byte>.Shared.Rent(longest);
        try
        {
            return raw.sqlite3_bind_text(statement, place, rented.AsSpan(0, Encoding.UTF8.GetBytes(text, rented)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }
}
