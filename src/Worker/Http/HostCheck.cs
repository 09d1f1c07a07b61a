using System.Net;
using LeadPipeline.Worker.Ops;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Http;

/// <summary>
/// Refuses requests for names that are not ours. A page in a browser can have its own name resolve to this machine; to the browser it then
/// speaks to itself, and to us it comes from loopback, where no token is asked for. Only the <c>Host</c> header still tells it apart.
/// </summary>
public sealed class HostCheck(IEnumerable<string> configured, IEnumerable<string> listening)
{
    private readonly string[] names = [.. configured.Concat(listening.Where(h => h != "*")).Select(Bare)];
    private readonly bool anyName = !configured.Any() && listening.Contains("*");

    /// <summary>Whether a request for a name may be answered.</summary>
    /// <param name="host">From the <c>Host</c> header, without port; empty when there is none, as in HTTP/1.0, which no browser speaks.</param>
    /// <param name="fromLoopback">Whether the caller is on this machine.</param>
    /// <param name="reached">The address that the connection was made to; null when unknown.</param>
    public bool Allows(string host, bool fromLoopback, IPAddress? reached)
    {
        var name = Bare(host);
        if (name.Length == 0 || ListenAddresses.IsLoopback(name))
            return true;
        // A name that is an address cannot be made to resolve to another one. Health checks of orchestrators come so.
        if (reached is not null && IPAddress.TryParse(name, out var literal) && literal.Equals(reached.IsIPv4MappedToIPv6 ? reached.MapToIPv4() : reached))
            return true;
        // From another machine everything needs a token, a signature or a form's own check, so a false name gains nothing there.
        return (anyName && !fromLoopback) || Array.Exists(names, allowed => Matches(allowed, name));
    }

    private static bool Matches(string allowed, string name) => allowed.StartsWith("*.", StringComparison.Ordinal)
        ? name.EndsWith(allowed[1..], StringComparison.OrdinalIgnoreCase) && name.Length >= allowed.Length
        : name.Equals(allowed, StringComparison.OrdinalIgnoreCase);

    private static string Bare(string host) => host.Trim('[', ']').TrimEnd('.');
}

/// <summary>Puts the check in the way.</summary>
public static class HostCheckRegistration
{
    /// <summary>Answers 421 to requests for names that are not ours.</summary>
    public static void UseHostCheck(this WebApplication app)
    {
        var check = new HostCheck(app.Services.GetRequiredService<IOptions<HttpOptions>>().Value.AllowedHosts, ListenAddresses.Of(app.Configuration).Hosts);
        app.Use((context, next) => check.Allows(context.Request.Host.Host, Access.IsLoopback(context), context.Connection.LocalIpAddress)
            ? next(context)
            : Problems.Of(421, "misdirected", "This service does not go by that name; add the name to Http:AllowedHosts if it should.").ExecuteAsync(context));
    }
}
