using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Ops;
using Spectre.Console;

namespace LeadPipeline.Worker.Cli;

/// <summary>What <c>process</c> knows at its end besides the leads.</summary>
/// <param name="Submitted">Records in the file.</param>
/// <param name="Leads">Leads among them.</param>
/// <param name="Copies">Further records of the same leads.</param>
/// <param name="Refusals">Records that are no leads.</param>
/// <param name="Layout">How the file was read.</param>
/// <param name="Elapsed">From the start of the worker to the last lead.</param>
/// <param name="Companies">The company directory that was found beside the file.</param>
internal sealed record ProcessTotals(int Submitted, int Leads, int Copies, RefusalLog Refusals, LeadFileLayout Layout, TimeSpan Elapsed, string? Companies);

/// <summary>
/// What <c>process</c> says: as JSON each lead as soon as it and those before it in the file are done, and the totals behind them; else the totals alone.
/// So a report of any length costs no memory, and no time after the last lead.
/// </summary>
internal sealed class ProcessReport(bool json) : IAsyncDisposable
{
    private static readonly (LeadStatus Status, string Meaning)[] Meanings =
    [
        (LeadStatus.Completed, "worked into the CRM"),
        (LeadStatus.Rejected, "the judgement did not match the evidence; nothing was done, a person looks"),
        (LeadStatus.NeedsReview, "a person has to look"),
        (LeadStatus.Blocked, "a safety rule or the policy forbids it; nothing was done"),
        (LeadStatus.Compensated, "a step failed; what had been done was undone"),
        (LeadStatus.DeadLettered, "failed for good; see dead letters"),
        (LeadStatus.Deferred, "waits for something that does not work now; goes on by itself"),
        (LeadStatus.Cancelled, "cancelled"),
        (LeadStatus.Erased, "erased"),
        (LeadStatus.Received, "taken in, not worked on yet"),
        (LeadStatus.Analyzing, "being analysed"),
        (LeadStatus.Analyzed, "planned, not executed yet"),
        (LeadStatus.Executing, "being executed"),
    ];

    /// <summary>Within the document and its array of leads.</summary>
    private const int DepthOfLeads = 2;

    private readonly Dictionary<LeadStatus, int> outcomes = [];
    private readonly Dictionary<string, int> decisions = [];
    private Guid? first, routed;
    private readonly ArrayBufferWriter<byte> line = new();
    private Utf8JsonWriter? writer;
    private Exception? notWritten;

    /// <summary>Takes the next leads in the order of the file. That they cannot be written (the disk is full) is said at the end: it keeps no lead from being worked on.</summary>
    public async Task AddAsync(IReadOnlyList<LeadOutcome> page, CancellationToken cancellationToken)
    {
        foreach (var lead in page)
        {
            outcomes[lead.Status] = outcomes.GetValueOrDefault(lead.Status) + 1;
            if (lead.Status == LeadStatus.Completed)
                decisions[lead.Decision ?? ""] = decisions.GetValueOrDefault(lead.Decision ?? "") + 1;
            first ??= lead.LeadId;
            if (lead.Decision == nameof(LeadDecision.ROUTE_TO_SDR))
                routed ??= lead.LeadId;
        }
        if (!json || notWritten is not null)
            return;
        try
        {
            foreach (var lead in page)
                Write(lead.Whole!);
            await Writer().FlushAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            notWritten = exception;
        }
    }

    /// <summary>Writes the rest, and answers the exit code.</summary>
    public async Task<int> EndAsync(ProcessTotals totals)
    {
        foreach (var notice in totals.Layout.Notices)
            await Console.Error.WriteLineAsync(notice);
        if (totals.Refusals.NotWritten is { } why)
            await Console.Error.WriteLineAsync($"The refused lines could not be written beside the file: {why}");
        if (notWritten is not null)
            throw new IOException($"The leads were worked on, but what became of them could not be written: {notWritten.Message}");
        if (json)
            await EndJsonAsync(totals);
        else
            Print(totals);
        return totals.Refusals.Count == 0 && outcomes.Keys.All(s => s.IsTerminal()) ? 0 : 1;
    }

