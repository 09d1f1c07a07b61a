using System.Data.Common;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Tests.CrashPoints;

/// <summary>A database as a process sees it that may end before and after everything that it asks of it. What was not committed by then is rolled back, as a server does.</summary>
public sealed class DoomedDatabase(SqlDatabase inner, DoomedProcess process) : SqlDatabase
{
    public override async Task<SqlSession> OpenAsync(CancellationToken cancellationToken)
    {
        process.Pass("before a database session");
        return new DoomedSession(await inner.OpenAsync(cancellationToken), process);
    }

    public override async Task<SqlSession> OpenReaderAsync(CancellationToken cancellationToken)
    {
        process.Pass("before a reading session");
        return new DoomedSession(await inner.OpenReaderAsync(cancellationToken), process);
    }

    public override bool IsTransient(Exception exception) => inner.IsTransient(exception);

    /// <summary>It belongs to whoever made it, and outlives the process.</summary>
    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

internal sealed class DoomedSession(SqlSession inner, DoomedProcess process) : SqlSession
{
    private bool inTransaction;

    public override async Task BeginAsync(CancellationToken cancellationToken)
    {
        process.Pass("before BEGIN");
        await inner.BeginAsync(cancellationToken);
        inTransaction = true;
    }

    public override async Task CommitAsync(CancellationToken cancellationToken)
    {
        process.Pass("before COMMIT");
        await inner.CommitAsync(cancellationToken);
        inTransaction = false;
        process.Pass("after COMMIT");
    }

    public override Task RollbackAsync(CancellationToken cancellationToken)
    {
        process.Pass("before ROLLBACK");
        inTransaction = false;
        return inner.RollbackAsync(cancellationToken);
    }

    public override SqlBatch Batch() => new DoomedBatch(inner.Batch(), this, process);

    public override async Task<int> ExecuteAsync(string sql, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters)
    {
        process.Pass("before a statement");
        var touched = await inner.ExecuteAsync(sql, cancellationToken, parameters);
        Passed("a statement");
        return touched;
    }

    public override DateTimeOffset Time(DbDataReader reader, int ordinal) => inner.Time(reader, ordinal);

    public override ValueTask DisposeAsync() => inner.DisposeAsync();

    /// <summary>Within a transaction the next call's point is as good: nothing has become durable in between.</summary>
    internal void Passed(string what)
    {
        if (!inTransaction)
            process.Pass("after " + what);
    }
}

/// <summary>Ends before any of the statements that travel together, or after all of them.</summary>
internal sealed class DoomedBatch(SqlBatch inner, DoomedSession session, DoomedProcess process) : SqlBatch
{
    public override Task<HashSet<object>> InsertAsync(BulkInsert insert, IReadOnlyList<object?[]> rows)
    {
        process.Pass("before INSERT");
        return inner.InsertAsync(insert, rows);
    }

    public override Task<HashSet<object>> UpdateAsync(BulkUpdate update, IReadOnlyList<object?[]> rows)
    {
        process.Pass("before UPDATE");
        return inner.UpdateAsync(update, rows);
    }

    public override void Add(BulkInsert insert, IReadOnlyList<object?[]> rows)
    {
        process.Pass("before INSERT");
        inner.Add(insert, rows);
    }

    public override void Change(BulkUpdate update, IReadOnlyList<object?[]> rows)
    {
        process.Pass("before UPDATE");
        inner.Change(update, rows);
    }

    public override void Execute(string sql, params (string Name, object? Value)[] parameters)
    {
        process.Pass("before a statement");
        inner.Execute(sql, parameters);
    }

    public override Task<List<T>> QueryAsync<T>(string sql, Func<DbDataReader, T> read, params (string Name, object? Value)[] parameters)
    {
        process.Pass("before a query");
        return inner.QueryAsync(sql, read, parameters);
    }

    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        process.Pass("before the statements are sent");
        await inner.RunAsync(cancellationToken);
        session.Passed("the statements");
    }
}
