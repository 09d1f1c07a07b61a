using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using LeadPipeline.Worker.Intake;

namespace LeadPipeline.Worker.DeadLetters;

/// <summary>One difference between the lead that a message holds and the one that is to take its place.</summary>
/// <param name="Path">The member, as <c>enrichment.employees</c>.</param>
/// <param name="From">What stands there; null: nothing.</param>
/// <param name="To">What will; null: nothing.</param>
public sealed record EditChange(string Path, JsonNode? From, JsonNode? To);

/// <summary>What came of an edit of a message. A closed family.</summary>
public abstract record MessageEdit
{
    private MessageEdit() { }

    /// <summary>It can be sent.</summary>
    /// <param name="Body">The new body.</param>
    /// <param name="Changes">What differs; not empty.</param>
    public sealed record Edited(byte[] Body, IReadOnlyList<EditChange> Changes) : MessageEdit;

    /// <summary>It cannot.</summary>
    /// <param name="Errors">One entry per bad field.</param>
    public sealed record Refused(IReadOnlyList<FieldError> Errors) : MessageEdit;

    /// <summary>Puts another lead into a message from <c>lead-intake</c>: into its envelope, or in place of the plain lead. Pure.</summary>
    /// <param name="old">The message as it failed.</param>
    /// <param name="lead">The lead that is to take the place of the one in it.</param>
    /// <param name="messageId">The id of the new message.</param>
    /// <param name="now">The time.</param>
    public static MessageEdit Of(QueueMessage old, JsonObject lead, Guid messageId, DateTimeOffset now)
    {
        // By the same reader as every door: what it refuses would only be a dead letter again.
        if (LeadReader.Read(JsonSerializer.SerializeToElement(lead), new LeadOrigin("queue", Trusted: true), now) is ReadLead.Refused refused)
            return new Refused(refused.Errors);
        var (envelope, before) = Parts(old.Body);
        var changes = Compare("", before, lead).ToList();
        if (changes.Count == 0)
            return new Refused([new FieldError("lead", "is the one that failed", "change what was wrong with it, or replay the message as it is")]);
        if (envelope is null)
            return new Edited(JsonSerializer.SerializeToUtf8Bytes(lead), changes);
        envelope["messageId"] = messageId.ToString();
        envelope["message"]!["lead"] = lead.DeepClone();
        // The id that was answered for it stays, unless the edit is about the id.
        if (Named(lead) != Named(before))
            _ = ((JsonObject)envelope["message"]!).Remove("leadId");
        return new Edited(JsonSerializer.SerializeToUtf8Bytes(envelope), changes);
    }

    private static string? Named(JsonNode? lead) => lead is JsonObject members && members["leadId"] is JsonValue id && id.ToString().Trim() is { Length: > 0 } named ? named.ToUpperInvariant() : null;

    /// <summary>The envelope, if there is one, and the lead; neither when it is no JSON that could be told apart. It is a stranger's: a member may be there twice.</summary>
    private static (JsonObject? Envelope, JsonNode? Lead) Parts(byte[] body)
    {
        try
        {
            var root = JsonNode.Parse(body);
            return root is JsonObject whole && whole["message"] is JsonObject message && message.ContainsKey("lead") ? (whole, Distinct(message["lead"])) : (null, Distinct(root));
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException)
        {
            return (null, null);
        }
    }

    /// <summary>Null when some member in it is there twice: such a lead can be replaced, and not compared with.</summary>
    private static JsonNode? Distinct(JsonNode? node)
    {
        try
        {
            return node is null ? null : JsonNode.Parse(node.ToJsonString(), documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false });
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static IEnumerable<EditChange> Compare(string path, JsonNode? from, JsonNode? to)
    {
        if (from is JsonObject before && to is JsonObject after)
            return before.Select(m => m.Key).Union(after.Select(m => m.Key)).Order(StringComparer.Ordinal).SelectMany(name => Compare(path.Length == 0 ? name : $"{path}.{name}", before[name], after[name]));
        return JsonNode.DeepEquals(from, to) ? [] : [new EditChange(path.Length == 0 ? "$" : path, from?.DeepClone(), to?.DeepClone())];
    }

    /// <summary>What tells one body from another.</summary>
    public static string Hash(byte[] body) => Convert.ToHexStringLower(SHA256.HashData(body));
}

/// <summary>An edit that somebody asked for, and that somebody else has to approve.</summary>
public sealed record DeadLetterEdit
{
    /// <summary>It waits for somebody else.</summary>
    public const string Open = "open";

    /// <summary>It was approved, and it is not known yet whether the new message went out. Approved again, the same message is sent.</summary>
    public const string Sending = "sending";

    /// <summary>It was approved, and the new message sent.</summary>
    public const string Sent = "sent";

    /// <summary>Somebody has said no.</summary>
    public const string Denied = "denied";

    /// <summary>Its dead letter was replayed, discarded, or sent with another edit before anybody decided.</summary>
    public const string Closed = "closed";

    /// <summary>Its id.</summary>
    public required Guid Id { get; init; }
    /// <summary>The dead letter whose message it takes the place of.</summary>
    public required Guid DeadLetterId { get; init; }
    /// <summary><see cref="Open"/>, <see cref="Sending"/>, <see cref="Sent"/>, <see cref="Denied"/> or <see cref="Closed"/>.</summary>
    public required string State { get; init; }
    /// <summary>Who asked for it.</summary>
    public required string RequestedBy { get; init; }
    /// <summary>When.</summary>
    public required DateTimeOffset RequestedAt { get; init; }
    /// <summary>Who decided; null: nobody yet.</summary>
    public string? DecidedBy { get; init; }
    /// <summary>The id of the new message: that of every edit of the same message.</summary>
    public required Guid MessageId { get; init; }
    /// <summary>Of the body that was edited: an edit of another one is not sent.</summary>
    public required string BaseHash { get; init; }
    /// <summary>The new body, what differs, and why; null once it is decided.</summary>
    public EditContent? Content { get; init; }

    /// <summary>As those see it who decide: with what is to be changed, for they have to see what they approve.</summary>
    public JsonObject Json()
    {
        var json = Summary();
        json["changes"] = new JsonArray([.. (Content?.Changes ?? []).Select(c => (JsonNode)new JsonObject { ["path"] = c.Path, ["from"] = c.From?.DeepClone(), ["to"] = c.To?.DeepClone() })]);
        return json;
    }

    /// <summary>As it stands in a list: which members change, and nothing of what stands in them.</summary>
    public JsonObject Summary() => new()
    {
        ["id"] = Id.ToString(),
        ["deadLetter"] = DeadLetterId.ToString(),
        ["state"] = State,
        ["requestedBy"] = RequestedBy,
        ["requestedAt"] = RequestedAt.ToString("O", System.Globalization.CultureInfo.InvariantCulture),
        ["decidedBy"] = DecidedBy,
        ["messageId"] = MessageId.ToString(),
        ["reason"] = Content?.Reason,
        ["changes"] = new JsonArray([.. (Content?.Changes ?? []).Select(c => (JsonNode)new JsonObject { ["path"] = c.Path })]),
    };
}

/// <summary>What is kept sealed of an edit.</summary>
/// <param name="Body">The new body.</param>
/// <param name="Changes">What differs.</param>
/// <param name="Reason">Why, in the words of whoever asked.</param>
public sealed record EditContent(byte[] Body, IReadOnlyList<EditChange> Changes, string Reason);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(EditContent))]
internal sealed partial class EditJson : JsonSerializerContext;
