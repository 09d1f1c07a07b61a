using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LeadPipeline.Worker.Intake.Webhooks.Payloads;

/// <summary>Marketo: what the customer wrote into the webhook's payload, as JSON or a form. Our own names are taken as they are, others by what they mean.</summary>
public sealed class MarketoPayload : IPayloadMapping
{
    private static readonly FrozenSet<string> Ours = new[]
    {
        "leadId", "externalId", "source", "email", "firstName", "lastName", "name", "company", "title", "phone", "website", "country", "message", "campaignId", "receivedAt",
        "customFields", "enrichment", "marketing", "product",
    }.ToFrozenSet(StringComparer.Ordinal);

    /// <inheritdoc/>
    public bool TakesForms => true;

    /// <inheritdoc/>
    public MappedPayload Map(JsonElement body, Func<string, string?> header)
    {
        if (body.ValueKind != JsonValueKind.Object)
            return MappedPayload.Missing("$", "an object");
        var draft = new LeadDraft();
        var ours = new JsonObject();
        foreach (var member in body.EnumerateObject())
        {
            // Empty tokens come as empty strings: as good as not there.
            if (member.Value.ValueKind == JsonValueKind.String && string.IsNullOrWhiteSpace(member.Value.GetString()))
                continue;
            if (Ours.Contains(member.Name))
                ours[member.Name] = JsonSerializer.SerializeToNode(member.Value);
        }
        foreach (var member in body.EnumerateObject().Where(m => !Ours.Contains(m.Name)))
        {
            if (FieldLabels.Field(member.Name) is { } field && !ours.ContainsKey(field))
                draft.Answer(member.Name, JsonWalk.Text(member.Value));
            else
                draft.Custom(member.Name, JsonSerializer.SerializeToNode(member.Value));
        }
        var lead = JsonObject.Create(draft.ToElement())!;
        foreach (var (name, value) in ours)
        {
            if (name == "customFields" && value is JsonObject stated && lead["customFields"] is JsonObject kept)
                foreach (var (key, text) in stated)
                    kept[key] = text?.DeepClone();
            else
                lead[name] = value?.DeepClone();
        }
        return MappedPayload.One(JsonSerializer.SerializeToElement(lead), null);
    }
}
