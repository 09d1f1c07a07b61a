using System.Globalization;
using System.Text;

namespace LeadPipeline.Mcp.Crm.Salesforce;

/// <summary>
/// Turns any text into a SOQL literal that means that text and nothing else. The backslash is escaped with everything else in one pass, so
/// that an escape which stands in the text already is text, too.
/// </summary>
public static class SoqlEscaper
{
    /// <summary>The text as a quoted literal, for <c>=</c> and <c>IN</c>.</summary>
    public static string Literal(string text) => $"'{Escape(text, like: false)}'";

    /// <summary>A quoted pattern for <c>LIKE</c> that matches what begins with the text; its own <c>%</c> and <c>_</c> are characters.</summary>
    public static string Prefix(string text) => $"'{Escape(text, like: true)}%'";

    /// <summary>Literals in brackets, for <c>IN</c>.</summary>
    public static string List(IEnumerable<string> texts) => $"({string.Join(", ", texts.Select(Literal))})";

    private static string Escape(string text, bool like)
    {
        var escaped = new StringBuilder(text.Length + 8);
        foreach (var character in text)
        {
            _ = character switch
            {
                '\\' => escaped.Append(@"\\"),
                '\'' => escaped.Append(@"\'"),
                '"' => escaped.Append(@"\"""),
                '\n' => escaped.Append(@"\n"),
                '\r' => escaped.Append(@"\r"),
                '\t' => escaped.Append(@"\t"),
                '\b' => escaped.Append(@"\b"),
                '\f' => escaped.Append(@"\f"),
                '%' or '_' when like => escaped.Append('\\').Append(character),
                _ when char.IsControl(character) => escaped.Append(CultureInfo.InvariantCulture, $@"\u{(int)character:X4}"),
                _ => escaped.Append(character),
            };
        }
        return escaped.ToString();
    }
}
