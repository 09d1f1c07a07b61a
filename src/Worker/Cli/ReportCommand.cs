using System.CommandLine;
using System.Globalization;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.OpsConsole;
using LeadPipeline.Worker.Reports;
using LeadPipeline.Worker.Storage;
using Spectre.Console;

namespace LeadPipeline.Worker.Cli;

/// <summary><c>report</c>: what became of the leads of some days, as a table, JSON, or a page with plots.</summary>
internal static class ReportCommand
{
    public static Command Create(Dictionary<string, string?> settings)
    {
        var since = new Option<string>("--since") { Description = "From when on: an ISO time, or a span back from now such as 12h, 7d, 4w", DefaultValueFactory = _ => "7d" };
        var html = new Option<string?>("--html") { Description = "Writes one page with plots into this file" };
        var json = CliOutput.JsonOption();
        var command = new Command("report", "Tells what became of the leads of some days.") { since, html, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (ReportSpan.Parse(parsed.GetValue(since)!, TimeProvider.System.GetUtcNow()) is not { } from)
                throw new UsageException($"--since: '{parsed.GetValue(since)}' is no time before now; write an ISO time, or a span such as 12h, 7d, 4w.");
            await using var host = new CliHost(WorkerApplication.Reader(settings));
            await host.Services.GetRequiredService<DatabaseStart>().RunAsync(cancellationToken);
            var report = await new ReportReader(host.Services.GetRequiredService<Storage.Sql.SqlDatabase>(), TimeProvider.System).ReadAsync(from, cancellationToken);
            if (parsed.GetValue(html) is { } file)
                await WriteAsync(file, await ReportHtml.WriteAsync(report), cancellationToken);
            if (parsed.GetValue(json))
                CliOutput.WriteJson(ReportJson.Write(report));
            else
                Print(report);
            if (parsed.GetValue(html) is { } written && !parsed.GetValue(json))
                CliOutput.Say($"The plots are in {written}.");
            return 0;
        });
        return command;
    }

    private static async Task WriteAsync(string file, string page, CancellationToken cancellationToken)
    {
        try
        {
            await File.WriteAllTextAsync(file, page, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--html: {exception.Message}");
        }
    }

    private static void Print(PipelineReport report)
    {
        CliOutput.Say(string.Create(CultureInfo.InvariantCulture, $"{report.Leads} leads, {report.Since.UtcDateTime:yyyy-MM-dd HH:mm} to {report.Until.UtcDateTime:yyyy-MM-dd HH:mm} UTC"));
        if (report.Leads == 0)
            return;
        var funnel = new Table().Border(TableBorder.Rounded).AddColumns("Came as far as", "Leads", "");
        foreach (var step in report.Funnel)
            funnel.AddRow(step.Name, Number(step.Leads), Percent(step.Leads, report.Leads));
        CliOutput.Out.Write(funnel);

        LeadStatus[] statuses = [.. report.Sources.SelectMany(s => s.Statuses.Keys).Distinct().Order()];
        var sources = new Table().Border(TableBorder.Rounded).AddColumns(["Source", "Leads", .. statuses.Select(s => Words.Status(s.ToString()).Text)]);
        foreach (var source in report.Sources)
            sources.AddRow([CliOutput.Plain(source.Source), Number(source.Leads), .. statuses.Select(s => Number(source.Statuses.GetValueOrDefault(s)))]);
        CliOutput.Out.Write(sources);

        if (report.Grounding.Count > 0)
            CliOutput.Say("Grounding: " + string.Join(", ", report.Grounding.OrderBy(g => g.Key).Select(g => $"{g.Key} {Number(g.Value)}")));
        if (report.TimeToCrmPercentiles.Median is { } median)
            CliOutput.Say($"Time to the CRM: half within {Words.Span(median)}{(report.TimeToCrmPercentiles.P95 is { } p95 ? $", nineteen of twenty within {Words.Span(p95)}" : "")}");
        foreach (var model in report.Models)
            CliOutput.Say(string.Create(CultureInfo.InvariantCulture, $"Model {model.Model}: {model.Answers} answers, {model.Usage.TotalTokens()} tokens, ${model.Usage.CostDollars:0.####}"));
    }

    private static string Number(int count) => count.ToString(CultureInfo.InvariantCulture);

    private static string Percent(int part, int whole) => ((double)part / whole).ToString("0 %", CultureInfo.InvariantCulture);
}
