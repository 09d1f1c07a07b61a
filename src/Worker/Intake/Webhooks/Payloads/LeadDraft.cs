using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LeadPipeline.Worker.Intake.Webhooks.Payloads;

/// <summary>A lead being put together from somebody else's words. Says nothing about whether it is valid: that is for intake.</summary>
internal sealed class LeadDraft
{
    private readonly JsonObject lead = [];
    private readonly JsonObject custom = [];

    /// <summary>States a field. The first word counts; later ones are kept beside it under the field's name.</summary>
    public LeadDraft Set(string field, string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
            return this;
        if (lead.ContainsKey(field))
            return Custom(field, text);
        lead[field] = text;
        return this;
    }

    /// <summary>Takes an answer for the field that its label means; when it means none, or that one is taken, for a custom field.</summary>
    public LeadDraft Answer(string label, string? text) =>
        FieldLabels.Field(label) is { } field && !lead.ContainsKey(field) ? Set(field, text) : Custom(label, text);

    /// <summary>Keeps a value under a name of the sender's.</summary>
    public LeadDraft Custom(string label, string? text) => Custom(label, string.IsNullOrWhiteSpace(text) ? null : JsonValue.Create(text));

    /// <summary>Keeps a value of any shape under a name of the sender's; intake makes it flat.</summary>
    public LeadDraft Custom(string label, JsonNode? value)
    {
        var name = FieldLabels.Shown(label);
        if (value is null || name.Length == 0)
            return this;
        for (var number = 2; custom.ContainsKey(name); number++)
            name = $"{FieldLabels.Shown(label)} {number.ToString(CultureInfo.InvariantCulture)}";
        custom[name] = value;
        return this;
    }

    /// <summary>States a fact of a block: <c>enrichment</c>, <c>marketing</c> or <c>product</c>.</summary>
    public LeadDraft Fact(string block, string name, JsonNode? value)
    {
        if (value is null)
            return this;
        if (lead[block] is not JsonObject facts)
            lead[block] = facts = [];
        facts[name] = value;
        return this;
    }

    /// <summary>States when it happened. A time that cannot be read is left out: no lead is refused for it.</summary>
    public LeadDraft ReceivedAt(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? Set("receivedAt", time.ToString("O", CultureInfo.InvariantCulture))
            : this;

    /// <summary>The lead in the shape of <c>POST /leads</c>.</summary>
    public JsonElement ToElement()
    {
        if (custom.Count > 0)
            lead["customFields"] = custom.DeepClone();
        return JsonSerializer.SerializeToElement(lead);
    }
}
