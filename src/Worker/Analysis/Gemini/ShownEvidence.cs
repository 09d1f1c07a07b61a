using System.Buffers;
using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Text.Unicode;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Grounding;
using LeadPipeline.Worker.Privacy;

namespace LeadPipeline.Worker.Analysis.Gemini;

/// <summary>
/// What a model gets to see of a lead: what a judgement needs, and nothing that only says who the person is. Pure.
/// <para>
/// Left out: e-mail address, names, telephone number, website, the sender's and our ids, the time of arrival, custom fields, and the CRM's ids
/// and owner. In what the person wrote, addresses, telephone numbers and the own name are masked, and a field in which grounding finds a signal of
/// manipulation (G19) is withheld as a whole. Evidence is shown as it is.
/// </para>
/// </summary>
public static class ShownEvidence
{
    /// <summary>
    /// JSON in which no <c>&lt;</c>, <c>&gt;</c> or <c>&amp;</c> stands unescaped: whatever a person writes, it closes no tag.
    /// </summary>
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.Create(UnicodeRanges.All), SkipValidation = true };

    private static readonly FrozenSet<string> Stated = FrozenSet.Create(StringComparer.Ordinal,
        "lead.company", "lead.title", "lead.country", "lead.message", "lead.source", "lead.campaignId");

    private static readonly FrozenSet<string> Withheld = FrozenSet.Create(StringComparer.Ordinal, "crm.leadId", "crm.accountId", "crm.owner");

    private static readonly string[] Names = ["lead.firstName", "lead.lastName"];

    private static readonly JsonElement WithheldMark = JsonSerializer.SerializeToElement("[withheld]");

    /// <summary>The lead as text for the end of the prompt: <c>&lt;today&gt;</c>, <c>&lt;evidence&gt;</c>, <c>&lt;lead&gt;</c>.</summary>
    /// <param name="snapshot">What is known of the lead.</param>
    /// <param name="withWords">Whether the person's own words are shown; without them <c>&lt;lead&gt;</c> is empty.</param>
    public static string Write(EvidenceSnapshot snapshot, bool withWords = true)
    {
        var text = new StringBuilder(1024);
        // The day only: equal leads of one day are equal questions.
        text.Append(CultureInfo.InvariantCulture, $"<today>{snapshot.TakenAt.UtcDateTime:yyyy-MM-dd}</today>\n");
        text.Append("<evidence>\n").Append(Json(snapshot.Leaves.Where(l => IsEvidence(l.Key)), text => text)).Append("\n</evidence>\n");
        var name = new OwnName(snapshot);
        // What looks like an instruction is not shown at all: a model cannot follow what it never saw, and grounding gives such words no weight.
        var suspicious = InjectionScanner.Scan(snapshot).Select(s => s.Path).ToHashSet(StringComparer.Ordinal);
        text.Append("<lead>\n").Append(Json(snapshot.Leaves.Where(l => withWords && IsStated(l.Key)).Select(l => suspicious.Contains(l.Key) ? KeyValuePair.Create(l.Key, Withhold(l.Value)) : l), text => name.Mask(PersonalText.Mask(text)))).Append("\n</lead>");
        return text.ToString();
    }

    private static EvidenceLeaf Withhold(EvidenceLeaf leaf) => leaf with { Value = WithheldMark };

    private static bool IsEvidence(string path) => !path.StartsWith("lead.", StringComparison.Ordinal) && !Withheld.Contains(path);

    private static bool IsStated(string path) => Stated.Contains(path) || path.StartsWith("lead.claimed.", StringComparison.Ordinal);

    private static string Json(IEnumerable<KeyValuePair<string, EvidenceLeaf>> leaves, Func<string, string> shown)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            writer.WriteStartObject();
            foreach (var (path, leaf) in leaves.OrderBy(l => l.Key, StringComparer.Ordinal))
            {
                writer.WritePropertyName(path);
                Write(writer, leaf.Value, shown);
            }
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void Write(Utf8JsonWriter writer, JsonElement value, Func<string, string> shown)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                writer.WriteStringValue(shown(value.GetString()!));
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                    Write(writer, item, shown);
                writer.WriteEndArray();
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }

    /// <summary>The person's name wherever it stands by itself; the expression is made for the first text that may hold it, which most texts do not.</summary>
    private sealed class OwnName(EvidenceSnapshot snapshot)
    {
        private readonly List<string> names = [.. Names.Select(snapshot.Text).OfType<string>().Where(n => n.Length > 1)];
        private Regex? pattern;

        public string Mask(string text) => names.Exists(name => MayHold(text, name)) ? (pattern ??= Pattern()).Replace(text, "[name]") : text;

        // Beyond ASCII, letters are equal to others in more ways than their case.
        private static bool MayHold(string text, string name) => !Ascii.IsValid(text) || !Ascii.IsValid(name) || text.Contains(name, StringComparison.OrdinalIgnoreCase);

        // Two literals side by side: nothing in them can make the search slow.
        private Regex Pattern() => new($@"(?<![\p{{L}}\p{{N}}])(?:{string.Join('|', names.Select(Regex.Escape))})(?![\p{{L}}\p{{N}}])", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);
    }
}
