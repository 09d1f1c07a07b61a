using System.CommandLine;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Http.OpenApi;
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
            await Console.Error.WriteLineAsync(Welcome(url, token, HasConsole(app)));
        await app.WaitForShutdownAsync(cancellationToken);
        return Environment.ExitCode;
    }

    /// <summary>What the first user needs. The token stands behind the #, which browsers keep to themselves: it is in no request and no proxy's log.</summary>
    internal static string Welcome(string url, string token, bool console) => console
        ? $"Ready at {url}. Until Auth says who may call, this link opens the console, and the token in it (also in the data directory, console-token) everything else: {url.TrimEnd('/')}/ops#token={token}"
        : $"Ready at {url}. Until Auth says who may call, the token in the data directory (console-token) opens everything: curl -H 'Authorization: Bearer {token}' {url.TrimEnd('/')}/leads";

    private static bool HasConsole(WebApplication app) =>
        app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().Any(e => OpenApiDocument.Path(e.RoutePattern) == "/ops");
}
