using System.CommandLine;
using System.Net;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Http;

namespace LeadPipeline.Worker.Cli;

/// <summary><c>health</c>: asks the service on this machine whether it is ready, for container engines whose image has no HTTP client.</summary>
internal static class HealthCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);

    public static Command Create(Dictionary<string, string?> settings)
    {
        var json = CliOutput.JsonOption();
        var command = new Command("health", "Asks the service that runs here whether it is ready.") { json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var address = new Uri(Local(ListenAddresses.Of(WorkerApplication.Configuration(settings)).Urls[0]), "/health/ready");
            var state = await AskAsync(address, cancellationToken);
            if (parsed.GetValue(json))
                CliOutput.WriteJson(new JsonObject { ["address"] = address.ToString(), ["status"] = state });
            else
                CliOutput.Say($"{address}: {state}");
            return state == "Healthy" ? 0 : 1;
        });
        return command;
    }

    /// <summary>An address to listen on, as a program on the same machine calls it.</summary>
    internal static Uri Local(string listening)
    {
        var uri = new UriBuilder(listening.Replace("://*", "://0.0.0.0", StringComparison.Ordinal).Replace("://+", "://0.0.0.0", StringComparison.Ordinal));
        if (IPAddress.TryParse(uri.Host.Trim('[', ']'), out var address) && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)))
            uri.Host = "127.0.0.1";
        return uri.Uri;
    }

    private static async Task<string> AskAsync(Uri address, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { Timeout = Patience };
        try
        {
            using var answer = await http.GetAsync(address, cancellationToken);
            return answer.IsSuccessStatusCode ? "Healthy" : "Unhealthy";
        }
        catch (Exception exception) when (exception is HttpRequestException || (exception is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return "Unreachable";
        }
    }
}
