using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Evidence;
using LeadPipeline.Worker.Grounding.Values;

namespace LeadPipeline.Worker.Grounding;

/// <summary>
/// Whether the reasoning says nothing checkable beyond the supported claims (G15): numbers, dates, links, e-mail addresses,
/// and the snapshot's own names of companies, industries, technologies and places.
/// </summary>
internal sealed class ReasoningCheck
{
    private readonly EvidenceSnapshot snapshot;
    private readonly int ownScore;
    private readonly HashSet<string> ownWords = new(StringComparer.Ordinal);
    private readonly HashSet<string> keys = new(StringComparer.Ordinal);
    private readonly List<string> texts = [];
    private readonly List<Mention.Number> numbers = [];
    private readonly List<TimeValue> times = [];

    /// <summary>Collects what the supported claims back, and what is exempt: the lead's stated company and name, and the analysis's own verdict.</summary>
    public ReasoningCheck(EvidenceSnapshot snapshot, IEnumerable<GroundedClaim> supported, LeadIntent intent, LeadDecision decision, int score)
    {
        this.snapshot = snapshot;
        ownScore = score;
        foreach (var own in new[] { intent.ToString(), decision.ToString(), snapshot.Text("lead.company"), snapshot.Text("lead.firstName"), snapshot.Text("lead.lastName"), snapshot.Text("lead.name") })
            ownWords.UnionWith(TextFold.Words(TextFold.Fold(own ?? "")));
        foreach (var claim in supported)
            Back(claim);
    }

    /// <summary>Whether everything that the text mentions is backed.</summary>
    public bool Holds(string reasoning) =>
        reasoning.Length == 0
        || (ProseScanner.All(WithoutScale(TextFold.Normal(reasoning)), IsBacked, ownWords.Contains) && VocabularyIsBacked(TextFold.Fold(reasoning)));

    private bool IsBacked(Mention mention) => mention switch
    {
        Mention.Number number => (number.Value == ownScore && number.Currency is null) || numbers.Exists(n => IsSame(number, n)),
        Mention.Time time => times.Exists(t => time.Value.WholeDay ? !time.Value.ConflictsWith(t) : !t.WholeDay && t.From == time.Value.From),
        Mention.Address address => texts.Exists(t => TextFold.ContainsWhole(t, address.Text)),
        _ => false,
    };

    private static bool IsSame(Mention.Number mentioned, Mention.Number claimed) =>
        mentioned.Value == claimed.Value && mentioned.Percent == claimed.Percent && (mentioned.Currency is null || mentioned.Currency == claimed.Currency);

    private bool VocabularyIsBacked(string reasoning)
    {
        foreach (var field in EvidenceSchema.Vocabulary)
        {
            if (snapshot.Value(field.Path) is not { } value)
                continue;
            foreach (var text in Strings(value))
            {
                if (!IsBackedIfSaid(field, TextFold.Fold(text), reasoning))
                    return false;
            }
        }
        return true;
    }

    /// <summary>Whether the text says nothing of a value, in any form under which it would name it, or what it says is backed.</summary>
    private bool IsBackedIfSaid(EvidenceField field, string folded, string reasoning)
    {
        if (field.Kind != FieldKind.Geo)
        {
            foreach (var form in Synonyms.Forms(folded))
            {
                if (IsSaid(form, reasoning) && !IsBacked(field, form))
                    return false;
            }
            return true;
        }
        foreach (var range in folded.AsSpan().Split(','))
        {
            var part = folded.AsSpan(range).Trim();
            if (IsSaid(part, reasoning) && !IsBacked(field, part.ToString()))
                return false;
        }
        return true;
    }

    private static bool IsSaid(ReadOnlySpan<char> word, string reasoning)
    {
        // Most words are not in the text, and that is found out fastest.
        if (word.Length < 3 || !TextFold.ContainsWhole(reasoning, word))
            return false;
        var letters = 0;
        foreach (var c in word)
            letters += char.IsLetter(c) ? 1 : 0;
        return letters >= 3;
    }

    private bool IsBacked(EvidenceField field, string word) =>
        keys.Contains(Key(field, word)) || texts.Exists(t => TextFold.ContainsWhole(t, word)) || TextFold.Words(word).All(ownWords.Contains);

    private static string Key(EvidenceField field, string word) => field.Kind == FieldKind.Geo ? Countries.Canonical(word) : Synonyms.Canonical(word);

    private void Back(GroundedClaim claim)
    {
        var value = claim.Claimed!.Value;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number))
            numbers.Add(new Mention.Number(number, null, false));
        // "2-5M USD" is money at both ends, though the scanner sees the currency at one.
        var currency = claim.Comparator == "range" ? RangeValue.Read(value)?.Currency : null;
        foreach (var text in Strings(value))
        {
            var folded = TextFold.Fold(text);
            texts.Add(folded);
            keys.Add(Synonyms.Canonical(folded));
            if (claim.Comparator == "geo")
                keys.UnionWith(GeoValue.Split(text));
            ProseScanner.All(TextFold.Normal(text), mention => Back(mention, currency));
        }
    }

    private bool Back(Mention mention, string? currency)
    {
        if (mention is Mention.Number number)
            numbers.Add(number with { Currency = number.Currency ?? currency });
        else if (mention is Mention.Time time)
            times.Add(time.Value);
        return true;
    }

    private static IEnumerable<string> Strings(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => [value.GetString()!],
        JsonValueKind.Array => value.EnumerateArray().Where(i => i.ValueKind == JsonValueKind.String).Select(i => i.GetString()!),
        _ => [],
    };

    /// <summary>"85/100" is one way to write the analysis's own score: what it is out of says nothing about the lead.</summary>
    private string WithoutScale(string text)
    {
        foreach (var scale in (ReadOnlySpan<string>)["/100", " / 100", " out of 100"])
        {
            if (!text.Contains(scale, StringComparison.Ordinal))
                continue;
            var own = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{ownScore}{scale}");
            if (TextFold.ContainsWhole(text, own))
                text = text.Replace(own, own[..^scale.Length], StringComparison.Ordinal);
        }
        return text;
    }
}
