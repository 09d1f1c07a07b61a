using System.Text.Json.Nodes;

namespace LeadPipeline.Integration.Tests;

/// <summary>The program as it is used at a prompt.</summary>
internal static class Cli
{
    /// <summary>Runs a verb to its end.</summary>
    public static async Task<(int Code, string Output, string Errors)> RunAsync(IEnumerable<string> arguments, string folder, IReadOnlyDictionary<string, string>? settings = null)
    {
        var environment = new Dictionary<string, string>(settings ?? new Dictionary<string, string>());
        environment.TryAdd("Data__Directory", folder);
        await using var process = WorkerProcess.Start(arguments, environment, folder);
        var code = await process.WaitForExitAsync();
        return (code, string.Join('\n', process.Output), string.Join('\n', process.Errors));
    }

    /// <summary>Runs a verb that answers JSON; null when it answered nothing.</summary>
    public static async Task<(int Code, JsonObject? Answer)> JsonAsync(IEnumerable<string> arguments, string folder, IReadOnlyDictionary<string, string>? settings = null)
    {
        var (code, output, errors) = await RunAsync(arguments, folder, settings);
        try
        {
            return (code, output.Length == 0 ? null : JsonNode.Parse(output)!.AsObject());
        }
        catch (System.Text.Json.JsonException exception)
        {
            throw new AssertionException($"Not one JSON document: {output}\n{errors}", exception);
        }
    }
}
