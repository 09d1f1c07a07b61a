using System.Text.RegularExpressions;

namespace LeadPipeline.Worker.Evidence.Http;

/// <summary>
/// An address with places for a lead's values. Whatever a value is, it stays within its place: it is encoded, and what it makes is compared with the
/// template before it is used.
/// </summary>
public sealed partial class UrlTemplate
{
    private const int MostCharacters = 256;

    private readonly string text;
    private readonly Uri empty;
    private readonly int segments;

    private UrlTemplate(string text, Uri empty, IReadOnlyList<string> names)
    {
        (this.text, this.empty, Names) = (text, empty, names);
        segments = empty.AbsolutePath.Count(c => c == '/');
    }

    /// <summary>The values that there may be.</summary>
    public static IReadOnlyList<string> Known { get; } = ["domain", "email", "company", "country"];

    /// <summary>The values that this one takes.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Scheme, host and port.</summary>
    public string Origin => empty.GetLeftPart(UriPartial.Authority);

    /// <summary>Reads a template.</summary>
    /// <exception cref="FormatException">It is none; the message says what to write.</exception>
    public static UrlTemplate Parse(string text)
    {
        var places = Place().Matches(text);
        var names = places.Select(m => m.Groups[1].Value).Distinct().ToList();
        if (names.Find(n => !Known.Contains(n)) is { } unknown)
            throw new FormatException($"there is no {{{unknown}}}; use {string.Join(", ", Known.Select(n => $"{{{n}}}"))}");
        if (names.Count == 0)
            throw new FormatException("it names no value of the lead, such as {domain}");
        var filled = Place().Replace(text, "x");
        if (filled.AsSpan().IndexOfAny('{', '}') >= 0)
            throw new FormatException("a brace is open or closed that is no place for a value");
        if (!Uri.TryCreate(filled, UriKind.Absolute, out var address) || (address.Scheme != Uri.UriSchemeHttps && address.Scheme != Uri.UriSchemeHttp))
            throw new FormatException("it is no http or https address");
        if (address.UserInfo.Length > 0)
            throw new FormatException("credentials do not belong into the address; use Header");
        if (address.Fragment.Length > 0)
            throw new FormatException("a part after # is never sent");
        // Whatever stands before the path decides who is asked, and that is not the lead's to say.
        var path = text.IndexOf('/', text.IndexOf("://", StringComparison.Ordinal) + 3);
        var query = text.IndexOf('?', StringComparison.Ordinal);
        var authority = (path, query) switch { ( < 0, < 0) => text.Length, ( < 0, _) => query, (_, < 0) => path, _ => Math.Min(path, query) };
        return places.All(p => p.Index > authority) ? new UrlTemplate(text, address, names) : throw new FormatException("a value of the lead may stand in the path or in the query only");
    }

    /// <summary>The address for these values; null when one is missing, or is one that no address can hold as a value.</summary>
    /// <param name="values">By name.</param>
    public Uri? Fill(IReadOnlyDictionary<string, string?> values)
    {
        foreach (var name in Names)
        {
            // "." and ".." mean something in a path even when they are encoded.
            if (!values.TryGetValue(name, out var value) || string.IsNullOrWhiteSpace(value) || value.Length > MostCharacters || value.All(c => c == '.') || value.Any(char.IsControl))
                return null;
        }
        var filled = Place().Replace(text, m => Escaped(values[m.Groups[1].Value]!));
        if (!Uri.TryCreate(filled, UriKind.Absolute, out var address))
            return null;
        var isWithin = address.Scheme == empty.Scheme && address.Host == empty.Host && address.Port == empty.Port && address.UserInfo.Length == 0 && address.Fragment.Length == 0
            && address.AbsolutePath.Count(c => c == '/') == segments;
        return isWithin ? address : null;
    }

    private static string Escaped(string value)
    {
        try
        {
            return Uri.EscapeDataString(value);
        }
        catch (UriFormatException)
        {
            // Half a surrogate pair has no encoding; it is nobody's domain or name either.
            return "";
        }
    }

    [GeneratedRegex(@"\{([A-Za-z]+)\}")]
    private static partial Regex Place();
}
