using System.Runtime.CompilerServices;
using System.Text;

namespace LeadPipeline.Worker.Intake;

/// <summary>One record of a CSV file.</summary>
/// <param name="Line">The physical line that it starts on, from 1.</param>
/// <param name="Fields">Its fields; empty when it could not be read.</param>
/// <param name="Error">Why it could not be read.</param>
/// <param name="Raw">Its text as it stands in the file, without the line's end.</param>
public sealed record CsvRecord(int Line, IReadOnlyList<string> Fields, string? Error = null, string Raw = "");

/// <summary>
/// CSV as RFC 4180 has it, and as spreadsheets write it: comma, semicolon, tab or bar, whichever parts the first lines most alike, or what a
/// first line <c>sep=;</c> says; quoted fields with new lines; LF, CRLF or CR. One record at a time is in memory. A quote that is never closed costs its
/// own line, not the rest of the file.
/// </summary>
public sealed class CsvRecords(TextReader reader)
{
    /// <summary>The longest record, in characters.</summary>
    public const int MaxRecord = 256 * 1024;

    private readonly char[] _buffer = new char[16 * 1024];
    private readonly StringBuilder _raw = new();
    private readonly StringBuilder _field = new();
    private string _again = "";
    private int _againAt, _at, _end, _line = 1;

    /// <summary>The delimiter; known from the first record on.</summary>
    public char Delimiter { get; private set; } = ',';

    /// <summary>All records that are not blank.</summary>
    public async IAsyncEnumerable<CsvRecord> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        // A pipe gives few bytes at a time; the delimiter is told by the whole first line.
        int more;
        do
        {
            more = await reader.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
            _end += more;
        }
        while (more > 0 && _end < _buffer.Length && !HoldsLines(_buffer.AsSpan(0, _end)));
        if (!TakeDirective())
            Delimiter = CsvDelimiter.Guess(_buffer.AsSpan(0, _end), isAll: more == 0);
        while (await RecordAsync(Delimiter, cancellationToken).ConfigureAwait(false) is { } record)
            if (record.Error is not null || record.Fields.Any(f => !string.IsNullOrWhiteSpace(f)))
                yield return record;
    }

    /// <summary>A few lines, so that the delimiter is told by more than the first.</summary>
    private static bool HoldsLines(ReadOnlySpan<char> text) => text.Count('\n') > 8;

    /// <summary>Spreadsheets write the delimiter into a line of its own before everything else, when asked to.</summary>
    private bool TakeDirective()
    {
        var head = _buffer.AsSpan(0, _end);
        if (head.Length < 6 || !head.StartsWith("sep=", StringComparison.OrdinalIgnoreCase) || head[5] is not ('\n' or '\r'))
            return false;
        (Delimiter, _line) = (head[4], 2);
        _at = head[5] == '\r' && head.Length > 6 && head[6] == '\n' ? 7 : 6;
        return true;
    }

    private async ValueTask<CsvRecord?> RecordAsync(char delimiter, CancellationToken cancellationToken)
    {
        var fields = new List<string>();
        var (start, quoted, wasQuoted, any) = (_line, false, false, false);
        _raw.Clear();
        _field.Clear();
        while (true)
        {
            var next = await NextAsync(cancellationToken).ConfigureAwait(false);
            if (next < 0 && !any)
                return null;
            if (next < 0 && quoted || _raw.Length > MaxRecord)
                return Broken(start, quoted);
            any = true;
            var c = (char)Math.Max(next, '\0');
            if (quoted && c != '"')
            {
                _field.Append(c);
            }
            else if (quoted)
            {
                if (await PeekAsync(cancellationToken).ConfigureAwait(false) != '"')
                    quoted = false;
                else
                    _field.Append((char)await NextAsync(cancellationToken).ConfigureAwait(false));
            }
            else if (c == '"' && !wasQuoted && IsBlank(_field))
            {
                _field.Clear();
                quoted = wasQuoted = true;
            }
            else if (next < 0 || c is '\n' or '\r')
            {
                if (c == '\r' && await PeekAsync(cancellationToken).ConfigureAwait(false) == '\n')
                    await NextAsync(cancellationToken).ConfigureAwait(false);
                fields.Add(_field.ToString());
                return new CsvRecord(start, fields, Raw: Text(_raw));
            }
            else if (c == delimiter)
            {
                fields.Add(_field.ToString());
                _field.Clear();
                wasQuoted = false;
            }
            else
            {
                _field.Append(c);
            }
        }
    }

    private CsvRecord Broken(int start, bool quoted)
    {
        var text = _raw.ToString();
        var lineEnd = text.IndexOf('\n', StringComparison.Ordinal);
        if (lineEnd >= 0)
        {
            _again = string.Concat(text.AsSpan(lineEnd + 1), _again.AsSpan(_againAt));
            (_againAt, _line) = (0, start + 1);
        }
        return new CsvRecord(start, [], Raw: (lineEnd < 0 ? text : text[..lineEnd]).TrimEnd('\r', '\n'), Error: quoted ? "has a quote (\") that is never closed" : $"is longer than {MaxRecord / 1024} KB");
    }

    private async ValueTask<int> NextAsync(CancellationToken cancellationToken)
    {
        var c = await PeekAsync(cancellationToken).ConfigureAwait(false);
        if (c < 0)
            return c;
        if (_againAt < _again.Length)
            _againAt++;
        else
            _at++;
        _raw.Append((char)c);
        // A lone CR ends a line too, but then the LF after a CR must not count again.
        if (c == '\n' || c == '\r' && await PeekAsync(cancellationToken).ConfigureAwait(false) != '\n')
            _line++;
        return c;
    }

    private async ValueTask<int> PeekAsync(CancellationToken cancellationToken)
    {
        if (_againAt < _again.Length)
            return _again[_againAt];
        if (_at == _end)
            await FillAsync(cancellationToken).ConfigureAwait(false);
        return _at == _end ? -1 : _buffer[_at];
    }

    private async ValueTask FillAsync(CancellationToken cancellationToken)
    {
        _at = 0;
        _end = await reader.ReadAsync(_buffer, cancellationToken).ConfigureAwait(false);
    }

    private static bool IsBlank(StringBuilder field)
    {
        for (var i = 0; i < field.Length; i++)
            if (field[i] is not (' ' or '\t'))
                return false;
        return true;
    }

    private static string Text(StringBuilder raw)
    {
        var end = raw.Length;
        while (end > 0 && (raw[end - 1] is '\n' or '\r'))
            end--;
        return raw.ToString(0, end);
    }
}
