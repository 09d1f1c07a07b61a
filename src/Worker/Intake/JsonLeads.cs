using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace LeadPipeline.Worker.Intake;

/// <summary>Leads from JSON: one a line, or one array or object. At most one lead is in memory.</summary>
internal static class JsonLeads
{
    /// <summary>The longest lead, in bytes: what the HTTP door takes too.</summary>
    internal const int MaxLead = 1024 * 1024;

    internal static async IAsyncEnumerable<LeadLine> LinesAsync(PipeReader pipe, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (number, skipping) = (0, false);
        while (true)
        {
            var read = await pipe.ReadAsync(cancellationToken).ConfigureAwait(false);
            var buffer = read.Buffer;
            while (!buffer.IsEmpty)
            {
                var end = buffer.PositionOf((byte)'\n');
                if (end is null && !read.IsCompleted && buffer.Length <= MaxLead)
                    break;
                var line = end is { } at ? buffer.Slice(0, at) : buffer;
                if (!skipping)
                    number++;
                if (!skipping && Line(line, number) is { } lead)
                    yield return lead;
                // A line longer than a lead can be is told of once and passed over without keeping it.
                skipping = end is null;
                buffer = end is { } next ? buffer.Slice(buffer.GetPosition(1, next)) : buffer.Slice(buffer.End);
            }
            pipe.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted)
                yield break;
        }
    }

    private static LeadLine? Line(ReadOnlySequence<byte> line, int number)
    {
        if (line.Length > MaxLead)
            return new(number, null, "is longer than 1 MB");
        var bytes = line.IsSingleSegment ? line.FirstSpan : line.ToArray();
        if (number == 1 && bytes.StartsWith("\uFEFF"u8))
            bytes = bytes[3..];
        if (bytes.Trim(" \t\r"u8).IsEmpty)
            return null;
        if (!Utf8.IsValid(bytes))
            return new(number, null, "is not UTF-8: save the file as UTF-8") { Raw = Encoding.UTF8.GetString(bytes).TrimEnd('\r') };
        try
        {
            return new(number, JsonElement.Parse(bytes), null);
        }
        catch (JsonException e)
        {
            return new(number, null, NotJson(e, e.BytePositionInLine)) { Raw = Encoding.UTF8.GetString(bytes).TrimEnd('\r') };
        }
    }

    /// <summary>An array of leads, or one; also several documents one after the other, which some exports are.</summary>
    internal static async IAsyncEnumerable<LeadLine> DocumentAsync(PipeReader pipe, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var cursor = new Cursor();
        while (true)
        {
            var read = await pipe.ReadAsync(cancellationToken).ConfigureAwait(false);
            var buffer = cursor.SkipMark(read.Buffer, read.IsCompleted);
            LeadLine? lead;
            while ((lead = cursor.Next(ref buffer, read.IsCompleted)) is not null)
            {
                yield return lead;
                if (lead.Error is not null)
                    yield break;
            }
            pipe.AdvanceTo(buffer.Start, read.Buffer.End);
            if (read.IsCompleted)
                yield break;
        }
    }

    private static string NotJson(JsonException e, long? at)
    {
        // The library ends its sentence with a position of its own, which would be another line's in a file.
        var words = e.Message.AsSpan(0, e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal) is >= 0 and var cut ? cut : e.Message.Length);
        return $"is not valid JSON (near byte {at + 1}): {words}";
    }

    /// <summary>Where the reading stands in a document, between two buffers.</summary>
    private sealed class Cursor
    {
        private JsonReaderState _state = new(new JsonReaderOptions { AllowMultipleValues = true, AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
        private bool _started;
        private int _line = 1;

        public ReadOnlySequence<byte> SkipMark(ReadOnlySequence<byte> buffer, bool last)
        {
            if (_started || buffer.Length < 3 && !last)
                return buffer;
            _started = true;
            return buffer.Length >= 3 && buffer.Slice(0, 3).ToArray().AsSpan().SequenceEqual("\uFEFF"u8) ? buffer.Slice(3) : buffer;
        }

        /// <summary>The next lead, or null when more bytes are needed or none are left. Moves the buffer past what was read.</summary>
        public LeadLine? Next(ref ReadOnlySequence<byte> buffer, bool last)
        {
            if (!_started)
                return null;
            var reader = new Utf8JsonReader(buffer, last, _state);
            var start = _line;
            try
            {
                while (reader.Read())
                {
                    if (reader.TokenType is JsonTokenType.StartArray or JsonTokenType.EndArray && reader.CurrentDepth == 0)
                        continue;
                    start = _line + Lines(buffer.Slice(0, reader.TokenStartIndex));
                    if (!JsonDocument.TryParseValue(ref reader, out var document))
                        break;
                    using (document)
                    {
                        _line += Lines(buffer.Slice(0, reader.Position));
                        _state = reader.CurrentState;
                        buffer = buffer.Slice(reader.Position);
                        return new(start, document.RootElement.Clone(), null);
                    }
                }
            }
            catch (JsonException e)
            {
                // The reader's state counts lines from the start of the file.
                return new((int)(e.LineNumber ?? 0) + 1, null, NotJson(e, e.BytePositionInLine) + " The rest of the file was not read.");
            }
            // Nothing is consumed: the brackets before a lead that is not all here yet are read again with it.
            return buffer.Length > MaxLead ? new(start, null, "is longer than 1 MB. The rest of the file was not read.") : null;
        }

        private static int Lines(ReadOnlySequence<byte> bytes)
        {
            var lines = 0;
            foreach (var segment in bytes)
                lines += segment.Span.Count((byte)'\n');
            return lines;
        }
    }
}
