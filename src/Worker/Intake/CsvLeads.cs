using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace LeadPipeline.Worker.Intake;

/// <summary>Leads from a spreadsheet: one a record, columns by their heads, unknown columns to custom fields.</summary>
internal static class CsvLeads
{
    private static readonly string[] Blocks = ["enrichment", "marketing", "product"];

    internal static async IAsyncEnumerable<LeadLine> ReadAsync(Stream stream, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var text = TextDecoding.Open(stream);
        List<Column>? columns = null;
        var buffer = new ArrayBufferWriter<byte>();
        await foreach (var record in new CsvRecords(text).ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (record.Error is { } error)
                yield return new(record.Line, null, error);
            else if (columns is null)
                columns = Columns(record.Fields);
            else if (record.Fields.Skip(columns.Count).Any(f => !string.IsNullOrWhiteSpace(f)))
                yield return new(record.Line, null, $"has {record.Fields.Count} fields where the header has {columns.Count}: quote values that hold the delimiter");
            else
                yield return new(record.Line, Body(columns, record.Fields, buffer), null);
        }
    }

    /// <param name="Block">The block that the column belongs to, <c>customFields</c>, or null for the lead itself.</param>
    /// <param name="Name">The member's name.</param>
    private readonly record struct Column(string? Block, string Name);

    private static List<Column> Columns(IReadOnlyList<string> headers)
    {
        var taken = new HashSet<Column>();
        var columns = new List<Column>(headers.Count);
        foreach (var header in headers)
        {
            var column = Meaning(header.Trim(), columns.Count + 1);
            // Two columns may mean the same ("Mobile", "Phone"): the first is the field, the others are kept beside it.
            if (!taken.Add(column))
            {
                var name = header.Trim();
                for (column = new("customFields", name); !taken.Add(column); column = new("customFields", name))
                    name += " 2";
            }
            columns.Add(column);
        }
        return columns;
    }

    private static Column Meaning(string header, int position)
    {
        if (CsvHeaders.Field(header) is { } field)
            return new(null, field);
        foreach (var block in Blocks)
            if (header.Length > block.Length + 1 && header[block.Length] == '.' && header.StartsWith(block, StringComparison.OrdinalIgnoreCase))
                return new(block, header[(block.Length + 1)..]);
        return new("customFields", header.Length > 0 ? header : string.Create(CultureInfo.InvariantCulture, $"column {position}"));
    }

    private static JsonElement Body(List<Column> columns, IReadOnlyList<string> fields, ArrayBufferWriter<byte> buffer)
    {
        buffer.ResetWrittenCount();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            Members(writer, null);
            foreach (var block in Blocks.Append("customFields"))
            {
                if (!columns.Exists(c => c.Block == block))
                    continue;
                writer.WriteStartObject(block);
                Members(writer, block);
                writer.WriteEndObject();
            }
            writer.WriteEndObject();
        }
        return JsonElement.Parse(buffer.WrittenSpan);

        void Members(Utf8JsonWriter writer, string? block)
        {
            for (var i = 0; i < columns.Count && i < fields.Count; i++)
            {
                if (columns[i].Block != block || string.IsNullOrWhiteSpace(fields[i]))
                    continue;
                // Counts in a spreadsheet are text; the evidence schema has them as numbers.
                if (block is "enrichment" or "marketing" or "product" && long.TryParse(fields[i], NumberStyles.None, CultureInfo.InvariantCulture, out var count))
                    writer.WriteNumber(columns[i].Name, count);
                else
                    writer.WriteString(columns[i].Name, fields[i]);
            }
        }
    }
}
