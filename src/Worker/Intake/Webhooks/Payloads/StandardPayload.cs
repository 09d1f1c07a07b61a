using System.Text.Json;
using System.Text.Json.Nodes;

namespace LeadPipeline.Worker.Intake.Webhooks.Payloads;

/// <summary>Standard Webhooks: <c>{ type, timestamp, data }</c>, where the data is a lead in our own shape, or an array of them.</summary>
public sealed class StandardPayload : IPayloadMapping
{
    /// <inheritdoc/>
    public MappedPayload Map(JsonElement body, Func<string, string?> header)
    {
        var key = header("webhook-id");
        var at = body.Text("timestamp");
        return body.At("data") switch
        {
            { ValueKind: JsonValueKind.Object } lead => MappedPayload.One(At(lead, at), key),
            { ValueKind: JsonValueKind.Array } leads when leads.GetArrayLength() > 0 =>
                new MappedPayload.Leads([.. leads.EnumerateArray().Select((lead, i) => new MappedLead(At(lead, at), $"{key}#{i}"))]),
            _ => MappedPayload.Missing("$.data", "a lead"),
        };
    }

    /// <summary>The event's time is the lead's, unless the lead has one of its own.</summary>
    private static JsonElement At(JsonElement lead, string? time)
    {
        if (lead.ValueKind != JsonValueKind.Object || lead.At("receivedAt") is not null || new LeadDraft().ReceivedAt(time).ToElement().Text("receivedAt") is not { } at)
            return lead;
        var dated = JsonObject.Create(lead)!;
        dated["receivedAt"] = at;
        return JsonSerializer.SerializeToElement(dated);
    }
}
