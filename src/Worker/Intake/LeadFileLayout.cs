using System.Text;

namespace LeadPipeline.Worker.Intake;

/// <summary>The kinds of lead files.</summary>
public enum LeadFileFormat
{
    /// <summary>One JSON object a line.</summary>
    JsonLines,
    /// <summary>One JSON array, or one object.</summary>
    Json,
    /// <summary>A spreadsheet saved as text.</summary>
    Csv,
}

/// <summary>What is found out about a file while it is read: enough to write a file of the same form, and what its owner should know.</summary>
public sealed class LeadFileLayout
{
    /// <summary>The column or member that says why a record was refused. The reader passes it over, so that a corrected file can be fed again.</summary>
    public const string RejectedBecause = "rejected_because";

    private readonly List<string> notices = [];

    /// <summary>The format; known from the first record on.</summary>
    public LeadFileFormat Format { get; internal set; }

    /// <summary>For CSV: what parts the fields.</summary>
    public char Delimiter { get; internal set; } = ',';

    /// <summary>For CSV: the header line as it stands in the file, without <see cref="RejectedBecause"/>.</summary>
    public string Header { get; internal set; } = "";

    /// <summary>For CSV: how many columns the header has, without <see cref="RejectedBecause"/>.</summary>
    public int Columns { get; internal set; }

    /// <summary>What was decided about the file as a whole that its owner may want to know, in sentences.</summary>
    public IReadOnlyList<string> Notices => notices;

    internal void Notice(string sentence)
    {
        if (!notices.Contains(sentence))
            notices.Add(sentence);
    }
}

/// <summary>Writes CSV fields.</summary>
public static class CsvText
{
    /// <summary>A field as it stands in a file, quoted when it has to be.</summary>
    public static string Field(string text, char delimiter = ',') =>
        text.AsSpan().ContainsAny(['"', '\n', '\r', delimiter]) || (text.Length > 0 && (char.IsWhiteSpace(text[0]) || char.IsWhiteSpace(text[^1])))
            ? new StringBuilder(text.Length + 2).Append('"').Append(text).Replace("\"", "\"\"", 1, text.Length).Append('"').ToString()
            : text;

    /// <summary>
    /// A field for people who open the file in a spreadsheet: text that would be run as a formula there is led in by an apostrophe. What others wrote must not
    /// become a program on somebody's desk.
    /// </summary>
    public static string Shown(string text, char delimiter = ',') =>
        Field(text.AsSpan().TrimStart() is ['=' or '+' or '-' or '@', ..] || text is ['\t' or '\r', ..] ? "'" + text : text, delimiter);

    /// <summary>Fields as one line, without its end.</summary>
    public static string Line(IEnumerable<string> fields, char delimiter = ',') => string.Join(delimiter, fields.Select(f => Field(f, delimiter)));
}
