using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LeadPipeline.Worker.Privacy;

/// <summary>
/// Takes personal data out of what people and logs may see. Fields are known by their exact names; every other text is
/// searched for e-mail addresses and telephone numbers. Structure, numbers and booleans stay, so that what is left can be
/// read by the same programs.
/// </summary>
/// <param name="options">Strategies.</param>
/// <param name="hashKey">Key of the hash strategy; kept out of configuration listings by its owner.</param>
public sealed class Redactor(PrivacyOptions options, byte[] hashKey)
{
    /// <summary>A redacted copy of a tree; the tree itself is not changed.</summary>
    public JsonNode? Redact(JsonNode? node) => Node(node, null, null, null);

    /// <summary>A redacted copy of an element, owning its memory.</summary>
    public JsonElement Redact(JsonElement element)
    {
        var node = element.ValueKind switch
        {
            JsonValueKind.Object => JsonObject.Create(element),
            JsonValueKind.Array => JsonArray.Create(element),
            _ => (JsonNode?)JsonValue.Create(element),
        };
        return JsonElement.Parse(Encoding.UTF8.GetBytes(Redact(node)?.ToJsonString() ?? "null"));
    }

    /// <summary>The value of one field as it may be shown.</summary>
    /// <param name="field">The field's own name, without a path.</param>
    /// <param name="value">Its value.</param>
    public string Value(string field, string value) => Leaf(field, value, PersonalFields.Kind(field, null));

    /// <summary>A value of a known kind as it may be shown.</summary>
    public string Value(PersonalDataKind kind, string value) => kind == PersonalDataKind.FreeText
        ? PersonalText.Mask(value)
        : options.For(kind) switch
        {
            RedactionStrategy.Hash => Hash(kind, value),
            RedactionStrategy.Truncate => Truncate(value),
            _ => Mask(kind, value),
        };

    /// <summary>Prose with the e-mail addresses, telephone and social-security numbers in it masked.</summary>
    public string Text(string text) => Value(PersonalDataKind.FreeText, text);

    /// <summary><c>j***@acme.com</c>.</summary>
    public static string MaskEmail(string value)
    {
        var at = value.LastIndexOf('@');
        return at < 0 ? Initial(value) : Initial(value[..at]) + value[at..];
    }

    /// <summary><c>***4567</c>; nothing of a number so short that four digits would be most of it.</summary>
    public static string MaskPhone(string value)
    {
        var digits = string.Concat(value.Where(char.IsDigit));
        return digits.Length < 7 ? "***" : "***" + digits[^4..];
    }

    /// <summary><c>A*** S***</c>.</summary>
    public static string MaskName(string value) =>
        string.Join(' ', value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(Initial));

    private static string Mask(PersonalDataKind kind, string value) => value.Length == 0 ? "" : kind switch
    {
        PersonalDataKind.Email => MaskEmail(value),
        PersonalDataKind.Phone => MaskPhone(value),
        PersonalDataKind.Name => MaskName(value),
        _ => "***",
    };

    private static string Initial(string word) =>
        Rune.DecodeFromUtf16(word, out var first, out _) == System.Buffers.OperationStatus.Done ? first + "***" : "***";

    private string Hash(PersonalDataKind kind, string value)
    {
        // Twelve bytes are beyond collision by chance here and still short enough to compare by eye.
        var input = Encoding.UTF8.GetBytes($"{kind}:{value.Trim().ToLowerInvariant()}");
        return "h:" + Convert.ToHexStringLower(HMACSHA256.HashData(hashKey, input).AsSpan(0, 12));
    }

    private string Truncate(string value)
    {
        var kept = value.EnumerateRunes().Take(options.TruncateTo).Aggregate(new StringBuilder(), (text, rune) => text.Append(rune));
        return kept.Length == value.Length ? "***" : kept.Append('…').ToString();
    }

    private JsonNode? Node(JsonNode? node, string? field, string? parent, PersonalDataKind? inherited)
    {
        var kind = field is null ? inherited : PersonalFields.Kind(field, parent) ?? inherited;
        switch (node)
        {
            case JsonObject members:
                var copy = new JsonObject();
                foreach (var (name, member) in members)
                    copy[Unique(copy, PersonalText.Mask(name))] = Node(member, name, field, kind);
                return copy;
            case JsonArray items:
                var list = new JsonArray();
                foreach (var item in items)
                    list.Add(Node(item, field, parent, kind));
                return list;
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                return JsonValue.Create(Leaf(field ?? "", value.GetValue<string>(), kind));
            // A telephone number sent as a JSON number is one all the same.
            case JsonValue value when kind is not null && value.GetValueKind() == JsonValueKind.Number:
                return JsonValue.Create(Value(kind.Value, value.ToJsonString()));
            default:
                return node?.DeepClone();
        }
    }

    private string Leaf(string field, string value, PersonalDataKind? kind)
    {
        if (kind is { } known)
            return PersonalFields.IsMachineState(field, value) ? value : Value(known, value);
        return PersonalText.Mask(value, phones: !PersonalFields.IsId(field));
    }

    private static string Unique(JsonObject members, string name)
    {
        var unique = name;
        for (var i = 2; members.ContainsKey(unique); i++)
            unique = $"{name} {i}";
        return unique;
    }
}
