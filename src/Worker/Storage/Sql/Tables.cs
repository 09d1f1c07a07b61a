namespace LeadPipeline.Worker.Storage.Sql;

/// <summary>Column types that PostgreSQL and SQLite both have, each in its own way.</summary>
public enum ColumnType { Uuid, Text, Int, Bytes, Time, Bool }

/// <summary>A column of a table that is written in bulk.</summary>
/// <param name="Name">Its name in the database.</param>
/// <param name="Type">Its type.</param>
public sealed record Column(string Name, ColumnType Type);

/// <summary>Insert many rows with one statement; rows that violate a unique constraint are left out.</summary>
/// <param name="Table">The table.</param>
/// <param name="Key">The column that tells which rows went in; unique among the rows of one call.</param>
/// <param name="Columns">The columns, the key among them, in the order of the rows' values.</param>
public sealed record BulkInsert(string Table, string Key, params Column[] Columns)
{
    /// <summary>Position of the key in a row.</summary>
    public int KeyIndex { get; } = Array.FindIndex(Columns, c => c.Name == Key);
}

/// <summary>Update many rows with one statement, each only if its guard columns still have the values that the row expects.</summary>
/// <param name="Table">The table.</param>
/// <param name="Key">The key column, first in each row.</param>
/// <param name="Guards">The guard columns, after it in each row; none: no guard.</param>
/// <param name="Set">The columns to set, after these in each row.</param>
public sealed record BulkUpdate(string Table, Column Key, Column[] Guards, params Column[] Set);
