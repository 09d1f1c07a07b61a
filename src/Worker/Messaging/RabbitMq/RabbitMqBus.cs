using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Telemetry;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace LeadPipeline.Worker.Messaging.RabbitMq;

/// <summary>
/// Sends to the broker's queues, in the envelope that the consumers' bus reads. A send has succeeded when the broker has confirmed that a
/// queue holds the message.
/// </summary>
public sealed class RabbitMqBus(BrokerAddress broker, IntakeBacklog backlog, IOptions<MessagingOptions> options, TimeProvider time) : ILeadBus, IAsyncDisposable
{
    private readonly ConfirmedPublisher publisher = new(broker, "leadpipeline send");

    /// <inheritdoc/>
    public async Task<IntakeResult?> SubmitAsync(LeadSubmitted submitted, CancellationToken cancellationToken)
    {
        if (backlog.IsFull)
            throw new BusUnavailableException("Too many leads wait already.");
        await SendAsync(RabbitMqRegistration.IntakeQueue, submitted, ContractsJson.Default.LeadSubmitted, Guid.CreateVersion7(time.GetUtcNow()), submitted.LeadId, cancellationToken);
        return null;
    }

    /// <inheritdoc/>
    public Task SendAsync(StageCommand command, CancellationToken cancellationToken)
    {
        // The same id however often it is sent: whoever counts messages by id sees one.
        var id = DeterministicId.Message(command.LeadId, command.Stage == LeadStage.Analysis ? "analyze" : "execute", command.Run, command.Attempt);
        return command.Stage == LeadStage.Analysis
            ? SendAsync(RabbitMqRegistration.AnalysisQueue, new AnalyzeLead(command.LeadId, command.Run, command.Attempt), ContractsJson.Default.AnalyzeLead, id, command.LeadId, cancellationToken)
            : SendAsync(RabbitMqRegistration.ExecutionQueue, new ExecutePlan(command.LeadId, command.Run, command.Attempt), ContractsJson.Default.ExecutePlan, id, command.LeadId, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => publisher.DisposeAsync();

    private async Task SendAsync<T>(string queue, T message, JsonTypeInfo<T> shape, Guid id, Guid? lead, CancellationToken cancellationToken)
    {
        using var span = LeadTraces.Sending("rabbitmq", queue, lead);
        span?.SetTag("messaging.message.id", id.ToString());
        var properties = new BasicProperties
        {
            MessageId = id.ToString(),
            ContentType = Envelope.ContentType,
            DeliveryMode = DeliveryModes.Persistent,
        };
        if (LeadTraces.Context is { } context)
            properties.Headers = new Dictionary<string, object?> { [LeadTraces.Header] = context };
        await publisher.SendAsync(queue, properties, Envelope.Write(id, message, shape), options.Value.PublishTimeout, time, cancellationToken);
    }
}

/// <summary>The bus library's envelope around a message, as far as our consumers read it.</summary>
internal static class Envelope
{
    /// <summary>How the bus library calls it.</summary>
    public const string ContentType = "application/vnd.masstransit+json";

    public static byte[] Write<T>(Guid id, T message, JsonTypeInfo<T> shape)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(512);
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteString("messageId", id);
        json.WriteStartArray("messageType");
        json.WriteStringValue(Type<T>());
        json.WriteEndArray();
        json.WritePropertyName("message");
        JsonSerializer.Serialize(json, message, shape);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The name of a message type on the wire.</summary>
    public static string Type<T>() => $"urn:message:{typeof(T).Namespace}:{typeof(T).Name}";
}
