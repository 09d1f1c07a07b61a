using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Audit;

/// <summary>An audit event on its way to the exchange: its row, and the payload in the clear.</summary>
/// <param name="Row">The event as it is stored.</param>
/// <param name="Payload">The payload as UTF-8 JSON.</param>
public readonly record struct AuditMessage(AuditRow Row, ReadOnlyMemory<byte> Payload)
{
    /// <summary>
    /// Writes the event as <see cref="ContractsJson"/> does. Member by member, since there are a dozen to a lead and its payload need not
    /// be read only to be written again.
    /// </summary>
    /// <param name="writer">Where to.</param>
    /// <param name="ids">The ones of the events before it.</param>
    public void Write(Utf8JsonWriter writer, AuditIds ids)
    {
        var (runId, executionId) = ids.Of(Row);
        Span<char> hex = stackalloc char[64];
        writer.WriteStartObject();
        writer.WriteString("id", Row.Id);
        writer.WriteString("leadId", Row.LeadId);
        if (runId is { } run)
            writer.WriteString("runId", run);
        if (executionId is { } execution)
            writer.WriteString("executionId", execution);
        writer.WriteNumber("seq", Row.Seq);
        writer.WriteString("at", Row.At);
        writer.WriteString("actor", Row.Actor);
        writer.WriteString("stage", Row.Stage);
        writer.WriteString("kind", Row.Kind);
        writer.WritePropertyName("payload");
        writer.WriteRawValue(Payload.Span, skipInputValidation: true);
        Convert.TryToHexStringLower(Row.PrevHash, hex, out var length);
        writer.WriteString("prevHash", hex[..length]);
        Convert.TryToHexStringLower(Row.Hash, hex, out length);
        writer.WriteString("hash", hex[..length]);
        writer.WriteEndObject();
    }
}
