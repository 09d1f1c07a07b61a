using System.Net;
using System.Text.RegularExpressions;

namespace LeadPipeline.Mcp.Crm.HubSpot;

/// <summary>Bodies of tasks and notes are HTML in HubSpot. A lead's own words must not become markup there.</summary>
internal static partial class HubSpotText
{
    /// <summary>Plain text as HTML that shows it as it is.</summary>
    public static string ToHtml(string text) => WebUtility.HtmlEncode(text).ReplaceLineEndings("<br>");

    /// <summary>What a reader sees of HTML, line by line.</summary>
    public static string FromHtml(string html) => WebUtility.HtmlDecode(Tag().Replace(LineBreak().Replace(html, "\n"), ""));

    /// <summary>A heading and what stands under it, as HTML. HubSpot has no field for a note's title.</summary>
    public static string UnderHeading(string heading, string? html) => $"<strong>{ToHtml(heading)}</strong><br>{html}";

    /// <summary>Takes the two apart again; the heading is null when there is none.</summary>
    public static (string? Heading, string Html) SplitHeading(string html) =>
        Heading().Match(html) is { Success: true } match ? (FromHtml(match.Groups["heading"].Value), html[match.Length..]) : (null, html);

    [GeneratedRegex(@"\A<strong>(?<heading>[^<]*(?:<br>[^<]*)*)</strong><br>", RegexOptions.CultureInvariant)]
    private static partial Regex Heading();

    [GeneratedRegex(@"<br\s*/?>|</p>", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex LineBreak();

    [GeneratedRegex("<[^>]*>", RegexOptions.CultureInvariant)]
    private static partial Regex Tag();
}
