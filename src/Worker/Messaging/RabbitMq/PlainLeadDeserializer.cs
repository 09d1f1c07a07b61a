using System.Net.Mime;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MassTransit;
using MassTransit.Serialization;

namespace LeadPipeline.Worker.Messaging.RabbitMq;

/// <summary>Lets other systems post a lead as plain JSON, without our envelope: it becomes a <c>LeadSubmitted</c> through the door <c>queue</c>.</summary>
public sealed class PlainLeadSerializerFactory : ISerializerFactory
{
    /// <inheritdoc/>
    public ContentType ContentType { get; } = new("application/json");

    /// <inheritdoc/>
    public IMessageSerializer CreateSerializer() => throw new NotSupportedException("Plain leads are only read.");

    /// <inheritdoc/>
    public IMessageDeserializer CreateDeserializer() => new PlainLeadDeserializer(ContentType);
}

internal sealed class PlainLeadDeserializer(ContentType contentType) : IMessageDeserializer
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private readonly SystemTextJsonMessageSerializer envelopes = new();

    public ContentType ContentType { get; } = contentType;

    public void Probe(ProbeContext context) => context.CreateScope("plainLead");

    public ConsumeContext Deserialize(ReceiveContext receiveContext) =>
        new BodyConsumeContext(receiveContext, Deserialize(receiveContext.Body, receiveContext.TransportHeaders, receiveContext.InputAddress));

    public SerializerContext Deserialize(MessageBody body, Headers headers, Uri? destinationAddress = null)
    {
        var envelope = new JsonObject
        {
            ["messageId"] = Guid.CreateVersion7().ToString(),
            ["messageType"] = new JsonArray(Envelope.Type<LeadPipeline.Contracts.LeadSubmitted>()),
            ["message"] = Submitted(body.GetBytes(), Key(headers)),
        };
        return envelopes.Deserialize(new BytesMessageBody(JsonSerializer.SerializeToUtf8Bytes(envelope)), headers, destinationAddress);
    }

    public MessageBody GetMessageBody(string text) => new StringMessageBody(text);

    private static JsonObject Submitted(byte[] bytes, string? key)
    {
        JsonNode? lead;
        try
        {
            _ = StrictUtf8.GetCharCount(bytes);
            lead = JsonNode.Parse(bytes);
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException)
        {
            throw new System.Runtime.Serialization.SerializationException(
                "The message is neither our envelope nor a lead as JSON. Send one JSON object in UTF-8 with content type application/json.");
        }
        if (lead is not JsonObject)
            throw new System.Runtime.Serialization.SerializationException("The message is JSON but not one object. Send one lead a message.");
        // The queue is inside: whoever may post here is believed about what he knows.
        var submitted = new JsonObject { ["lead"] = lead, ["door"] = "queue", ["trusted"] = true };
        if (key is not null)
            submitted["idempotencyKey"] = key;
        return submitted;
    }

    private static string? Key(Headers headers) =>
        headers.TryGetHeader("MessageId", out var id) || headers.TryGetHeader("message_id", out id) ? id?.ToString() : null;
}
