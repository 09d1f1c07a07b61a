using System.Text.Json;

namespace LeadPipeline.Worker.Intake.Webhooks.Payloads;

/// <summary>Meta lead ads: notifications of pages, each with the id of a lead and nothing that the person said.</summary>
public sealed class MetaPayload : IPayloadMapping
{
    /// <inheritdoc/>
    public MappedPayload Map(JsonElement body, Func<string, string?> header)
    {
        if (body.At("entry") is not { ValueKind: JsonValueKind.Array } entries)
            return MappedPayload.Missing("$.entry", "an array");
        var leads = entries.EnumerateArray()
            .SelectMany(e => e.At("changes").Items())
            .Where(c => c.Text("field") == "leadgen")
            .Select(c => c.At("value") is { } value ? value.Digits("leadgen_id") : null)
            .OfType<string>().Distinct().Select(id => new ReferredLead(id, id)).ToList();
        return leads.Count == 0 ? new MappedPayload.Ignored("no change is of field leadgen") : new MappedPayload.Referred(leads);
    }
}
