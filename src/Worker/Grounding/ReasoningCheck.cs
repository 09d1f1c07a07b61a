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
            foreach (var word in Words(field, value))
            {
                if (word.Count(char.IsLetter) >= 3 && TextFold.ContainsWhole(reasoning, word) && !IsBacked(field, word))
                    return false;
            }
        }
        return true;
    }

    private bool IsBacked(EvidenceField field, string word) =>
        keys.Contains(Key(field, word)) || texts.Exists(t => TextFold.ContainsWhole(t, word)) || TextFold.Words(word).All(ownWords.Contains);

    private static string Key(EvidenceField field, string word) => field.Kind == FieldKind.Geo ? Countries.Canonical(word) : Synonyms.Canonical(word);

    /// <summary>The folded forms under which a text would name a value of the field.</summary>
    private static IEnumerable<string> Words(EvidenceField field, JsonElement value)
    {
        var texts = Strings(value);
        return field.Kind == FieldKind.Geo
            ? texts.SelectMany(t => TextFold.Fold(t).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            : texts.SelectMany(t => Synonyms.Forms(TextFold.Fold(t)));
    }

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
            var own = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{ownScore}{scale}");
            if (TextFold.ContainsWhole(text, own))
                text = text.Replace(own, own[..^scale.Length], StringComparison.Ordinal);
        }
        return text;
    }
}
