using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace LeadPipeline.Worker.Cli;

/// <summary>What the verbs share in how they talk.</summary>
internal static class CliOutput
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonSerializerOptions OneLine = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary><c>--json</c>, a new one for each verb.</summary>
    public static Option<bool> JsonOption() => new("--json") { Description = "One JSON document on standard output" };

    /// <summary><c>--limit</c>, a new one for each verb: from 1.</summary>
    public static Option<int> LimitOption(int usual, string description = "At most so many")
    {
        var limit = new Option<int>("--limit") { Description = description, DefaultValueFactory = _ => usual };
        limit.Validators.Add(given =>
        {
            if (given.GetValueOrDefault<int>() < 1)
                given.AddError("--limit is at least 1.");
        });
        return limit;
    }

    /// <summary>Results; never wrapped when they go to a file or a pipe.</summary>
    public static IAnsiConsole Out => Console(System.Console.Out, System.Console.IsOutputRedirected);

    /// <summary>Progress and remarks.</summary>
    public static IAnsiConsole Error { get; } = Console(System.Console.Error, System.Console.IsErrorRedirected);

    /// <summary>Whether a person watches standard error, so that progress makes sense.</summary>
    public static bool IsWatched => !System.Console.IsErrorRedirected;

    /// <summary>A line as it is, never wrapped; control characters from a lead's text do not reach the terminal.</summary>
    public static void Say(string line) => System.Console.Out.WriteLine(new string([.. line.Select(c => char.IsControl(c) ? ' ' : c)]));

    public static void WriteJson(JsonNode? node) => System.Console.Out.WriteLine(node?.ToJsonString(Indented) ?? "null");

    public static void WriteJsonLine(JsonNode? node) => System.Console.Out.WriteLine(node?.ToJsonString(OneLine) ?? "null");

    /// <summary>Shows how far something is, from 0 to 1, and how long it will take.</summary>
    /// <param name="title">What is under way.</param>
    /// <param name="work">Does it, and says now and then how far it is and what it is at.</param>
    public static Task ProgressAsync(string title, Func<Action<double, string>, Task> work) => Error.Progress().AutoClear(true)
        .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(), new SpinnerColumn())
        .StartAsync(async progress =>
        {
            var task = progress.AddTask(title, maxValue: 1);
            await work((part, words) =>
            {
                task.Value = part;
                task.Description = words;
            });
        });

    /// <summary>Text from leads is never markup.</summary>
    public static string Plain(string? text) => Markup.Escape(new string([.. (text ?? "-").Select(c => char.IsControl(c) ? ' ' : c)]));

    private static IAnsiConsole Console(TextWriter writer, bool redirected)
    {
        // Colours are for a terminal; a file or another program gets plain text.
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer), Ansi = redirected ? AnsiSupport.No : AnsiSupport.Detect });
        if (redirected)
            console.Profile.Width = 200;
        return console;
    }
}
