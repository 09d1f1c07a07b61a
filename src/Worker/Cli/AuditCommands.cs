using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Hosting;

namespace LeadPipeline.Worker.Cli;

/// <summary><c>audit verify [ID]</c> and <c>audit export [ID]</c>.</summary>
internal static class AuditCommands
{
    public static Command Create(Dictionary<string, string?> settings) => new("audit", "Checks and exports the audit chains.") { Verify(settings), Export(settings) };

    private static Command Verify(Dictionary<string, string?> settings)
    {
        var id = new Argument<Guid?>("ID") { Description = "One lead; all when not given", Arity = ArgumentArity.ZeroOrOne };
        var json = CliOutput.JsonOption();
        var command = new Command("verify", "Checks that no event was edited, dropped or moved.") { id, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var host = new CliHost(WorkerApplication.Reader(settings));
            var (leads, events, problems) = await (await host.LeadsAsync(cancellationToken)).VerifyAuditAsync(parsed.GetValue(id), cancellationToken);
            if (parsed.GetValue(json))
            {
                CliOutput.WriteJson(new JsonObject
                {
                    ["leads"] = leads,
                    ["events"] = events,
                    ["problems"] = new JsonArray([.. problems.Select(p => (JsonNode)new JsonObject { ["leadId"] = p.LeadId.ToString(), ["problem"] = p.Problem })]),
                });
            }
            else
            {
                CliOutput.Say(string.Create(CultureInfo.InvariantCulture, $"{leads} {(leads == 1 ? "chain" : "chains")} with {events} {(events == 1 ? "event" : "events")}: {(problems.Count == 0 ? "all sound" : $"{problems.Count} broken")}."));
                foreach (var (lead, problem) in problems)
                    CliOutput.Say($"  {lead}: {problem}");
            }
            return problems.Count == 0 ? 0 : 1;
        });
        return command;
    }

    private static Command Export(Dictionary<string, string?> settings)
    {
        var id = new Argument<Guid?>("ID") { Description = "One lead; all when not given", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("export", "Writes the events of the audit chains, one JSON line each.") { id, CliOutput.JsonOption() };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var host = new CliHost(WorkerApplication.Reader(settings));
            var leads = await host.LeadsAsync(cancellationToken);
            if (parsed.GetValue(id) is not { } one)
            {
                await foreach (var audit in leads.AuditsAsync(cancellationToken))
                    Write(audit);
                return 0;
            }
            if (await leads.AuditAsync(one, cancellationToken) is not { } events)
            {
                await Console.Error.WriteLineAsync($"There is no lead {one}.");
                return 1;
            }
            foreach (var audit in events)
                Write(audit);
            return 0;
        });
        return command;
    }

    private static void Write(AuditEvent audit) => CliOutput.WriteJsonLine(JsonSerializer.SerializeToNode(audit, ContractsJson.Default.AuditEvent));
}
