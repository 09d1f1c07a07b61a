using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Approvals;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Storage;
using Spectre.Console;

namespace LeadPipeline.Worker.Cli;

/// <summary><c>approvals list | request | approve | deny | use</c>. Who acts is the operating system's user, or NAME at that user.</summary>
internal static class ApprovalCommands
{
    public static Command Create(Dictionary<string, string?> settings) =>
        new("approvals", "Requests for what the pipeline does not do by itself.") { List(settings), Request(settings), Approve(settings), Deny(settings), Use(settings) };

    private static Command List(Dictionary<string, string?> settings)
    {
        var state = new Option<ApprovalState?>("--state") { Description = "Only requests that stand there" };
        var limit = CliOutput.LimitOption(200);
        var json = CliOutput.JsonOption();
        var command = new Command("list", "Lists requests, newest first.") { state, limit, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var host = await OpenAsync(settings, cancellationToken);
            var items = (await host.Services.GetRequiredService<ApprovalStore>().ListAsync(parsed.GetValue(state), parsed.GetValue(limit), cancellationToken)).ConvertAll(s => ApprovalRequests.Json(s));
            if (parsed.GetValue(json))
            {
                CliOutput.WriteJson(new JsonObject { ["items"] = new JsonArray([.. items.Select(i => (JsonNode)i)]) });
                return 0;
            }
            var table = new Table().Border(TableBorder.Rounded).AddColumns("Request", "State", "Operation", "Arguments", "Asked by", "Expires");
            foreach (var item in items)
                table.AddRow([.. ((string?[])[item["id"]!.ToString(), item["state"]!.ToString(), item["operation"]!.ToString(), item["arguments"]?.ToJsonString(), item["requestedBy"]!.ToString(), item["expiresAt"]!.ToString()]).Select(CliOutput.Plain)]);
            CliOutput.Out.Write(table);
            CliOutput.Say(items.Count == 0 ? "No requests." : "leadpipeline approvals approve ID, or deny ID.");
            return 0;
        });
        return command;
    }

    private static Command Request(Dictionary<string, string?> settings)
    {
        var operation = new Argument<string>("OPERATION") { Description = "A tool, or something forbidden such as delete_lead" };
        var arguments = ArgumentsOption();
        var reason = new Option<string>("--reason") { Description = "Why", Required = true };
        var lead = new Option<Guid?>("--lead") { Description = "The lead that it is about" };
        var (name, json) = (AsOption(), CliOutput.JsonOption());
        var command = new Command("request", "Asks for something; nothing is done by it.") { operation, arguments, reason, lead, name, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var host = await OpenAsync(settings, cancellationToken);
            var requests = host.Services.GetRequiredService<ApprovalRequests>();
            var wish = new ApprovalWish(parsed.GetValue(operation), Object(parsed.GetValue(arguments)), parsed.GetValue(reason), parsed.GetValue(lead), Who(parsed.GetValue(name)));
            var (made, field, problem) = await requests.RequestAsync(wish, cancellationToken);
            if (made is null)
                throw new UsageException($"{field}: {problem}.");
            Show(ApprovalRequests.Json(made), parsed.GetValue(json));
            return 0;
        });
        return command;
    }

    private static Command Approve(Dictionary<string, string?> settings)
    {
        var (id, name, json) = (IdArgument(), AsOption(), CliOutput.JsonOption());
        var command = new Command("approve", "Says yes.") { id, name, json };
        command.SetAction((parsed, cancellationToken) => ActAsync(
            settings, parsed.GetValue(id), parsed.GetValue(json), host => Store(host).ActAsync(parsed.GetValue(id), new ApprovalAct.Approve(Who(parsed.GetValue(name))), cancellationToken), cancellationToken));
        return command;
    }

    private static Command Deny(Dictionary<string, string?> settings)
    {
        var (id, name, json) = (IdArgument(), AsOption(), CliOutput.JsonOption());
        var reason = new Option<string?>("--reason") { Description = "Why not" };
        var command = new Command("deny", "Says no, for good.") { id, reason, name, json };
        command.SetAction((parsed, cancellationToken) => ActAsync(
            settings, parsed.GetValue(id), parsed.GetValue(json), host => Store(host).ActAsync(parsed.GetValue(id), ApprovalRequests.Denial(Who(parsed.GetValue(name)), parsed.GetValue(reason)), cancellationToken), cancellationToken));
        return command;
    }

    private static Command Use(Dictionary<string, string?> settings)
    {
        var (id, arguments, name, json) = (IdArgument(), ArgumentsOption(), AsOption(), CliOutput.JsonOption());
        var command = new Command("use", "Says that what was approved has been done in the CRM, with these arguments.") { id, arguments, name, json };
        command.SetAction((parsed, cancellationToken) => ActAsync(
            settings, parsed.GetValue(id), parsed.GetValue(json),
            host => host.Services.GetRequiredService<ApprovalRequests>().UseAsync(parsed.GetValue(id), Object(parsed.GetValue(arguments)), Who(parsed.GetValue(name)), cancellationToken), cancellationToken));
        return command;
    }

    private static async Task<int> ActAsync(Dictionary<string, string?> settings, Guid id, bool json, Func<CliHost, Task<ApprovalDecision?>> act, CancellationToken cancellationToken)
    {
        await using var host = await OpenAsync(settings, cancellationToken);
        if (await act(host) is not { } decision)
        {
            await Console.Error.WriteLineAsync($"There is no request {id}.");
            return 1;
        }
        if (await Store(host).FindAsync(id, cancellationToken) is { } stored)
            Show(ApprovalRequests.Json(stored), json);
        if (decision.Refusal is null)
            return 0;
        await Console.Error.WriteLineAsync($"{decision.Refusal}: {decision.Message}");
        return 1;
    }

    private static void Show(JsonObject request, bool json)
    {
        if (json)
        {
            CliOutput.WriteJson(request);
            return;
        }
        CliOutput.Say($"{request["id"]}  {request["state"]}  {request["operation"]} {request["arguments"]?.ToJsonString()}");
        if (request["next"] is { } next)
            CliOutput.Say($"Next: {next}.");
    }

    private static async Task<CliHost> OpenAsync(Dictionary<string, string?> settings, CancellationToken cancellationToken)
    {
        var host = new CliHost(WorkerApplication.Reader(settings));
        _ = await host.LeadsAsync(cancellationToken);
        return host;
    }

    private static ApprovalStore Store(CliHost host) => host.Services.GetRequiredService<ApprovalStore>();

    private static Argument<Guid> IdArgument() => new("ID") { Description = "The request's id" };

    private static Option<string?> AsOption() => new("--as") { Description = "Your name, when several people share this account" };

    private static Option<string> ArgumentsOption() => new("--arguments") { Description = "The exact arguments, a JSON object", Required = true };

    private static string Who(string? name) => string.IsNullOrWhiteSpace(name) ? Environment.UserName : $"{name.Trim()}@{Environment.UserName}";

    private static JsonObject Object(string? text)
    {
        try
        {
            if (JsonNode.Parse(text ?? "") is JsonObject parsed)
                return parsed;
        }
        catch (JsonException)
        {
        }
        throw new UsageException("--arguments is not a JSON object; write for example --arguments '{\"id\": \"00Q…\"}'.");
    }
}
