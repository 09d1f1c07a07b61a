using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace LeadPipeline.Worker.Intake;

/// <summary>Leads from a spreadsheet: one a record, columns by their heads, unknown columns to custom fields.</summary>
internal static class CsvLeads
{
    private const string CustomFields = "customFields";
    private static readonly string[] Blocks = ["enrichment", "marketing", "product"];

    /// <summary>Reads the leads. What is to be known about the whole file goes into the layout.</summary>
    /// <param name="stream">The bytes; left open.</param>
    /// <param name="dates">What <see cref="ScanAsync"/> found out; empty when the file cannot be read twice.</param>
    /// <param name="layout">Filled in on the way.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    internal static async IAsyncEnumerable<LeadLine> ReadAsync(Stream stream, CsvDates dates, LeadFileLayout layout, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var text = TextDecoding.Open(stream, () => layout.Notice("Some bytes are not UTF-8; they were read as Windows-1252 (Latin-1). Save the file as UTF-8 if letters look wrong."));
        List<Column>? columns = null;
        var records = new CsvRecords(text);
        var buffer = new ArrayBufferWriter<byte>();
        await foreach (var record in records.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (record.Error is { } error)
            {
                yield return new(record.Line, null, error) { Raw = record.Raw };
            }
            else if (columns is null)
            {
                columns = Columns(record.Fields);
                layout.Delimiter = records.Delimiter;
                layout.Columns = columns.Count(c => !c.IsRemark);
                layout.Header = WithoutRemark(columns, record, records.Delimiter);
            }
            else
            {
                yield return Line(columns, record, dates, layout, buffer) with
                {
                    Raw = WithoutRemark(columns, record, records.Delimiter),
                    Fields = record.Fields.Count - (columns.FindIndex(c => c.IsRemark) is >= 0 and var remark && remark < record.Fields.Count ? 1 : 0),
                };
            }
        }
    }

    /// <summary>Reads the whole file for what its columns of days prove about the order of day and month; stops at once when there are none.</summary>
    internal static async Task<CsvDates> ScanAsync(Stream stream, CancellationToken cancellationToken)
    {
        var dates = new CsvDates();
        using var text = TextDecoding.Open(stream);
        List<int>? columns = null;
        await foreach (var record in new CsvRecords(text).ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (record.Error is not null)
                continue;
            if (columns is null)
            {
                columns = [.. Columns(record.Fields).Index().Where(c => c.Item.IsTime).Select(c => c.Index)];
                if (columns.Count == 0)
                    break;
                continue;
            }
            foreach (var column in columns.Where(c => c < record.Fields.Count))
                dates.Learn(column, record.Fields[column]);
        }
        return dates;
    }

    /// <param name="Block">The block that the column belongs to, <c>customFields</c>, or null for the lead itself.</param>
    /// <param name="Name">The member's name.</param>
    /// <param name="Head">The head as it stands in the file.</param>
    private sealed record Column(string? Block, string Name, string Head)
    {
        public bool IsTime => Name.EndsWith("At", StringComparison.Ordinal) && (Block is null or "marketing" or "product");

        /// <summary>Ours, from a file of refusals; not the lead's.</summary>
        public bool IsRemark => Block is null && Name == LeadFileLayout.RejectedBecause;
    }

    private static List<Column> Columns(IReadOnlyList<string> headers)
    {
        var taken = new HashSet<(string?, string)>();
        var columns = new List<Column>(headers.Count);
        foreach (var header in headers)
        {
            var column = Meaning(header.Trim(), columns.Count + 1);
            // Two columns may mean the same ("Mobile", "Phone"): the first is the field, the others are kept beside it.
            if (!taken.Add((column.Block, column.Name)))
            {
                var name = header.Trim();
                for (column = column with { Block = CustomFields, Name = name }; !taken.Add((column.Block, column.Name)); column = column with { Name = name })
                    name += " 2";
            }
            columns.Add(column);
        }
        return columns;
    }

    private static Column Meaning(string header, int position)
    {
        if (header == LeadFileLayout.RejectedBecause)
            return new(null, header, header);
        if (CsvHeaders.Field(header) is { } field)
            return new(null, field, header);
        foreach (var block in Blocks)
            if (header.Length > block.Length + 1 && header[block.Length] == '.' && header.StartsWith(block, StringComparison.OrdinalIgnoreCase))
                return new(block, header[(block.Length + 1)..], header);
        var name = header.Length > 0 ? header : string.Create(CultureInfo.InvariantCulture, $"column {position}");
        return new(CustomFields, name, name);
    }

    private static string WithoutRemark(List<Column> columns, CsvRecord record, char delimiter) =>
        columns.FindIndex(c => c.IsRemark) is >= 0 and var remark && remark < record.Fields.Count
            ? CsvText.Line(record.Fields.Where((_, i) => i != remark), delimiter)
            : record.Raw;

    private static LeadLine Line(List<Column> columns, CsvRecord record, CsvDates dates, LeadFileLayout layout, ArrayBufferWriter<byte> buffer)
    {
        if (record.Fields.Skip(columns.Count).Any(f => !string.IsNullOrWhiteSpace(f)))
            return new(record.Line, null, $"has {record.Fields.Count} fields where the header has {columns.Count}: quote values that hold the delimiter");
        var cells = new List<(string? Block, string Name, string Value)>(columns.Count);
        for (var i = 0; i < columns.Count && i < record.Fields.Count; i++)
        {
            var (column, value) = (columns[i], record.Fields[i]);
            if (column.IsRemark || string.IsNullOrWhiteSpace(value))
                continue;
            if (!column.IsTime)
            {
                cells.Add((column.Block, column.Name, value));
                continue;
            }
            var date = dates.Read(i, value);
            if (date.Error is { } error)
                return new(record.Line, null, $"has in column {column.Head} {error}");
            if (date.Iso is { } iso)
            {
                cells.Add((column.Block, column.Name, iso));
                continue;
            }
            // Better not known than wrong by months. The text itself is kept.
            cells.Add((CustomFields, column.Head, value));
            layout.Notice($"Column {column.Head}: days such as 1/2/2026 can be read in two ways, and nothing in the column tells which; they were kept as custom fields. Write 2026-02-01.");
        }
        return new(record.Line, Body(cells, buffer), null);
    }

    private static JsonElement Body(List<(string? Block, string Name, string Value)> cells, ArrayBufferWriter<byte> buffer)
    {
        buffer.ResetWrittenCount();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            Members(null);
            foreach (var block in Blocks.Append(CustomFields))
            {
                if (!cells.Exists(c => c.Block == block))
                    continue;
                writer.WriteStartObject(block);
                Members(block);
                writer.WriteEndObject();
            }
            writer.WriteEndObject();

            void Members(string? block)
            {
                foreach (var cell in cells)
                {
                    if (cell.Block != block)
                        continue;
                    // Counts in a spreadsheet are text; the evidence schema has them as numbers.
                    if (block is "enrichment" or "marketing" or "product" && long.TryParse(cell.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var count))
                        writer.WriteNumber(cell.Name, count);
                    else
                        writer.WriteString(cell.Name, cell.Value);
                }
            }
        }
        return JsonElement.Parse(buffer.WrittenSpan);
    }
}
