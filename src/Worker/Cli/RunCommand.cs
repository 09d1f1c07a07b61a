using System.CommandLine;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Ops;

namespace LeadPipeline.Worker.Cli;

/// <summary><c>run</c>: the service.</summary>
internal static class RunCommand
{
    public static Command Create(Dictionary<string, string?> settings)
    {
        var command = new Command("run", "Runs the service: consumers and HTTP.") { TreatUnmatchedTokensAsErrors = false };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var unknown = parsed.UnmatchedTokens.Where((t, i) => t.StartsWith('-') && !t.StartsWith("--urls", StringComparison.Ordinal) && !t.StartsWith("--environment", StringComparison.Ordinal)).ToList();
            if (unknown.Count > 0)
                throw new UsageException($"{unknown[0]} is not an option of run. Settings are given as --Section:Key=value.");
            return await RunAsync(settings, [.. parsed.UnmatchedTokens], cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(Dictionary<string, string?> settings, string[] hostArgs, CancellationToken cancellationToken)
    {
        await using var app = WorkerApplication.Service(settings, hostArgs);
        await using var alone = await DataLock.TakeAsync(app.Configuration, cancellationToken);
        await app.StartAsync(cancellationToken);
        if (app.Services.GetRequiredService<BearerTokens>().ConsoleToken is { } token && app.Urls.FirstOrDefault() is { } url)
            await Console.Error.WriteLineAsync($"Ready at {url}. Until Auth:Tokens is set, the token in the data directory (console-token) opens everything: curl -H 'Authorization: Bearer {token}' {url}/leads");
        await app.WaitForShutdownAsync(cancellationToken);
        return Environment.ExitCode;
    }
}
