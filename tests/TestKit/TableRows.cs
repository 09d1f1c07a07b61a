using System.Data.Common;
using System.Globalization;

namespace LeadPipeline.TestKit;

/// <summary>Reads tables as an onlooker does who knows nothing of what the worker makes of them.</summary>
public static class TableRows
{
    /// <summary>All rows of a query, every value as its invariant text; null stays null.</summary>
    public static async Task<IReadOnlyList<string?[]>> RowsAsync(this DbConnection connection, string sql)
    {
        ArgumentNullException.ThrowIfNull(connection);
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The tests' own words.
        command.CommandText = sql;
#pragma warning restore CA2100
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string?[]>();
        while (await reader.ReadAsync())
            rows.Add([.. Enumerable.Range(0, reader.FieldCount).Select(i => reader.IsDBNull(i) ? null : Convert.ToString(reader.GetValue(i), CultureInfo.InvariantCulture))]);
        return rows;
    }
}
