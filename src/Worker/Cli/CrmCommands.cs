using System.CommandLine;
using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.MockCrm;
using Spectre.Console;

namespace LeadPipeline.Worker.Cli;

/// <summary><c>crm list OBJECT</c> and <c>crm show ID</c>: what stands in the mock CRM.</summary>
internal static class CrmCommands
{
    public static Command Create(Dictionary<string, string?> settings) => new("crm", "Reads the mock CRM.") { List(settings), Show(settings) };

    private static Command List(Dictionary<string, string?> settings)
    {
        var kind = new Argument<string>("OBJECT") { Description = string.Join(", ", CrmNames.All) };
        var limit = CliOutput.LimitOption(1_000_000);
        var json = CliOutput.JsonOption();
        var command = new Command("list", "Lists records, newest first.") { kind, limit, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var known = CrmNames.Parse(parsed.GetValue(kind)!) ?? throw new UsageException($"There are no {parsed.GetValue(kind)}; use one of: {string.Join(", ", CrmNames.All)}.");
            await using var host = new CliHost(WorkerApplication.Reader(settings));
            _ = await host.LeadsAsync(cancellationToken);
            var records = await host.Services.GetRequiredService<MockCrmStore>().ListAsync(known, parsed.GetValue(limit), cancellationToken);
            if (parsed.GetValue(json))
                CliOutput.WriteJson(new JsonObject { ["items"] = new JsonArray([.. records.Select(r => (JsonNode)CrmNames.Json(r))]) });
            else
                Print(records);
            return 0;
        });
        return command;
    }

    private static Command Show(Dictionary<string, string?> settings)
    {
        var id = new Argument<string>("ID") { Description = "The record's id" };
        var json = CliOutput.JsonOption();
        var command = new Command("show", "Shows one record.") { id, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var host = new CliHost(WorkerApplication.Reader(settings));
            _ = await host.LeadsAsync(cancellationToken);
            if (await host.Services.GetRequiredService<MockCrmStore>().FindAsync(parsed.GetValue(id)!, cancellationToken) is not { } record)
            {
                await Console.Error.WriteLineAsync($"There is no record {parsed.GetValue(id)}.");
                return 1;
            }
            if (parsed.GetValue(json))
                CliOutput.WriteJson(CrmNames.Json(record));
            else
                foreach (var (field, value) in CrmNames.Json(record))
                    CliOutput.Out.MarkupLine($"{CliOutput.Plain(field),-20} {CliOutput.Plain(value?.ToString())}");
            return 0;
        });
        return command;
    }

    private static void Print(IReadOnlyList<CrmRecord> records)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("Id", "What");
        foreach (var record in records)
            table.AddRow(record.Id, CliOutput.Plain(string.Join(", ", record.Fields.OrderBy(f => f.Key, StringComparer.Ordinal).Where(f => f.Key is not (CrmFields.Message or CrmFields.Body)).Select(f => $"{f.Key}={f.Value}"))));
        CliOutput.Out.Write(table);
        CliOutput.Say(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{records.Count} records."));
    }
}
