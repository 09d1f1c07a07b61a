using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Ops;
using Spectre.Console;

namespace LeadPipeline.Worker.Cli;

/// <summary>What <c>process</c> says in the end. Leads are read a few hundred at a time, so that the length of the file does not matter.</summary>
internal sealed class ProcessReport(
    LeadQueries leads, OrderedDictionary<Guid, int> ids, int submitted, int duplicates, RefusalLog refusals, LeadFileLayout layout, TimeSpan elapsed, string? companies)
{
    private const int Page = 250;

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

    private readonly Dictionary<LeadStatus, int> outcomes = [];
    private readonly Dictionary<string, int> decisions = [];
    private Guid? example;

    /// <summary>Writes it, and answers the exit code.</summary>
    public async Task<int> WriteAsync(bool json, CancellationToken cancellationToken)
    {
        await foreach (var page in InPagesAsync(leads.OutcomesAsync, cancellationToken))
            Count(page);
        foreach (var notice in layout.Notices)
            await Console.Error.WriteLineAsync(notice);
        if (refusals.NotWritten is { } why)
            await Console.Error.WriteLineAsync($"The refused lines could not be written beside the file: {why}");
        if (json)
            await WriteJsonAsync(cancellationToken);
        else
            Print();
        return refusals.Count == 0 && outcomes.Keys.All(s => s.IsTerminal()) ? 0 : 1;
    }

    /// <summary>What is read of the leads, page by page in their order. Pages that come next are read meanwhile, one on each processor: the leads are done, and nobody else needs it.</summary>
    private async IAsyncEnumerable<T> InPagesAsync<T>(Func<IReadOnlyCollection<Guid>, CancellationToken, Task<T>> read, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var ahead = new Queue<Task<T>>();
        foreach (var page in ids.Keys.Chunk(Page))
        {
            if (ahead.Count == Environment.ProcessorCount)
                yield return await ahead.Dequeue();
            ahead.Enqueue(Task.Run(() => read(page, cancellationToken), cancellationToken));
        }
        while (ahead.TryDequeue(out var last))
            yield return await last;
    }

    private void Count(IReadOnlyList<(Guid Lead, LeadStatus Status, string? Decision)> page)
    {
        foreach (var (lead, status, decision) in page)
        {
            outcomes[status] = outcomes.GetValueOrDefault(status) + 1;
            if (status == LeadStatus.Completed)
                decisions[decision ?? ""] = decisions.GetValueOrDefault(decision ?? "") + 1;
            if (decision == nameof(LeadDecision.ROUTE_TO_SDR))
                example ??= lead;
        }
    }

    private async Task WriteJsonAsync(CancellationToken cancellationToken)
    {
        await using var output = Console.OpenStandardOutput();
        await using var writer = new Utf8JsonWriter(output, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        writer.WriteStartObject();
        writer.WriteNumber("submitted", submitted);
        writer.WriteNumber("accepted", ids.Count);
        writer.WriteNumber("duplicates", duplicates);
        writer.WriteStartArray("invalid");
        refusals.WriteEntries(writer);
        writer.WriteEndArray();
        writer.WriteStartObject("outcomes");
        foreach (var (status, count) in outcomes.OrderBy(o => o.Key))
            writer.WriteNumber(status.ToString(), count);
        writer.WriteEndObject();
        writer.WriteNumber("seconds", Math.Round(elapsed.TotalSeconds, 3));
        writer.WriteStartArray("leads");
        await foreach (var page in InPagesAsync(leads.SummariesAsync, cancellationToken))
        {
            foreach (var lead in page)
                lead.WriteTo(writer);
            await writer.FlushAsync(cancellationToken);
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
        await writer.FlushAsync(cancellationToken);
        output.WriteByte((byte)'\n');
    }

    private void Print()
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn("Outcome").AddColumn(new TableColumn("Leads").RightAligned()).AddColumn("What it means");
        foreach (var (status, meaning) in Meanings.Where(m => outcomes.ContainsKey(m.Status)))
            table.AddRow(status.ToString(), outcomes[status].ToString(CultureInfo.InvariantCulture), meaning);
        CliOutput.Out.Write(table);

        var routed = decisions.GetValueOrDefault(nameof(LeadDecision.ROUTE_TO_SDR));
        CliOutput.Say($"Of those in the CRM: {routed} to sales with a task for the next business day, {decisions.GetValueOrDefault(nameof(LeadDecision.NURTURE))} to be nurtured, {decisions.GetValueOrDefault(nameof(LeadDecision.IGNORE))} disqualified.");
        CliOutput.Say(string.Create(CultureInfo.InvariantCulture, $"{submitted} lines read, {ids.Count} leads, {duplicates} copies, {refusals.Count} refused, in {elapsed.TotalSeconds:0.0} s."));
        if (companies is not null)
            CliOutput.Say($"Companies were looked up in {Path.GetRelativePath(Directory.GetCurrentDirectory(), companies)}.");
        LeadFiles.Say(refusals);
        if (ids.Count > 0)
        {
            CliOutput.Say("Where to look next:");
            var program = Program(Environment.ProcessPath);
            CliOutput.Say($"  {program} leads show {example ?? ids.GetAt(0).Key}");
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
