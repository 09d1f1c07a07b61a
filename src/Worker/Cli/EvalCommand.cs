using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Analysis;
using LeadPipeline.Worker.Evaluation;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Planning;
using Microsoft.Extensions.Options;
using Spectre.Console;

namespace LeadPipeline.Worker.Cli;

/// <summary><c>eval DATASET</c>: how right analyzer and policy are about leads of which people know what is right. No CRM.</summary>
internal static class EvalCommand
{
    public static Command Create(Dictionary<string, string?> settings)
    {
        var file = new Argument<string>("DATASET") { Description = "Labelled leads, one JSON document a line; - for standard input" };
        var save = new Option<string?>("--save") { Description = "Keep the run in this file, to compare with" };
        var against = new Option<string?>("--against") { Description = "Compare, lead by lead, with a run that was kept" };
        var trial = new TrialOptions();
        var json = CliOutput.JsonOption();
        var command = new Command("eval", "Measures analyzer and policy on labelled leads, and compares two runs.") { file, save, against, json };
        trial.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var before = parsed.GetValue(against) is { } kept ? Kept(kept) : null;
            await using var host = new CliHost(WorkerApplication.Rehearsal(trial.Settings(settings, parsed)));
            var leads = Labelled(parsed.GetValue(file)!, host.Services.GetRequiredService<TimeProvider>());
            // The limits of a model are counted in the database, together with those who work.
            if (host.Services.GetRequiredService<IAnalyzer>().IsRemote)
                await host.Services.GetRequiredService<DatabaseStart>().RunAsync(cancellationToken);
            var run = new EvaluationRun(TrialOptions.Rehearsal(host, asks: true));
            var results = new List<EvaluatedLead>(leads.Count);
            await WithProgressAsync(!parsed.GetValue(json), async report =>
            {
                await foreach (var result in run.OfAsync(leads, cancellationToken))
                {
                    results.Add(result);
                    report(results.Count / (double)leads.Count, $"{results.Count} of {leads.Count}");
                }
            });

            var (measured, comparison) = (EvaluationReport.Of(results), before is null ? null : EvaluationComparison.Of(before, results));
            var document = EvaluationJson.Of(Tried(host), measured, results, comparison);
            if (parsed.GetValue(save) is { } target)
                Save(target, document);
            if (parsed.GetValue(json))
                CliOutput.WriteJson(document);
            else
                Print(document, measured, comparison);
            return 0;
        });
        return command;
    }

    private static JsonObject Tried(CliHost host)
    {
        var policy = host.Services.GetRequiredService<PolicyInForce>().Policy.Identity;
        var options = host.Services.GetRequiredService<IOptions<AnalysisOptions>>().Value;
        return new JsonObject
        {
            ["analyzer"] = host.Services.GetRequiredService<IAnalyzer>().Name,
            ["prompt"] = options.PromptFile is null ? null : Path.GetFileName(options.PromptFile),
            ["policy"] = policy.Name,
            ["policyHash"] = policy.Hash,
            ["rules"] = Grounding.RulesVersion.Current,
        };
    }

    private static IReadOnlyList<LabelledLead> Labelled(string path, TimeProvider time)
    {
        var (stream, _) = LeadFiles.Open(path);
        using var reader = new StreamReader(stream);
        try
        {
            return LabelledFile.Read(reader, time);
        }
        catch (FormatException exception)
        {
            throw new UsageException($"{path}: {exception.Message}");
        }
    }

    private static IReadOnlyList<EvaluatedLead> Kept(string path)
    {
        try
        {
            return EvaluationJson.Read(File.ReadAllText(path));
        }
        catch (Exception exception) when (exception is FormatException or IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--against: '{path}' cannot be used: {exception.Message}.");
        }
    }

    private static void Save(string path, JsonObject document)
    {
        try
        {
            File.WriteAllText(path, document.ToJsonString());
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--save: '{path}' cannot be written: {exception.Message}");
        }
    }

    private static Task WithProgressAsync(bool isWanted, Func<Action<double, string>, Task> work) =>
        CliOutput.IsWatched && isWanted ? CliOutput.ProgressAsync("Leads", work) : work((_, _) => { });

    private static void Print(JsonObject document, EvaluationReport report, EvaluationComparison? comparison)
    {
        var tried = document["tried"]!;
        CliOutput.Say($"{report.Leads} leads, analyzer {tried["analyzer"]}, policy {tried["policy"]}");
        CliOutput.Say($"accuracy {Share(report.Accuracy)} of {report.Labelled}; ranking AUC {report.RankingAuc?.ToString("0.000", CultureInfo.InvariantCulture) ?? "-"}");
        var decisions = new Table().Border(TableBorder.Rounded).AddColumns("Decision", "Expected", "Made", "Right", "Precision", "Recall");
        foreach (var decision in report.Decisions)
            decisions.AddRow(decision.Decision, Number(decision.Expected), Number(decision.Made), Number(decision.Right), Share(decision.Precision), Share(decision.Recall));
        CliOutput.Out.Write(decisions);
        var confusion = new Table().Border(TableBorder.Rounded).Title("What is right, by row; what was decided, by column").AddColumns(["", .. LabelledLead.Decisions]);
        foreach (var expected in LabelledLead.Decisions)
            confusion.AddRow([expected, .. LabelledLead.Decisions.Select(actual => Number(report.Confusion.GetValueOrDefault((expected, actual))))]);
        CliOutput.Out.Write(confusion);
        foreach (var outcome in report.Outcomes.Where(o => o.Leads > 0))
            CliOutput.Say($"{outcome.Decision}: {outcome.Won} of {outcome.Leads} won ({Share(outcome.Won / (double)outcome.Leads)})");
        CliOutput.Say($"grounding: {Counts(report.Grounding)}; claims: {Counts(report.Claims)}");
        if (report.Reviews.Count > 0)
            CliOutput.Say($"for a person: {Counts(report.Reviews)}");
        CliOutput.Say(string.Create(CultureInfo.InvariantCulture, $"cost ${report.Cost:0.0000} ({report.Tokens} tokens); a lead took {report.Latency.Median:0.##} ms (median), {report.Latency.P95:0.##} ms (95 %), {report.Latency.Longest:0.##} ms at most"));
        if (comparison is not null)
            Print(comparison);
    }

    private static void Print(EvaluationComparison comparison)
    {
        CliOutput.Say(string.Create(CultureInfo.InvariantCulture, $"Compared with the run before: {comparison.Compared} leads, {comparison.Fixed} fixed, {comparison.Broken} broken (by chance alone: p = {comparison.Chance:0.###}); {comparison.OnlyBefore} only before, {comparison.OnlyNow} only now."));
        var table = new Table().Border(TableBorder.Rounded).AddColumns("Lead", "Change", "Right", "Before", "Now", "Score before", "Score now");
        foreach (var lead in comparison.Changed)
            table.AddRow([.. ((string?[])[lead.Id, lead.Change, lead.Now.Expected, lead.Before.Actual, lead.Now.Actual, lead.Before.Score?.ToString(CultureInfo.InvariantCulture), lead.Now.Score?.ToString(CultureInfo.InvariantCulture)]).Select(CliOutput.Plain)]);
        if (comparison.Changed.Count > 0)
            CliOutput.Out.Write(table);
    }

    private static string Counts(IReadOnlyDictionary<string, int> counts) => string.Join(", ", counts.Select(c => $"{c.Key} {c.Value}"));

    private static string Share(double? share) => share is { } value ? (value * 100).ToString("0.0", CultureInfo.InvariantCulture) + " %" : "-";

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
