using System.CommandLine;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Reviews;
using Spectre.Console;

namespace LeadPipeline.Worker.Cli;

/// <summary><c>reviews list | show | approve | reject</c>.</summary>
internal static class ReviewCommands
{
    public static Command Create(Dictionary<string, string?> settings) => new("reviews", "Leads that wait for a person.")
    {
        List(settings),
        Show(settings),
        Approve(settings),
        Reject(settings),
    };

    private static Command List(Dictionary<string, string?> settings)
    {
        var limit = CliOutput.LimitOption(200);
        var json = CliOutput.JsonOption();
        var command = new Command("list", "Lists what waits, the oldest first.") { limit, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var host = await OpenAsync(settings, cancellationToken);
            var items = await host.Services.GetRequiredService<ReviewOperations>().ListAsync(parsed.GetValue(limit), cancellationToken);
            if (parsed.GetValue(json))
            {
                CliOutput.WriteJson(new JsonObject { ["items"] = items });
                return 0;
            }
            var table = new Table().Border(TableBorder.Rounded).AddColumns("Review", "Status", "Reason", "Since");
            foreach (var item in items)
                table.AddRow([.. ((string[])["id", "status", "reason", "at"]).Select(m => CliOutput.Plain(item![m]?.ToString()))]);
            CliOutput.Out.Write(table);
            CliOutput.Say(items.Count == 0 ? "Nothing waits." : "leadpipeline reviews show REVIEW tells everything; then reviews approve REVIEW --reason R, or reject.");
            return 0;
        });
        return command;
    }

    private static Command Show(Dictionary<string, string?> settings)
    {
        var (id, json) = (IdArgument(), CliOutput.JsonOption());
        var command = new Command("show", "Shows a lead that waits: the evidence, and what was claimed beside it.") { id, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var review = Review(parsed.GetValue(id));
            await using var host = await OpenAsync(settings, cancellationToken);
            if (await host.Services.GetRequiredService<ReviewViews>().FindAsync(review, full: true, cancellationToken) is not { } view)
                return await NoSuchAsync(review);
            if (parsed.GetValue(json))
                CliOutput.WriteJson(view);
            else
                Print(view);
            return 0;
        });
        return command;
    }

    private static Command Approve(Dictionary<string, string?> settings)
    {
        var decision = new Option<LeadDecision?>("--decision") { Description = "Decide so instead" };
        var intent = new Option<LeadIntent?>("--intent") { Description = "Judge so instead" };
        var score = new Option<int?>("--score") { Description = "Score so instead, 0 to 100" };
        var drop = new Option<string[]>("--drop") { Description = "Take back the claim on a field, for example enrichment.company", DefaultValueFactory = _ => [] };
        var claim = new Option<string[]>("--claim") { Description = "Claim instead, for example enrichment.employees=500; text, or JSON for numbers and lists", DefaultValueFactory = _ => [] };
        return Decide(settings, "approve", "Lets the lead go on, by the analysis on record or by one corrected here. A corrected one is held to the evidence, too.", [decision, intent, score, drop, claim],
            async (operations, id, reason, parsed, cancellationToken) =>
            {
                var corrections = new JsonObject
                {
                    ["decision"] = parsed.GetValue(decision)?.ToString(),
                    ["intent"] = parsed.GetValue(intent)?.ToString(),
                    ["fitScore"] = parsed.GetValue(score),
                    ["drop"] = new JsonArray([.. parsed.GetValue(drop)!.Select(p => (JsonNode)p)]),
                    ["claims"] = new JsonArray([.. parsed.GetValue(claim)!.Select(Claim)]),
                };
                var (read, error) = ReviewCorrections.Read(corrections);
                return read is null
                    ? throw new UsageException($"{error!.Field["corrections.".Length..]} {error.Problem}; {error.Remedy}.")
                    : await operations.ApproveAsync(id, reason, read, LeadActs.Actor, cancellationToken);
            });
    }

    private static Command Reject(Dictionary<string, string?> settings) =>
        Decide(settings, "reject", "Closes the review; the lead stays as it is.", [], (operations, id, reason, _, cancellationToken) => operations.RejectAsync(id, reason, LeadActs.Actor, cancellationToken));

    private static Command Decide(
        Dictionary<string, string?> settings, string verb, string description, IEnumerable<Option> more, Func<ReviewOperations, ReviewId, string, ParseResult, CancellationToken, Task<OperatorAnswer>> decide)
    {
        var id = IdArgument();
        var reason = new Option<string>("--reason") { Description = "Why; it is kept in the audit", Required = true };
        var json = CliOutput.JsonOption();
        var command = new Command(verb, description) { id, reason, json };
        foreach (var option in more)
            command.Add(option);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var why = DeadLetterCommands.Required(parsed.GetValue(reason));
            var review = Review(parsed.GetValue(id));
            await using var host = await OpenAsync(settings, cancellationToken);
            switch (await decide(host.Services.GetRequiredService<ReviewOperations>(), review, why, parsed, cancellationToken))
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
                    return await NoSuchAsync(review);
            }
        });
        return command;
    }

    private static void Print(JsonObject view)
    {
        CliOutput.Say($"{view["email"]}  {view["status"]} ({view["reason"] ?? "-"})");
        if (view["said"] is { } said)
            CliOutput.Say($"The analyzer said: {said["intent"]}, {said["decision"]}, score {said["fitScore"]}");
        var table = new Table().Border(TableBorder.Rounded).Title("Evidence").AddColumns("Field", "Known", "From", "Claimed", "Verdict");
        foreach (var fact in view["evidence"]!.AsArray())
        {
            var claims = fact!["claims"]!.AsArray();
            table.AddRow([.. ((string?[])[fact["path"]!.ToString(), fact["value"]?.ToJsonString(), fact["provider"]!.ToString(), string.Join("; ", claims.Select(c => c!["claimed"]?.ToJsonString())), string.Join("; ", claims.Select(c => $"{c!["verdict"]} ({c["rule"]})"))]).Select(CliOutput.Plain)]);
        }
        CliOutput.Out.Write(table);
        foreach (var claim in view["claims"]!.AsArray().Where(c => c!["verdict"]!.ToString() != nameof(ClaimVerdict.SUPPORTED)))
            CliOutput.Say($"! {claim!["explanation"]} ({claim["rule"]})");
        foreach (var lowered in view["lowered"]!.AsArray())
            CliOutput.Say($"! {lowered!["explanation"]} ({lowered["rule"]})");
        foreach (var error in view["errors"]!.AsArray())
            CliOutput.Say($"! {error!["path"]}: {error["message"]} ({error["code"]})");
        foreach (var signal in view["signals"]!.AsArray())
            CliOutput.Say($"! {signal!["path"]} has something that looks like an attempt to steer: {signal["kind"]} (G19)");
        CliOutput.Say(view["approvable"]!.GetValue<bool>() ? $"leadpipeline reviews approve {view["id"]} --reason R lets it go on." : $"{view["needs"]}");
    }

    /// <summary><c>PATH=VALUE</c>. What reads as a number, a boolean or a list is one; everything else is text.</summary>
    private static JsonNode Claim(string text)
    {
        if (text.Split('=', 2) is not [{ Length: > 0 } path, { Length: > 0 } value])
            throw new UsageException("--claim is not one; write for example --claim enrichment.employees=500.");
        return new JsonObject { ["fieldPath"] = path, ["value"] = Parsed(value) };
    }

    private static JsonNode Parsed(string value)
    {
        try
        {
            return JsonNode.Parse(value) ?? JsonValue.Create(value);
        }
        catch (System.Text.Json.JsonException)
        {
            return JsonValue.Create(value);
        }
    }

    private static Argument<string> IdArgument() => new("REVIEW") { Description = "The review's id, as listed" };

    private static ReviewId Review(string? id) => ReviewId.Parse(id) ?? throw new UsageException("REVIEW is not the id of a review; take one from leadpipeline reviews list.");

    private static async Task<int> NoSuchAsync(ReviewId review)
    {
        await Console.Error.WriteLineAsync($"There is no review {review}.");
        return 1;
    }

    private static async Task<CliHost> OpenAsync(Dictionary<string, string?> settings, CancellationToken cancellationToken)
    {
        var host = new CliHost(WorkerApplication.Reader(settings));
        _ = await host.LeadsAsync(cancellationToken);
        return host;
    }
}
