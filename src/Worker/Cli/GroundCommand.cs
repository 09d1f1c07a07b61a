using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Worker.Grounding;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Planning;

namespace LeadPipeline.Worker.Cli;

/// <summary><c>ground FILE</c>: holds a recorded analysis against recorded evidence. No database, no network.</summary>
internal static class GroundCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "One document (.json), or one a line (.jsonl); - for standard input" };
        var json = CliOutput.JsonOption();
        var command = new Command("ground", "Checks an analysis claim by claim against the evidence in the same file.") { file, json };
        command.SetAction(parsed => Documents.Answer(parsed.GetValue(file)!, parsed.GetValue(json), document =>
            JsonSerializer.SerializeToNode(GroundDocument.Answer(document), ContractsJson.Default.GroundingResult)!.AsObject(), Print));
        return command;
    }

    private static void Print(JsonObject answer)
    {
        CliOutput.Say($"{answer["status"]}: intent {answer["intent"] ?? "none"}, decision {answer["decision"] ?? "none"}, score {answer["fitScore"] ?? "none"}");
        foreach (var claim in answer["claims"]!.AsArray())
            CliOutput.Say($"  {claim!["verdict"],-18} {claim["rule"],-9} {claim["fieldPath"]}: claimed {claim["claimed"]?.ToJsonString() ?? "nothing"}, known {claim["truth"]?.ToJsonString() ?? "nothing"}");
        foreach (var lowered in answer["lowered"]!.AsArray())
            CliOutput.Say($"  lowered {lowered!["what"]}: {lowered["from"]} -> {lowered["to"]} ({lowered["rule"]})");
        foreach (var error in answer["errors"]!.AsArray())
            CliOutput.Say($"  {error!["code"]} {error["path"]}: {error["message"]}");
        foreach (var signal in answer["signals"]!.AsArray())
            CliOutput.Say($"  signal {signal!["kind"]} in {signal["path"]}");
    }
}

/// <summary><c>plan FILE</c>: what would be done about a recorded lead. No database, no network.</summary>
internal static class PlanCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "One document (.json), or one a line (.jsonl); - for standard input" };
        var policy = new Option<string?>("--policy") { Description = "A policy file; the built-in policy when not given" };
        var json = CliOutput.JsonOption();
        var command = new Command("plan", "Plans what would be done about a lead, by the policy.") { file, policy, json };
        command.SetAction(parsed =>
        {
            var tools = ToolRegistry.Default();
            var inForce = Load(parsed.GetValue(policy), tools);
            return Documents.Answer(parsed.GetValue(file)!, parsed.GetValue(json), document =>
            {
                var read = GroundDocument.Read(document, TimeProvider.System);
                var plan = Planner.Plan(read.Ground(), read.Snapshot, inForce, tools, read.Now, PlanningOptions.Default);
                return JsonSerializer.SerializeToNode(plan, ContractsJson.Default.ActionPlan)!.AsObject();
            }, Print);
        });
        return command;
    }

    private static Policy Load(string? path, ToolRegistry tools)
    {
        try
        {
            return path is null ? PolicyLoader.BuiltIn(tools) : PolicyLoader.LoadFile(path, tools);
        }
        catch (PolicyException exception)
        {
            throw new ConfigurationException(exception.Faults);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path} cannot be read: {exception.Message}");
        }
    }

    private static void Print(JsonObject answer)
    {
        CliOutput.Say($"{answer["status"]}{(answer["reason"] is { } reason ? $" ({reason})" : "")} by policy {answer["policy"]!["name"]}");
        foreach (var step in answer["steps"]!.AsArray())
            CliOutput.Say($"  {step!["index"]}. {step["id"]}{(step["critical"]!.GetValue<bool>() ? "!" : "")} {step["arguments"]!.ToJsonString()}");
    }
}

/// <summary>Answers one document, or one a line, in the same order.</summary>
internal static class Documents
{
    // An analysis that nests without end is JSON all the same, and a rejected analysis (G1), not a broken document. Neither the
    // parser nor what comes after it goes down by recursion without a limit of its own.
    private static readonly JsonDocumentOptions Reading = new() { MaxDepth = 1_000_000 };

    public static int Answer(string path, bool json, Func<JsonElement, JsonObject> answer, Action<JsonObject> print)
    {
        var (stream, name) = LeadFiles.Open(path);
        using var reader = new StreamReader(stream);
        if (!name.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase) && !name.EndsWith(".ndjson", StringComparison.OrdinalIgnoreCase))
        {
            var result = One(reader.ReadToEnd(), answer);
            if (result.Error is { } error)
                throw new UsageException($"{path}: {error}");
            Write(result.Answer!, json, print, indented: true);
            return 0;
        }

        var broken = false;
        var number = 0;
        while (reader.ReadLine() is { } line)
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
                continue;
            var result = One(line, answer);
            broken |= result.Error is not null;
            if (result.Error is not { } error)
                Write(result.Answer!, json, print, indented: false);
            else if (json)
                CliOutput.WriteJsonLine(new JsonObject { ["line"] = number, ["error"] = error });
            else
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"line {number}: {error}"));
        }
        return broken ? LeadPipelineCli.Usage : 0;
    }

    private static (JsonObject? Answer, string? Error) One(string text, Func<JsonElement, JsonObject> answer)
    {
        try
        {
            using var document = JsonDocument.Parse(text, Reading);
            return (answer(document.RootElement), null);
        }
        catch (JsonException exception)
        {
            return (null, $"is not JSON: {exception.Message}");
        }
        catch (FormatException exception)
        {
            return (null, exception.Message);
        }
    }

    private static void Write(JsonObject answer, bool json, Action<JsonObject> print, bool indented)
    {
        if (!json)
            print(answer);
        else if (indented)
            CliOutput.WriteJson(answer);
        else
            CliOutput.WriteJsonLine(answer);
    }
}
