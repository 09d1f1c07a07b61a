using System.Text.Json;

namespace LeadPipeline.Worker.Intake.Webhooks.Payloads;

/// <summary>
/// HubSpot: up to a hundred events that name contacts by id and say nothing of them. A contact is one lead, whatever is told of it how
/// often: the first event that it can be read for makes it.
/// </summary>
public sealed class HubSpotPayload : IPayloadMapping
{
    private const string ContactType = "0-1";

    /// <inheritdoc/>
    public MappedPayload Map(JsonElement body, Func<string, string?> header)
    {
        if (body.ValueKind is not (JsonValueKind.Array or JsonValueKind.Object))
            return MappedPayload.Missing("$", "an array of events");
        var events = body.ValueKind == JsonValueKind.Object ? [body] : body.EnumerateArray().AsEnumerable();
        var contacts = events.Where(IsNewContact)
            .Select(e => e.Digits("objectId") is { } id ? new ReferredLead(id, $"{e.Text("portalId")}/{id}") : null)
            .OfType<ReferredLead>().DistinctBy(c => c.Key).ToList();
        return contacts.Count == 0 ? new MappedPayload.Ignored("no event is of a new contact, or of a contact's new e-mail address") : new MappedPayload.Referred(contacts);
    }

    private static bool IsNewContact(JsonElement told) => told.Text("subscriptionType") switch
    {
        "contact.creation" => true,
        // A contact that was made without an address becomes a lead once it has one.
        "contact.propertyChange" => told.Text("propertyName") == "email",
        "object.creation" => told.Text("objectTypeId") == ContactType,
        "object.propertyChange" => told.Text("objectTypeId") == ContactType && told.Text("propertyName") == "email",
        _ => false,
    };
}
