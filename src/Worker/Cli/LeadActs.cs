using System.CommandLine;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Cli;

/// <summary><c>leads replay ID [--again]</c>, <c>leads cancel ID</c> and <c>leads erase ID</c>: what an operator does with one lead.</summary>
internal static class LeadActs
{
    internal static string Actor => Approvals.ApprovalMachine.CommandLine + Environment.UserName;

    public static Command Replay(Dictionary<string, string?> settings)
    {
        var id = Id();
        var again = new Option<bool>("--again") { Description = "Do once more what earlier runs did, too: a second task, a second opportunity" };
        var json = CliOutput.JsonOption();
        var command = new Command("replay", "Sends a lead that has ended on its way again; a dead-lettered one goes on where it failed.") { id, again, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var host = new CliHost(WorkerApplication.Reader(settings));
            var operations = await host.OperationsAsync(cancellationToken);
            var answer = await operations.ReplayAsync(parsed.GetValue(id), parsed.GetValue(again), Actor, cancellationToken);
            if (answer is not OperatorAnswer.Done { Saga: var saga })
                return await RefusedAsync(answer, parsed.GetValue(id));
            var running = await IsAnyRunningAsync(host.Services, cancellationToken);
            if (parsed.GetValue(json))
                CliOutput.WriteJson(new JsonObject { ["leadId"] = saga.LeadId.ToString(), ["status"] = saga.Status.ToString(), ["run"] = saga.Run, ["runId"] = DeterministicId.Run(saga.LeadId, saga.Run).ToString(), ["workerRunning"] = running });
            else
                CliOutput.Say($"Lead {saga.LeadId} is in run {saga.Run}. {(running ? $"leadpipeline leads show {saga.LeadId} tells how it ends." : "No worker is running; the lead goes on when one is started (leadpipeline run).")}");
            return 0;
        });
        return command;
    }

    public static Command Cancel(Dictionary<string, string?> settings)
    {
        var id = Id();
        var json = CliOutput.JsonOption();
        var command = new Command("cancel", "Stops a lead of which nothing has been sent to the CRM.") { id, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var host = new CliHost(WorkerApplication.Reader(settings));
            var answer = await (await host.OperationsAsync(cancellationToken)).CancelAsync(parsed.GetValue(id), Actor, cancellationToken);
            if (answer is not OperatorAnswer.Done { Saga: var saga })
                return await RefusedAsync(answer, parsed.GetValue(id));
            if (parsed.GetValue(json))
                CliOutput.WriteJson(new JsonObject { ["leadId"] = saga.LeadId.ToString(), ["status"] = saga.Status.ToString(), ["run"] = saga.Run });
            else
                CliOutput.Say($"Lead {saga.LeadId} is {saga.Status}.");
            return 0;
        });
        return command;
    }

    public static Command Erase(Dictionary<string, string?> settings)
    {
        var id = Id();
        var json = CliOutput.JsonOption();
        var command = new Command("erase", "Destroys the personal data of a lead that has ended. It cannot be brought back.") { id, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var host = new CliHost(WorkerApplication.Reader(settings));
            var operations = await host.OperationsAsync(cancellationToken);
            var answer = await operations.EraseAsync(parsed.GetValue(id), Actor, cancellationToken);
            if (answer is not OperatorAnswer.Done { Saga: var saga })
                return await RefusedAsync(answer, parsed.GetValue(id));
            var records = await operations.RecordsAsync(saga.LeadId, cancellationToken);
            if (parsed.GetValue(json))
            {
                CliOutput.WriteJson(new JsonObject { ["leadId"] = saga.LeadId.ToString(), ["status"] = saga.Status.ToString(), ["records"] = records });
                return 0;
            }
            CliOutput.Say($"Lead {saga.LeadId} is erased.");
            foreach (var record in records)
                CliOutput.Say($"  {record!["object"]} {record["recordId"]}: {(record["erased"]!.GetValue<bool>() ? "its personal fields are gone" : "still in the CRM; look there")}");
            return 0;
        });
        return command;
    }

    private static Argument<Guid> Id() => new("ID") { Description = "The lead's id" };

    private static async Task<int> RefusedAsync(OperatorAnswer answer, Guid id)
    {
        await Console.Error.WriteLineAsync(answer is OperatorAnswer.Refused refused ? $"{refused.Code}: {refused.Detail}" : $"There is no lead {id}.");
        return 1;
    }

    /// <summary>Whether somebody is there to carry out what is on record.</summary>
    internal static async Task<bool> IsAnyRunningAsync(IServiceProvider services, CancellationToken cancellationToken) =>
        services.GetRequiredService<SqlDatabase>() is PostgresDatabase
            ? await services.GetRequiredService<WorkerIdentity>().IsAnyAliveAsync(cancellationToken)
            : DataLock.IsHeld(services.GetRequiredService<IOptions<DataOptions>>().Value.Directory);
}
