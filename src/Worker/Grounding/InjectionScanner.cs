using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Evidence;

namespace LeadPipeline.Worker.Grounding;

/// <summary>
/// Looks through the lead's own words for attempts to steer (G19). Signals change no verdict: they stop a lead from being routed
/// without a person having looked.
/// </summary>
internal static class InjectionScanner
{
    private const string CustomFields = "lead.customFields.";

    /// <summary>The signals in ordinal order of path, then kind; each at most once.</summary>
    public static IReadOnlyList<InjectionSignal> Scan(EvidenceSnapshot snapshot)
    {
        List<InjectionSignal>? signals = null;
        IReadOnlyList<string>? own = null;
        foreach (var (path, leaf) in snapshot.Leaves)
        {
            // The website is a link by nature, and it is never fetched.
            if (!path.StartsWith("lead.", StringComparison.Ordinal) || path == "lead.website")
                continue;
            foreach (var text in Texts(path, leaf.Value))
            {
                own ??= OwnDomains(snapshot);
                foreach (var kind in Kinds(text, own))
                    (signals ??= []).Add(new InjectionSignal(path, kind));
            }
        }
        return signals is null
            ? []
            : [.. signals.Distinct().OrderBy(s => s.Path, StringComparer.Ordinal).ThenBy(s => s.Kind, StringComparer.Ordinal)];
    }

    private static IEnumerable<string> Kinds(string text, IReadOnlyList<string> ownDomains)
    {
        if (HiddenCharacters.Found(text))
            yield return "hidden";
        var seen = HiddenCharacters.Remove(text);
        if (MarkupFinder.Found(seen))
            yield return "markup";
        if (LinkFinder.FindsForeign(seen, ownDomains))
            yield return "link";
        // Hidden characters part words from within, or stand where a space would.
        if (InstructionPatterns.Match(seen))
            yield return "instruction";
    }

    private static IEnumerable<string> Texts(string path, JsonElement value)
    {
        // The names of custom fields are the sender's words too, and the model reads them.
        if (path.StartsWith(CustomFields, StringComparison.Ordinal))
            yield return path[CustomFields.Length..];
        if (LeafValue.TryGetText(value, out var text))
            yield return text;
        if (value.ValueKind != JsonValueKind.Array)
            yield break;
        foreach (var item in value.EnumerateArray())
        {
            if (LeafValue.TryGetText(item, out var member))
                yield return member;
        }
    }

    private static List<string> OwnDomains(EvidenceSnapshot snapshot)
    {
        var own = new List<string>(2);
        if (EmailDomains.Of(snapshot.Text("lead.email")) is { } mail)
            own.Add(mail);
        if (snapshot.Text("lead.website") is { } website)
        {
            var scheme = website.IndexOf("://", StringComparison.Ordinal);
            var host = LinkFinder.Host(website.AsSpan(scheme < 0 ? 0 : scheme + 3).Trim());
            own.Add(host.StartsWith("www.", StringComparison.Ordinal) ? host[4..] : host);
        }
        // A single label would make every host under it the lead's own.
        own.RemoveAll(domain => !domain.Contains('.'));
        return own;
    }
}
