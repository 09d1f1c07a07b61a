using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace LeadPipeline.Worker.Intake;

/// <summary>Reads files of leads, whatever their size, a record at a time.</summary>
public static class LeadFile
{
    /// <summary>
    /// The leads of a file in order. The format follows from the name's extension, else from the first character. A bad line
    /// comes out with its error and does not stop the others.
    /// </summary>
    /// <param name="stream">The bytes; left open.</param>
    /// <param name="name">The file's name; <c>-</c> or any name without a known extension for "look and see".</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public static IAsyncEnumerable<LeadLine> ReadAsync(Stream stream, string name, CancellationToken cancellationToken = default) =>
        ReadAsync(stream, name, new LeadFileLayout(), cancellationToken);

    /// <summary>The same, and what is found out about the file as a whole.</summary>
    /// <param name="stream">The bytes; left open. One that can be rewound is read twice when it has columns of days.</param>
    /// <param name="name">The file's name.</param>
    /// <param name="layout">Filled in on the way.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public static async IAsyncEnumerable<LeadLine> ReadAsync(Stream stream, string name, LeadFileLayout layout, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var start = stream.CanSeek ? stream.Position : -1;
        var pipe = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 64 * 1024, minimumReadSize: 4096, leaveOpen: true));
        try
        {
            layout.Format = await FormatAsync(pipe, name, cancellationToken).ConfigureAwait(false);
            var lines = layout.Format switch
            {
                LeadFileFormat.JsonLines => JsonLeads.LinesAsync(pipe, cancellationToken),
                LeadFileFormat.Json => JsonLeads.DocumentAsync(pipe, cancellationToken),
                _ when start >= 0 => TwiceAsync(stream, start, layout, cancellationToken),
                _ => CsvLeads.ReadAsync(pipe.AsStream(leaveOpen: true), new CsvDates(), layout, cancellationToken),
            };
            await foreach (var line in lines.ConfigureAwait(false))
                yield return line;
        }
        finally
        {
            // Also when the caller has seen enough: the buffers are pooled.
            await pipe.CompleteAsync().ConfigureAwait(false);
        }
    }

    /// <summary>What the pipe has looked at so far is read again: the stream is set back.</summary>
    private static async IAsyncEnumerable<LeadLine> TwiceAsync(Stream stream, long start, LeadFileLayout layout, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        stream.Position = start;
        var dates = await CsvLeads.ScanAsync(stream, cancellationToken).ConfigureAwait(false);
        stream.Position = start;
        await foreach (var line in CsvLeads.ReadAsync(stream, dates, layout, cancellationToken).ConfigureAwait(false))
            yield return line;
    }

    private static async ValueTask<LeadFileFormat> FormatAsync(PipeReader pipe, string name, CancellationToken cancellationToken)
    {
        switch (Path.GetExtension(name).ToLowerInvariant())
        {
            case ".jsonl" or ".ndjson":
                return LeadFileFormat.JsonLines;
            case ".json":
                return LeadFileFormat.Json;
            case ".csv" or ".tsv":
                return LeadFileFormat.Csv;
        }
        while (true)
        {
            var read = await pipe.ReadAsync(cancellationToken).ConfigureAwait(false);
            // A file that starts with this much white space is none of ours.
            var head = read.Buffer.Slice(0, Math.Min(read.Buffer.Length, JsonLeads.MaxLead)).ToArray().AsSpan();
            var format = Look(head, read.IsCompleted || head.Length == JsonLeads.MaxLead);
            pipe.AdvanceTo(read.Buffer.Start, format is null ? read.Buffer.End : read.Buffer.Start);
            if (format is { } known)
                return known;
        }
    }

    /// <summary>Null: more is needed to tell.</summary>
    private static LeadFileFormat? Look(ReadOnlySpan<byte> head, bool all)
    {
        if (head.StartsWith("\uFEFF"u8))
            head = head[3..];
        var rest = head.TrimStart(" \t\r\n"u8);
        if (rest.IsEmpty)
            return all ? LeadFileFormat.JsonLines : null;
        if (rest[0] == '[')
            return LeadFileFormat.Json;
        if (rest[0] != '{')
            return LeadFileFormat.Csv;
        // One object a line, or one object over several lines: the end of the first line tells.
        var end = rest.IndexOf((byte)'\n');
        if (end < 0 && !all)
            return null;
        return end < 0 || rest[..end].TrimEnd(" \t\r"u8).EndsWith("}"u8) ? LeadFileFormat.JsonLines : LeadFileFormat.Json;
    }
}
