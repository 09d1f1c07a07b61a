using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Storage;
using Spectre.Console;

namespace LeadPipeline.Worker.Cli;

/// <summary><c>leads list</c> and <c>leads show ID</c>; what changes a lead is in <see cref="LeadActs"/>.</summary>
internal static class LeadsCommands
{
    public static Command Create(Dictionary<string, string?> settings) => new("leads", "Reads leads, replays, cancels and erases them.")
    {
        List(settings), Show(settings), LeadActs.Replay(settings), LeadActs.Cancel(settings), LeadActs.Erase(settings),
    };

    private static readonly string[] CsvColumns = ["leadId", "email", "status", "reason", "source", "grounding", "intent", "decision", "fitScore", "receivedAt", "updatedAt", "dueAt"];

    private static Command List(Dictionary<string, string?> settings)
    {
        var status = new Option<LeadStatus?>("--status") { Description = "Only leads that stand there" };
        var since = new Option<DateTimeOffset?>("--since") { Description = "Only leads received since then (ISO time)" };
        var limit = CliOutput.LimitOption(50);
        var json = CliOutput.JsonOption();
        var csv = new Option<bool>("--csv") { Description = "CSV on standard output, for a spreadsheet" };
        var command = new Command("list", "Lists leads, newest first.") { status, since, limit, json, csv };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var host = new CliHost(WorkerApplication.Reader(settings));
            var leads = await host.LeadsAsync(cancellationToken);
            var items = new List<JsonObject>();
            string? cursor = null;
            do
            {
                var want = Math.Min(200, parsed.GetValue(limit) - items.Count);
                var (page, next) = await leads.ListAsync(parsed.GetValue(status), null, parsed.GetValue(since), want, cursor, full: false, cancellationToken);
                items.AddRange(page);
                cursor = next;
            }
            while (cursor is not null && items.Count < parsed.GetValue(limit));
            if (parsed.GetValue(json))
            {
                CliOutput.WriteJson(new JsonObject { ["items"] = new JsonArray([.. items.Select(i => (JsonNode)i)]), ["next"] = cursor });
                return 0;
            }
            if (parsed.GetValue(csv))
            {
                Console.Out.WriteLine(string.Join(',', CsvColumns));
                foreach (var item in items)
                    Console.Out.WriteLine(string.Join(',', CsvColumns.Select(c => CsvText.Shown(item[c]?.ToString() ?? ""))));
                return 0;
            }
            var table = new Table().Border(TableBorder.Rounded).AddColumns("Lead", "E-mail", "Status", "Decision", "Score", "Received");
            foreach (var item in items)
                table.AddRow([.. ((string[])["leadId", "email", "status", "decision", "fitScore", "receivedAt"]).Select(f => CliOutput.Plain(item[f]?.ToString()))]);
            CliOutput.Out.Write(table);
            CliOutput.Say(items.Count == 0 ? "No leads." : "leadpipeline leads show ID tells everything about one.");
            return 0;
        });
        return command;
    }

    private static Command Show(Dictionary<string, string?> settings)
    {
        var id = new Argument<Guid>("ID") { Description = "The lead's id" };
        var json = CliOutput.JsonOption();
        var command = new Command("show", "Shows one lead: state, timeline, claims with verdicts, plan, effects.") { id, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var host = new CliHost(WorkerApplication.Reader(settings));
            // Whoever can read the data directory and its key can read the lead anyway.
            var lead = await (await host.LeadsAsync(cancellationToken)).FindAsync(parsed.GetValue(id), full: true, cancellationToken);
            if (lead is null)
            {
                await Console.Error.WriteLineAsync($"There is no lead {parsed.GetValue(id)}.");
                return 1;
            }
            if (parsed.GetValue(json))
                CliOutput.WriteJson(lead);
            else
                Print(lead);
            return 0;
        });
        return command;
    }

    private static void Print(JsonObject lead)
    {
        CliOutput.Out.MarkupLine($"[bold]{CliOutput.Plain(lead["email"]?.ToString())}[/]  {CliOutput.Plain(lead["leadId"]?.ToString())}");
        CliOutput.Out.MarkupLine($"{CliOutput.Plain(lead["status"]?.ToString())}{(lead["reason"] is { } reason ? $" ({CliOutput.Plain(reason.ToString())})" : "")}; grounding {CliOutput.Plain(lead["grounding"]?.ToString())}, intent {CliOutput.Plain(lead["intent"]?.ToString())}, decision {CliOutput.Plain(lead["decision"]?.ToString())}, score {CliOutput.Plain(lead["fitScore"]?.ToString())}, by {CliOutput.Plain(lead["analyzer"]?.ToString())}");
        if (lead["model"] is JsonObject model)
        {
            var usage = model["usage"];
            CliOutput.Out.MarkupLine(CliOutput.Plain($"model {model["modelVersion"] ?? model["model"]}, finished {model["finishReason"] ?? "-"}; tokens: prompt {usage?["promptTokens"]} ({usage?["cachedTokens"]} cached), output {usage?["outputTokens"]}, thoughts {usage?["thoughtsTokens"]}; ${usage?["costDollars"]}{(model["reused"]?.GetValue<bool>() == true ? "; an earlier answer to the same question" : "")}; prompt {model["promptHash"]?.ToString()[..12]}"));
        }
        Section(lead, "claims", "Claims", "Verdict", "Rule", "Field", "Claimed", "Known", c => [c["verdict"], c["rule"], c["fieldPath"], c["claimed"]?.ToJsonString(), c["truth"]?.ToJsonString()]);
        foreach (var claim in (lead["claims"]?.AsArray() ?? []).Where(c => c!["verdict"]!.ToString() != nameof(ClaimVerdict.SUPPORTED)))
            CliOutput.Say($"{claim!["explanation"]} ({claim["rule"]})");
        Section(lead, "effects", "Plan and effects", "Step", "Tool", "State", "Record", "", e => [e["step"], e["tool"], e["state"], e["recordId"], e["error"]]);
        Section(lead, "timeline", "Timeline", "At", "Stage", "What", "", "", t => [t["at"], t["stage"], t["kind"], null, null]);
        foreach (var lowered in lead["lowered"]?.AsArray() ?? [])
            CliOutput.Say($"lowered {lowered!["what"]}: {lowered["from"]} -> {lowered["to"]} ({lowered["rule"]}). {lowered["explanation"]}");
        foreach (var warning in lead["warnings"]?.AsArray() ?? [])
            CliOutput.Out.MarkupLine(CliOutput.Plain($"warning: {warning}"));
    }

    private static void Section(JsonObject lead, string member, string title, string a, string b, string c, string d, string e, Func<JsonNode, object?[]> row)
    {
        if (lead[member] is not JsonArray { Count: > 0 } rows)
            return;
        var names = ((string[])[a, b, c, d, e]).TakeWhile(n => n.Length > 0 || n == e && d.Length > 0).ToArray();
        var table = new Table().Border(TableBorder.Rounded).Title(title).AddColumns(names);
        foreach (var item in rows)
            table.AddRow([.. row(item!).Take(names.Length).Select(v => CliOutput.Plain(v is IFormattable f ? f.ToString(null, CultureInfo.InvariantCulture) : v?.ToString() ?? ""))]);
        CliOutput.Out.Write(table);
    }
}
