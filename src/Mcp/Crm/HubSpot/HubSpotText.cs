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

    [GeneratedRegex(@"<br\s*/?>|</p>", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex LineBreak();

    [GeneratedRegex("<[^>]*>", RegexOptions.CultureInvariant)]
    private static partial Regex Tag();
}
