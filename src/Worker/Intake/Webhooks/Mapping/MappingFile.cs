using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Intake.Webhooks.Payloads;
using LeadPipeline.Worker.Intake.Webhooks.Signatures;

namespace LeadPipeline.Worker.Intake.Webhooks.Mapping;

/// <summary>Where a value comes from. A closed family.</summary>
public abstract record MappedValue
{
    private MappedValue() { }

    /// <summary>From a place in the lead's part of the body.</summary>
    public sealed record At(JsonPointer Pointer) : MappedValue;

    /// <summary>The same for every lead.</summary>
    public sealed record Constant(string Text) : MappedValue;

    /// <summary>The first of these that has a value.</summary>
    public sealed record FirstOf(IReadOnlyList<MappedValue> Values) : MappedValue;

    /// <summary>The value for a lead; null when there is none, or only white space.</summary>
    public JsonElement? Of(JsonElement lead) => this switch
    {
        At at => at.Pointer.Find(lead) is { } value && !(value.ValueKind == JsonValueKind.String && string.IsNullOrWhiteSpace(value.GetString())) ? value : null,
        Constant constant => JsonSerializer.SerializeToElement(constant.Text),
        FirstOf first => first.Values.Select(v => v.Of(lead)).FirstOrDefault(v => v is not null),
        _ => null,
    };

    /// <summary>The members of the lead's part that it reads.</summary>
    public IEnumerable<string> Members => this switch
    {
        At { Pointer.First: { } name } => [name],
        FirstOf first => first.Values.SelectMany(v => v.Members),
        _ => [],
    };
}

/// <summary>A field of the lead and where it comes from.</summary>
/// <param name="Block"><c>customFields</c>, <c>enrichment</c>, <c>marketing</c>, <c>product</c>, or null for the lead itself.</param>
/// <param name="Name">The field's name.</param>
/// <param name="Value">Its value.</param>
public sealed record MappedField(string? Block, string Name, MappedValue Value);

/// <summary>What a sender that is not known by name sends, as its operator has written it down.</summary>
public sealed record MappingFile : IPayloadMapping
{
    /// <summary>How the sender signs.</summary>
    public required ISignatureScheme Scheme { get; init; }

    /// <summary>The fields.</summary>
    public required IReadOnlyList<MappedField> Fields { get; init; }

    /// <summary>Whether the sender's blocks are believed.</summary>
    public bool Trusted { get; init; }

    /// <summary>Where the list of leads is; null when the body is one lead.</summary>
    public JsonPointer? Leads { get; init; }

    /// <summary>The header that has the sender's key; null when it is in the body, or nowhere.</summary>
    public string? KeyHeader { get; init; }

    /// <summary>Where the key is in the lead's part; null when it is in a header, or nowhere.</summary>
    public MappedValue? Key { get; init; }

    /// <summary>What the body has to say for it to be of interest: places and the texts that may stand there.</summary>
    public IReadOnlyList<(JsonPointer At, IReadOnlyList<string> Texts)> Only { get; init; } = [];

    /// <summary>Whether members that no field reads are kept as custom fields.</summary>
    public bool Rest { get; init; } = true;

    /// <inheritdoc/>
    public bool TakesForms => true;

    /// <inheritdoc/>
    public MappedPayload Map(JsonElement body, Func<string, string?> header)
    {
        if (Only.Any(o => JsonWalk.Text(o.At.Find(body)) is not { } said || !o.Texts.Contains(said)))
            return new MappedPayload.Ignored("the mapping takes other events only");
        var found = Leads is null ? body : Leads.Find(body);
        if (found is not { } part || (Leads is not null && part.ValueKind is not (JsonValueKind.Array or JsonValueKind.Object)))
            return MappedPayload.Missing("$", "where the mapping looks for leads");
        var posted = KeyHeader is null ? null : header(KeyHeader);
        if (Leads is null || part.ValueKind == JsonValueKind.Object)
            return MappedPayload.One(Lead(part), KeyOf(part, posted));
        var several = part.EnumerateArray().Select((lead, i) => new MappedLead(Lead(lead), KeyOf(lead, posted is null ? null : $"{posted}#{i}"))).ToList();
        return several.Count == 0 ? new MappedPayload.Ignored("the list of leads is empty") : new MappedPayload.Leads(several);
    }

    private string? KeyOf(JsonElement lead, string? posted) => posted ?? JsonWalk.Text(Key?.Of(lead));

    private JsonElement Lead(JsonElement part)
    {
        var draft = new LeadDraft();
        foreach (var field in Fields)
        {
            var value = field.Value.Of(part);
            if (field.Block is null && field.Name == "receivedAt")
                draft.ReceivedAt(JsonWalk.Text(value));
            else if (field.Block is null)
                draft.Set(field.Name, JsonWalk.Text(value));
            else if (field.Block == "customFields")
                draft.Custom(field.Name, Node(value));
            else
                draft.Fact(field.Block, field.Name, Node(value));
        }
        if (Rest && part.ValueKind == JsonValueKind.Object)
        {
            var read = Fields.SelectMany(f => f.Value.Members).ToHashSet(StringComparer.Ordinal);
            foreach (var member in part.EnumerateObject().Where(m => !read.Contains(m.Name)))
                draft.Custom(member.Name, Node(member.Value));
        }
        return draft.ToElement();
    }

    private static JsonNode? Node(JsonElement? value) => value is { } present ? JsonSerializer.SerializeToNode(present) : null;
}
