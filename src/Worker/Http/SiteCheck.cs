using LeadPipeline.Worker.Ops;

namespace LeadPipeline.Worker.Http;

/// <summary>
/// Refuses what a page of another site makes a browser send. Such a request needs no leave from us to be sent, only to be read; and on
/// loopback, where no token is asked for, sending is all it takes. A token excuses: no page can add one unless it has it.
/// </summary>
public static class SiteCheck
{
    /// <summary>Answers 403 to requests that change something, carry no token and come from a page of another site.</summary>
    public static void UseSiteCheck(this WebApplication app) => app.Use((context, next) =>
        IsFromAnotherSite(context.Request) && context.GetEndpoint()?.Metadata.GetMetadata<OtherSitesWelcome>() is null
            ? Problems.Of(403, "cross-site", "A page of another site may not do this; call from a server, or with a token.").ExecuteAsync(context)
            : next(context));

    /// <summary>Lets pages of other sites call these endpoints, which check the origin themselves or do not care.</summary>
    public static TBuilder WelcomeOtherSites<TBuilder>(this TBuilder endpoints) where TBuilder : IEndpointConventionBuilder =>
        endpoints.WithMetadata(new OtherSitesWelcome());

    /// <summary>Whether a request changes something, carries no credentials of its own and was caused by a page that is not ours.</summary>
    public static bool IsFromAnotherSite(HttpRequest request)
    {
        if (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method) || request.Headers.Authorization.Count > 0)
            return false;
        // A site is a family of hosts (and of ports): "same-site" is another origin, and on localhost anybody's.
        if (request.Headers["Sec-Fetch-Site"].ToString() is "cross-site" or "same-site")
            return true;
        var origin = request.Headers.Origin.ToString();
        // Only host and port are compared: behind a proxy the browser's scheme is not ours. "null" is nobody's origin.
        return origin.Length > 0 && !(Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase));
    }

    private sealed class OtherSitesWelcome;
}