    /// <summary>Ends a document that was begun and has no totals, because the run was interrupted or failed: it is one document all the same, and says so.</summary>
    public async ValueTask DisposeAsync()
    {
        if (writer is null)
            return;
        try
        {
            if (writer.CurrentDepth == DepthOfLeads && notWritten is null)
            {
                writer.WriteEndArray();
                writer.WriteBoolean("complete", false);
                await EndDocumentAsync(writer);
            }
        }
        catch (IOException)
        {
            // There is another failure already, which is what is told.
        }
        writer.Reset(Stream.Null);
        await writer.DisposeAsync();
    }

    /// <summary>A line for each lead: what is so told of many can be searched by the line.</summary>
    private void Write(byte[] lead)
    {
        line.ResetWrittenCount();
        line.Write("\n    "u8);
        line.Write(lead);
        Writer().WriteRawValue(line.WrittenSpan, skipInputValidation: true);
    }

    /// <summary>Begins the document with the first lead, or without one at the end: of a file that cannot be read nothing is printed.</summary>
    private Utf8JsonWriter Writer()
    {
        if (writer is null)
        {
            writer = new Utf8JsonWriter(Console.OpenStandardOutput(), new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
            writer.WriteStartObject();
            writer.WriteStartArray("leads");
        }
        return writer;
    }

    private async Task EndJsonAsync(ProcessTotals totals)
    {
        var end = Writer();
        end.WriteEndArray();
        end.WriteNumber("submitted", totals.Submitted);
        end.WriteNumber("accepted", totals.Leads);
        end.WriteNumber("duplicates", totals.Copies);
        end.WriteStartArray("invalid");
        totals.Refusals.WriteEntries(end);
        end.WriteEndArray();
        end.WriteStartObject("outcomes");
        foreach (var (status, count) in outcomes.OrderBy(o => o.Key))
            end.WriteNumber(status.ToString(), count);
        end.WriteEndObject();
        end.WriteNumber("seconds", Math.Round(totals.Elapsed.TotalSeconds, 3));
        await EndDocumentAsync(end);
    }

    private static async Task EndDocumentAsync(Utf8JsonWriter writer)
    {
        writer.WriteEndObject();
        await writer.FlushAsync(CancellationToken.None);
        await Console.Out.WriteLineAsync();
    }

    private void Print(ProcessTotals totals)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn("Outcome").AddColumn(new TableColumn("Leads").RightAligned()).AddColumn("What it means");
        foreach (var (status, meaning) in Meanings.Where(m => outcomes.ContainsKey(m.Status)))
            table.AddRow(status.ToString(), outcomes[status].ToString(CultureInfo.InvariantCulture), meaning);
        CliOutput.Out.Write(table);

        CliOutput.Say($"Of those in the CRM: {decisions.GetValueOrDefault(nameof(LeadDecision.ROUTE_TO_SDR))} to sales with a task for the next business day, {decisions.GetValueOrDefault(nameof(LeadDecision.NURTURE))} to be nurtured, {decisions.GetValueOrDefault(nameof(LeadDecision.IGNORE))} disqualified.");
        CliOutput.Say(string.Create(CultureInfo.InvariantCulture, $"{totals.Submitted} lines read, {totals.Leads} leads, {totals.Copies} copies, {totals.Refusals.Count} refused, in {totals.Elapsed.TotalSeconds:0.0} s."));
        if (totals.Companies is { } companies)
            CliOutput.Say($"Companies were looked up in {Path.GetRelativePath(Directory.GetCurrentDirectory(), companies)}.");
        LeadFiles.Say(totals.Refusals);
        if ((routed ?? first) is { } example)
        {
            CliOutput.Say("Where to look next:");
            var program = Program(Environment.ProcessPath);
            CliOutput.Say($"  {program} leads show {example}");
            CliOutput.Say($"  {program} leads list --status Rejected");
            CliOutput.Say($"  {program} crm list tasks");
        }
    }

    /// <summary>How to call this program from here: by its name where a shell finds it, else by its path (after <c>dotnet run</c>, for one).</summary>
    private static string Program(string? path) =>
        path is null || Path.GetFileNameWithoutExtension(path) != "leadpipeline"
        || (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Contains(Path.GetDirectoryName(path))
            ? "leadpipeline"
            : Path.GetRelativePath(Directory.GetCurrentDirectory(), path);
}
