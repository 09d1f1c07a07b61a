using System.Buffers;

namespace LeadPipeline.Worker.Grounding;

/// <summary>Markup in a text that should be plain: HTML, Markdown links and fences, template braces, chat-template markers.</summary>
internal static class MarkupFinder
{
    private static readonly string[] Markers =
        ["```", "~~~", "{{", "}}", "${", "<|", "|>", "[INST]", "[/INST]", "<<SYS>>", "](", "&lt;", "&#x", "&#0", "&#6", "<!--", "<![CDATA["];

    // Every marker has one of these; most texts have none.
    private static readonly SearchValues<char> Signs = SearchValues.Create("`~{}$<>[]&");

    // Looking further for the end of each tag would take a text full of "<a" the square of its length.
    private const int LongestTag = 1024;

    /// <summary>Whether there is any.</summary>
    public static bool Found(string text)
    {
        if (!text.AsSpan().ContainsAny(Signs))
            return false;
        foreach (var marker in Markers)
        {
            if (text.Contains(marker, StringComparison.OrdinalIgnoreCase))
                return true;
        }
        for (var at = text.IndexOf('<'); at >= 0; at = text.IndexOf('<', at + 1))
        {
            if (IsTag(text.AsSpan(at + 1, Math.Min(LongestTag, text.Length - at - 1))))
                return true;
        }
        return false;
    }

    private static bool IsTag(ReadOnlySpan<char> afterBracket)
    {
        var name = afterBracket.TrimStart('/');
        // "<3" and "a < b" are no tags; "<jo@acme.com>" and "<https://…>" are how people quote addresses.
        if (name.Length == 0 || !(char.IsAsciiLetter(name[0]) || (name[0] is '!' or '?' && name.Length > 1 && char.IsAsciiLetter(name[1]))))
            return false;
        var end = name.IndexOf('>');
        var inside = end < 0 ? name : name[..end];
        var quoted = !inside.ContainsAny(" =\t\n") && (inside.Contains('@') || inside.Contains("://", StringComparison.Ordinal));
        return !quoted && (end >= 0 || inside.Contains('='));
    }
}
