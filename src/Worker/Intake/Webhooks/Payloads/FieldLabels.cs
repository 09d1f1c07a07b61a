using System.Collections.Frozen;
using System.Text;

namespace LeadPipeline.Worker.Intake.Webhooks.Payloads;

/// <summary>
/// Which field of a lead an answer belongs to, by what the form calls it: a name such as "Vorname", or a question such as "What is your full
/// name?". Only what a person says of himself can be meant: no label makes an answer the lead's id, source or time.
/// </summary>
internal static class FieldLabels
{
    private const int LongestQuestion = 120;

    private static readonly FrozenSet<string> Personal =
        new[] { "email", "firstName", "lastName", "name", "company", "title", "phone", "website", "country", "message", "campaignId" }.ToFrozenSet(StringComparer.Ordinal);

    // Words that make a question of a name, and nothing else of it.
    private static readonly FrozenSet<string> Filler = new[]
    {
        "what", "what's", "what’s", "whats", "which", "is", "are", "your", "the", "a", "an", "please", "enter", "provide", "tell", "us", "do", "you", "work", "for", "business", "best", "current", "at", "in",
    }.ToFrozenSet(StringComparer.Ordinal);

    // What may be left of a question. Shorter than the list of names: "Can we contact you?" does not ask for a name.
    private static readonly FrozenDictionary<string, string> Asked = new Dictionary<string, string[]>
    {
        ["email"] = ["email", "email address", "e mail", "e mail address"],
        ["name"] = ["name", "full name"],
        ["firstName"] = ["first name", "given name"],
        ["lastName"] = ["last name", "surname", "family name"],
        ["company"] = ["company", "company name", "name of company", "organisation", "organization"],
        ["title"] = ["job title", "title", "role", "position"],
        ["phone"] = ["phone", "phone number", "mobile number", "telephone number"],
        ["website"] = ["website", "company website"],
        ["country"] = ["country"],
        ["message"] = ["message"],
    }.SelectMany(e => e.Value, (e, words) => (words, e.Key)).ToFrozenDictionary(p => p.words, p => p.Key, StringComparer.Ordinal);

    /// <summary>Our name for it; null when it is none of ours.</summary>
    public static string? Field(string label)
    {
        var text = LeadText.Clean(label);
        if (text.Length > LongestQuestion)
            return null;
        if (CsvHeaders.Field(text) is { } named)
            return Personal.Contains(named) ? named : null;
        return Asked.GetValueOrDefault(string.Join(' ', Words(text).Where(w => !Filler.Contains(w))));
    }

    /// <summary>A label as a key of custom fields: without the marks of markdown around its words.</summary>
    public static string Shown(string label) => LeadText.Clean(label.Replace("*", "", StringComparison.Ordinal)).Trim('_', ' ');

    private static IEnumerable<string> Words(string text)
    {
        var word = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.IsLetterOrDigit(rune) || (word.Length > 0 && rune.Value is '\'' or 0x2019))
            {
                word.Append(Rune.ToLowerInvariant(rune));
            }
            else if (word.Length > 0)
            {
                yield return word.ToString();
                word.Clear();
            }
        }
        if (word.Length > 0)
            yield return word.ToString();
    }
}
