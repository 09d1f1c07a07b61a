using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Intake;

namespace LeadPipeline.Worker.Cli;

/// <summary>
/// The records that were refused, in the order of the file. They go to disk as they come, so that a million of them cost no memory: to a file beside the
/// input, of the same form and with the reason in each record, to be corrected and fed again; and to a temporary one for the report.
/// </summary>
internal sealed class RefusalLog : IDisposable
{
    private const int Shown = 20;
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly LeadFileLayout layout;
    private readonly string? target;
    private readonly List<string> first = [];
    private FileStream? entries;
    private StreamWriter? beside;

    /// <summary>Makes no file before the first refusal.</summary>
    /// <param name="input">The input's path; <c>-</c> for standard input, which has no file beside it.</param>
    /// <param name="layout">The input's form, as far as it is known by the time of the first refusal.</param>
    public RefusalLog(string input, LeadFileLayout layout)
    {
        this.layout = layout;
        target = input == "-" ? null : Path.GetFullPath(input);
    }

    /// <summary>How many.</summary>
    public int Count { get; private set; }

    /// <summary>The first ones in words.</summary>
    public IReadOnlyList<string> First => first;

    /// <summary>The file beside the input, once <see cref="Complete"/> has put it there; null: there is none.</summary>
    public string? File { get; private set; }

    /// <summary>Why there is no file beside the input although something was refused; null: there is one, or it was not wanted.</summary>
    public string? NotWritten { get; private set; }

    /// <summary>Takes a refusal.</summary>
    /// <param name="line">The record.</param>
    /// <param name="why">Why, in words that repeat no value.</param>
    /// <param name="entry">What the report says about it.</param>
    public void Add(LeadLine line, string why, JsonObject entry)
    {
        Count++;
        if (first.Count < Shown)
            first.Add(string.Create(CultureInfo.InvariantCulture, $"line {line.Line}: {why}"));
        entries ??= new FileStream(Path.GetTempFileName(), FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1 << 16, FileOptions.DeleteOnClose);
        entries.Write(JsonSerializer.SerializeToUtf8Bytes<JsonNode>(entry));
        entries.WriteByte((byte)'\n');
        if (target is null || NotWritten is not null)
            return;
        try
        {
            beside ??= Open();
            beside.Write(Record(line, why));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            NotWritten = exception.Message;
        }
    }

    /// <summary>Puts the file of refusals in its place, over one of an earlier run. Without a refusal there is none.</summary>
    public void Complete()
    {
        if (beside is null || NotWritten is not null)
            return;
        try
        {
            if (layout.Format == LeadFileFormat.Json)
                beside.Write("\n]\n");
            beside.Dispose();
            beside = null;
            System.IO.File.Move(Name() + ".part", Name(), overwrite: true);
            File = Name();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            NotWritten = exception.Message;
        }
    }

    /// <summary>Writes what the report says about each refusal as members of an array that the caller has begun.</summary>
    public void WriteEntries(Utf8JsonWriter json)
    {
        if (entries is null)
            return;
        entries.Position = 0;
        using var lines = new StreamReader(entries, Encoding.UTF8, false, 1 << 16, leaveOpen: true);
        while (lines.ReadLine() is { } line)
            JsonNode.Parse(line)!.WriteTo(json);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        entries?.Dispose();
        if (beside is null)
            return;
        // Interrupted: half a file of refusals would look like a whole one.
        beside.Dispose();
        System.IO.File.Delete(Name() + ".part");
    }

    private string Name()
    {
        var extension = Path.GetExtension(target!);
        var known = extension.ToLowerInvariant() is ".csv" or ".tsv" or ".json" or ".jsonl" or ".ndjson"
            ? extension
            : layout.Format switch { LeadFileFormat.Csv => ".csv", LeadFileFormat.Json => ".json", _ => ".jsonl" };
        return Path.Combine(Path.GetDirectoryName(target!)!, Path.GetFileNameWithoutExtension(target!) + ".rejected" + known);
    }

    private StreamWriter Open()
    {
        // Spreadsheets take a CSV file for an old encoding unless it begins with a byte order mark.
        var writer = new StreamWriter(Name() + ".part", append: false, new UTF8Encoding(layout.Format == LeadFileFormat.Csv), 1 << 16);
        if (layout.Format == LeadFileFormat.Csv)
            writer.Write($"{layout.Header}{layout.Delimiter}{LeadFileLayout.RejectedBecause}\n");
        else if (layout.Format == LeadFileFormat.Json)
            writer.Write("[");
        return writer;
    }

    private string Record(LeadLine line, string why) => layout.Format switch
    {
        LeadFileFormat.Csv => Csv(line, why) + "\n",
        LeadFileFormat.Json => (Count == 1 ? "\n" : ",\n") + Json(line, why),
        _ => Json(line, why) + "\n",
    };

    private string Csv(LeadLine line, string why)
    {
        // What cannot be taken apart stands as one field: with an open quote in it, the reason after it would be read as part of the lead.
        var (kept, fields) = line.Fields > 0 ? (line.Raw, line.Fields) : (CsvText.Field(line.Raw ?? "", layout.Delimiter), 1);
        return kept + new string(layout.Delimiter, Math.Max(1, layout.Columns - fields + 1)) + CsvText.Field(why, layout.Delimiter);
    }

    private static string Json(LeadLine line, string why)
    {
        var reason = $"\"{LeadFileLayout.RejectedBecause}\": {JsonSerializer.Serialize(why, Relaxed)}";
        if (line.Body is not { ValueKind: JsonValueKind.Object } body)
            return (line.Raw ?? line.Body?.GetRawText()) is { } text ? $"{{\"unreadable\": {JsonSerializer.Serialize(text, Relaxed)}, {reason}}}" : $"{{{reason}}}";
        // The members as they stand: what was refused may hold text that cannot even be decoded.
        var members = body.EnumerateObject().Where(m => !IsReason(m)).Select(m => m.ToString()).ToList();
        return $"{{{string.Join(", ", members.Append(reason))}}}";
    }

    private static bool IsReason(JsonProperty member)
    {
        try
        {
            return member.NameEquals(LeadFileLayout.RejectedBecause);
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
