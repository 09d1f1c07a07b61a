using LeadPipeline.Worker.Ops;

namespace LeadPipeline.Worker.Intake.Forms;

/// <summary>
/// Whether the page that a form was posted from may do that. A browser says the page's origin itself, and a page cannot change it; programs may
/// say what they like, or nothing, so that who says nothing is let in from this machine only.
/// </summary>
public static class FormOrigin
{
    /// <summary>Judges a post.</summary>
    /// <param name="origin">The header <c>Origin</c>; null when it is missing.</param>
    /// <param name="referer">The header <c>Referer</c>, which stands in for it; null when it is missing.</param>
    /// <param name="host">The host and port that was called.</param>
    /// <param name="fromHere">Whether the post came from this machine.</param>
    /// <param name="allowed">The configured origins.</param>
    public static bool MayPost(string? origin, string? referer, string host, bool fromHere, IEnumerable<string> allowed)
    {
        var origins = allowed.ToList();
        if (origins.Contains(HtmlFormOptions.AnyOrigin))
            return true;
        if (origin is null && referer is null)
            return fromHere;
        return OriginOf(origin, referer) is { } page
            && (origins.Exists(o => HtmlFormOptions.Origin(o) == HtmlFormOptions.Origin(page.GetLeftPart(UriPartial.Authority))) || IsOf(page, host));
    }

    /// <summary>Whether the answer may be read by the page, which only matters to its scripts: the configured pages, and anyone where anyone may post.</summary>
    public static string? ReadableBy(string? origin, IEnumerable<string> allowed)
    {
        var origins = allowed.ToList();
        return origin is null ? null
            : origins.Contains(HtmlFormOptions.AnyOrigin) ? HtmlFormOptions.AnyOrigin
            : HtmlFormOptions.Origin(origin) is { } page && origins.Exists(o => HtmlFormOptions.Origin(o) == page) ? page
            : null;
    }

    private static Uri? OriginOf(string? origin, string? referer) =>
        Uri.TryCreate(origin ?? referer, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" ? uri : null;

    // The scheme is not compared: behind a proxy that ends TLS it is never ours.
    private static bool IsOf(Uri page, string host) =>
        Uri.TryCreate($"{page.Scheme}://{host}", UriKind.Absolute, out var called) && string.Equals(called.Authority, page.Authority, StringComparison.OrdinalIgnoreCase);
}
