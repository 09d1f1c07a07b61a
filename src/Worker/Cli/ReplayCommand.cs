using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.WhatIf;
using Spectre.Console;

namespace LeadPipeline.Worker.Cli;

/// <summary><c>replay ID --what-if</c> and <c>replay --since T --what-if</c>: decides again from the record and tells the differences; nothing is done.</summary>
internal static class ReplayCommand
{
    public static Command Create(Dictionary<string, string?> settings)
    {
        var id = new Argument<Guid?>("ID") { Description = "The lead", Arity = ArgumentArity.ZeroOrOne };
        var since = new Option<DateTimeOffset?>("--since") { Description = "All leads received since then (ISO time)" };
        var limit = CliOutput.LimitOption(10_000, "At most so many, the latest");
        var whatIf = new Option<bool>("--what-if") { Description = "Only think it through; no CRM can be called. (leadpipeline leads replay does it)" };
        var trial = new TrialOptions();
        var json = CliOutput.JsonOption();
        var command = new Command("replay", "Decides about recorded leads again, by another prompt, policy or analyzer, and tells what would be otherwise.") { id, since, limit, whatIf, json };
        trial.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (!parsed.GetValue(whatIf))
                throw new UsageException("replay only thinks leads through: add --what-if. To send a lead on its way again: leadpipeline leads replay ID.");
            if (parsed.GetValue(id) is null == parsed.GetValue(since) is null)
                throw new UsageException("Say which leads: an ID, or --since with a time.");
            await using var host = new CliHost(WorkerApplication.Rehearsal(trial.Settings(settings, parsed)));
            await host.Services.GetRequiredService<DatabaseStart>().RunAsync(cancellationToken);
            var runs = host.Services.GetRequiredService<RecordedRuns>();
            var run = new WhatIfRun(runs, TrialOptions.Rehearsal(host, trial.Asks(parsed)));
            return parsed.GetValue(id) is { } one
                ? await OneAsync(await run.OfAsync(one, cancellationToken), parsed.GetValue(json))
                : await ManyAsync(run, await runs.SinceAsync(parsed.GetValue(since)!.Value, parsed.GetValue(limit), cancellationToken), parsed.GetValue(json), cancellationToken);
        });
        return command;
    }

    private static async Task<int> OneAsync(WhatIfOutcome outcome, bool json)
    {
        if (outcome.Answer is not { } answer)
        {
            await Console.Error.WriteLineAsync(outcome.Skipped switch
            {
                "not-found" => $"There is no lead {outcome.LeadId}.",
                "erased" => "erased: Nothing of this lead is left to decide from.",
                "no-run" => "no-run: Nothing has been decided about this lead yet.",
                "no-answer" => "no-answer: There is no recorded answer to decide from; say which analyzer to ask (--analyzer).",
                var code => $"{code}: The analyzer gave no answer.",
            });
            return 1;
        }
        if (json)
            CliOutput.WriteJson(WhatIfJson.Of(answer));
        else
            Print(answer);
        return 0;
    }

    private static async Task<int> ManyAsync(WhatIfRun run, IReadOnlyList<Guid> leads, bool json, CancellationToken cancellationToken)
    {
        var (compared, cost, skipped) = (0, 0m, new List<WhatIfOutcome>());
        var changed = new List<WhatIfAnswer>();
        async Task CompareAsync(Action<double, string> report)
        {
            await foreach (var outcome in run.OfAsync(leads, cancellationToken))
            {
                if (outcome.Answer is not { } answer)
                    skipped.Add(outcome);
                else if (++compared > 0 && answer.IsChanged)
                    changed.Add(answer);
                cost += outcome.Answer?.Now.Call?.Usage.CostDollars ?? 0;
                report((compared + skipped.Count) / (double)leads.Count, $"{compared} compared, {changed.Count} differ");
            }
        }
        if (CliOutput.IsWatched && !json)
            await CliOutput.ProgressAsync("Leads", CompareAsync);
        else
            await CompareAsync((_, _) => { });

        var moves = changed.GroupBy(a => (From: Outcome(a.Run.Then), To: Outcome(a.Now.Decided))).OrderByDescending(g => g.Count()).ThenBy(g => g.Key.From, StringComparer.Ordinal).ToList();
        if (json)
        {
            CliOutput.WriteJson(new JsonObject
            {
                ["compared"] = compared,
                ["changed"] = changed.Count,
                ["cost"] = cost,
                ["outcomes"] = new JsonArray([.. moves.Select(m => (JsonNode)new JsonObject { ["then"] = m.Key.From, ["now"] = m.Key.To, ["leads"] = m.Count() })]),
                ["leads"] = new JsonArray([.. changed.Select(a => (JsonNode)WhatIfJson.Of(a))]),
                ["skipped"] = new JsonArray([.. skipped.Select(s => (JsonNode)new JsonObject { ["leadId"] = s.LeadId.ToString(), ["why"] = s.Skipped })]),
            });
        }
        else
        {
            foreach (var answer in changed)
                Print(answer);
            var table = new Table().Border(TableBorder.Rounded).AddColumns("On record", "Now", "Leads");
            foreach (var move in moves)
                table.AddRow(CliOutput.Plain(move.Key.From), CliOutput.Plain(move.Key.To), move.Count().ToString(CultureInfo.InvariantCulture));
            if (moves.Count > 0)
                CliOutput.Out.Write(table);
            CliOutput.Say($"{compared} leads decided again; {changed.Count} differ. Nothing was done.");
            foreach (var why in skipped.GroupBy(s => s.Skipped))
                CliOutput.Say($"Left out: {why.Count()} ({why.Key}).");
        }
        return skipped.Exists(s => s.Skipped is not ("erased" or "no-run")) ? 1 : 0;
    }

    private static void Print(WhatIfAnswer answer)
    {
        CliOutput.Say($"Lead {answer.Run.LeadId}, run {answer.Run.Run}: {Outcome(answer.Run.Then)} -> {Outcome(answer.Now.Decided)}{(answer.IsChanged ? "" : "; nothing differs")}");
        Say("verdict", answer.Verdict);
        Say("claim", answer.Claims);
        Say("plan", answer.Plan);
        foreach (var effect in answer.Effects)
            CliOutput.Say($"  effect   {Meaning(effect)}: {effect.Step} ({effect.Tool}){(effect.RecordId is null ? "" : $" {effect.RecordId}")}");
    }

    private static void Say(string kind, IReadOnlyList<Difference> differences)
    {
        foreach (var difference in differences)
            CliOutput.Say($"  {kind,-8} {difference.What}: {Text(difference.Then)} -> {Text(difference.Now)}");
    }

    private static string Meaning(ExpectedEffect effect) => effect.Would switch
    {
        "new" => "would be done",
        "done" => $"was done by run {effect.Run}, and would not be again",
        "update" => $"would get other values than by run {effect.Run}",
        "conflict" => $"would be a second one beside that of run {effect.Run}, so that a replay is blocked unless with --again",
        "read-back" => "cannot be known; the CRM would be asked first",
        _ => $"stays in the CRM from run {effect.Run}, and the plan no longer has it",
    };

    private static string Text(JsonNode? value) => value switch
    {
        null => "none",
        JsonValue text when text.TryGetValue<string>(out var words) => words.Length == 0 ? "none" : words,
        _ => value.ToJsonString(),
    };

    /// <summary>What matters most of a decision, in a few words.</summary>
    private static string Outcome(Decided decided) => decided switch
    {
        { NoAnswer: { } why } => why,
        { Plan: { Status: Contracts.PlanStatus.Planned } } => $"{decided.Verdict?.Decision}, {decided.Verdict?.Intent}, score {decided.Verdict?.FitScore?.ToString(CultureInfo.InvariantCulture)}",
        _ => $"{decided.Plan?.Status} ({decided.Plan?.Reason})",
    };
}
