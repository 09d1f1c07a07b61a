using System.Net;
using LeadPipeline.Worker.Hosting;

namespace LeadPipeline.Worker.Http;

/// <summary>Where the service listens.</summary>
/// <param name="Urls">Addresses as configured.</param>
public sealed record ListenAddresses(IReadOnlyList<string> Urls)
{
    private static readonly string[] Everywhere = ["*", "+", "0.0.0.0", "[::]"];

    /// <summary>The addresses of a configuration. <c>Kestrel:Endpoints</c> (certificates) win over all others, as they do with the server.</summary>
    public static ListenAddresses Of(IConfiguration configuration)
    {
        var endpoints = configuration.GetSection("Kestrel:Endpoints").GetChildren().Select(e => e["Url"]).OfType<string>().ToArray();
        return new ListenAddresses(endpoints is not [] ? endpoints : (configuration["urls"] ?? configuration["Http:Url"] ?? WorkerApplication.DefaultUrl)
            .Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    /// <summary>The hosts in them, <c>*</c> for all addresses of the machine.</summary>
    /// <exception cref="ConfigurationException">One is no address.</exception>
    public IReadOnlyList<string> Hosts => [.. Urls.Select(Host)];

    /// <summary>Throws when someone on another machine could reach them.</summary>
    /// <exception cref="ConfigurationException">With what to do.</exception>
    public void RefuseAllButLoopback()
    {
        foreach (var (url, host) in Urls.Zip(Hosts))
        {
            if (!IsLoopback(host))
                throw new ConfigurationException($"Http:Url: '{url}' is reachable from other machines, and nobody is told apart; set Auth:Tokens, or Auth:Issuer with its key, or listen on 127.0.0.1");
        }
    }

    /// <summary>Whether a host is this machine and can be nothing else.</summary>
    public static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    private static string Host(string url)
    {
        // The server takes "*" and "+" for every address, which no URI may contain.
        var readable = url.Replace("://*", "://0.0.0.0", StringComparison.Ordinal).Replace("://+", "://0.0.0.0", StringComparison.Ordinal);
        if (!Uri.TryCreate(readable, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            throw new ConfigurationException($"Http:Url: '{url}' is not an address; write http://host:port");
        return Array.Exists(Everywhere, e => e == uri.Host) ? "*" : uri.Host;
    }
}
