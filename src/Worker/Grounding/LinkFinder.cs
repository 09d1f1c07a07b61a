using System.Buffers;

namespace LeadPipeline.Worker.Grounding;

/// <summary>Links in a text: what has a scheme or begins with www. A bare domain name is a name.</summary>
internal static class LinkFinder
{
    private static readonly string[] BareSchemes = ["javascript:", "vbscript:", "data:", "mailto:", "file:"];

    // Browsers read a backslash as a slash, which else would put a stranger's host before an "@" of ours.
    private static readonly SearchValues<char> HostEnds = SearchValues.Create("/\\?#\"'<>()[]{},; \t\r\n");

    /// <summary>Whether the text links anywhere but to the given domains and their subdomains.</summary>
    public static bool FindsForeign(string text, IReadOnlyList<string> ownDomains)
    {
        // Every link has one or the other, and most texts have neither.
        if (!text.Contains(':', StringComparison.Ordinal) && Index(text, "www.", 0) < 0)
            return false;
        for (var at = text.IndexOf("://", StringComparison.Ordinal); at >= 0; at = text.IndexOf("://", at + 3, StringComparison.Ordinal))
        {
            if (at > 0 && char.IsLetterOrDigit(text[at - 1]) && !IsOwn(Host(text.AsSpan(at + 3)), ownDomains))
                return true;
        }
        for (var at = Index(text, "www.", 0); at >= 0; at = Index(text, "www.", at + 4))
        {
            var startsWord = at == 0 || (!char.IsLetterOrDigit(text[at - 1]) && text[at - 1] is not ('.' or '-' or '@' or '/'));
            var goesOn = at + 4 < text.Length && char.IsLetterOrDigit(text[at + 4]);
            if (startsWord && goesOn && !IsOwn(Host(text.AsSpan(at)), ownDomains))
                return true;
        }
        return BareSchemes.Any(scheme => FindsBareScheme(text, scheme, ownDomains));
    }

    /// <summary>The host that a browser would go to: before the path, without user name and port, lower case.</summary>
    public static string Host(ReadOnlySpan<char> afterScheme)
    {
        var end = afterScheme.IndexOfAny(HostEnds);
        var authority = end < 0 ? afterScheme : afterScheme[..end];
        authority = authority[(authority.LastIndexOf('@') + 1)..];
        var port = authority.IndexOf(':');
        if (port >= 0)
            authority = authority[..port];
        return authority.TrimEnd('.').TrimEnd("!*_").ToString().ToLowerInvariant();
    }

    private static bool FindsBareScheme(string text, string scheme, IReadOnlyList<string> ownDomains)
    {
        for (var at = Index(text, scheme, 0); at >= 0; at = Index(text, scheme, at + scheme.Length))
        {
            var next = at + scheme.Length;
            if ((at > 0 && char.IsLetterOrDigit(text[at - 1])) || next >= text.Length || char.IsWhiteSpace(text[next]) || text[next] == '/')
                continue;
            // "data:" is an English word with a colon; as a scheme it names a media type.
            if (scheme == "data:" && Index(text[next..Math.Min(text.Length, next + 60)], "/", 0) < 0)
                continue;
            if (scheme != "mailto:" || !IsOwn(Host(text.AsSpan(next)), ownDomains))
                return true;
        }
        return false;
    }

    private static bool IsOwn(string host, IReadOnlyList<string> ownDomains)
    {
        foreach (var own in ownDomains)
        {
            if (host == own || (host.Length > own.Length && host[host.Length - own.Length - 1] == '.' && host.EndsWith(own, StringComparison.Ordinal)))
                return true;
        }
        return false;
    }

    private static int Index(string text, string part, int from) => from > text.Length ? -1 : text.IndexOf(part, from, StringComparison.OrdinalIgnoreCase);
}
