using System.CommandLine;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Reviews;
using Spectre.Console;

namespace LeadPipeline.Worker.Cli;

/// <summary><c>reviews list | approve | reject</c>.</summary>
internal static class ReviewCommands
{
    public static Command Create(Dictionary<string, string?> settings) => new("reviews", "Leads that wait for a person.")
    {
        List(settings),
        Decide(settings, "approve", "Lets the lead go on, by the analysis that is on record.", (operations, id, reason, cancellationToken) => operations.ApproveAsync(id, reason, LeadActs.Actor, cancellationToken)),
        Decide(settings, "reject", "Closes the review; the lead stays as it is.", (operations, id, reason, cancellationToken) => operations.RejectAsync(id, reason, LeadActs.Actor, cancellationToken)),
    };

    private static Command List(Dictionary<string, string?> settings)
    {
        var limit = new Option<int>("--limit") { Description = "At most so many", DefaultValueFactory = _ => 200 };
        var json = CliOutput.JsonOption();
        var command = new Command("list", "Lists what waits, the oldest first.") { limit, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var host = await OpenAsync(settings, cancellationToken);
            var items = await host.Services.GetRequiredService<ReviewOperations>().ListAsync(Math.Max(1, parsed.GetValue(limit)), cancellationToken);
            if (parsed.GetValue(json))
            {
                CliOutput.WriteJson(new JsonObject { ["items"] = items });
                return 0;
            }
            var table = new Table().Border(TableBorder.Rounded).AddColumns("Review", "Status", "Reason", "Since");
            foreach (var item in items)
                table.AddRow([.. ((string[])["id", "status", "reason", "at"]).Select(m => CliOutput.Plain(item![m]?.ToString()))]);
            CliOutput.Out.Write(table);
            CliOutput.Say(items.Count == 0 ? "Nothing waits." : "leadpipeline leads show LEAD tells everything; then reviews approve REVIEW --reason R, or reject.");
            return 0;
        });
        return command;
    }

    private static Command Decide(Dictionary<string, string?> settings, string verb, string description, Func<ReviewOperations, ReviewId, string, CancellationToken, Task<OperatorAnswer>> decide)
    {
        var id = new Argument<string>("REVIEW") { Description = "The review's id, as listed" };
        var reason = new Option<string>("--reason") { Description = "Why; it is kept in the audit", Required = true };
        var json = CliOutput.JsonOption();
        var command = new Command(verb, description) { id, reason, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var why = DeadLetterCommands.Required(parsed.GetValue(reason));
            if (ReviewId.Parse(parsed.GetValue(id)) is not { } review)
                throw new UsageException("REVIEW is not the id of a review; take one from leadpipeline reviews list.");
            await using var host = await OpenAsync(settings, cancellationToken);
            switch (await decide(host.Services.GetRequiredService<ReviewOperations>(), review, why, cancellationToken))
            {
                case OperatorAnswer.Refused refused:
                    await Console.Error.WriteLineAsync($"{refused.Code}: {refused.Detail}");
                    return 1;
                case OperatorAnswer.Done { Saga: var saga }:
                    if (parsed.GetValue(json))
                        CliOutput.WriteJson(new JsonObject { ["leadId"] = saga.LeadId.ToString(), ["status"] = saga.Status.ToString(), ["run"] = saga.Run, ["runId"] = DeterministicId.Run(saga.LeadId, saga.Run).ToString() });
                    else
                        CliOutput.Say(saga.Run > review.Run ? $"Lead {saga.LeadId} goes on in run {saga.Run}." : $"The review is closed; lead {saga.LeadId} stays {saga.Status}.");
                    return 0;
                default:
                    await Console.Error.WriteLineAsync($"There is no review {review}.");
                    return 1;
            }
        });
        return command;
    }

    private static async Task<CliHost> OpenAsync(Dictionary<string, string?> settings, CancellationToken cancellationToken)
    {
        var host = new CliHost(WorkerApplication.Reader(settings));
        _ = await host.LeadsAsync(cancellationToken);
        return host;
    }
}
