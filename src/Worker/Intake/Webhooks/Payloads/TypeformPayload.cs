using System.Text.Json;

namespace LeadPipeline.Worker.Intake.Webhooks.Payloads;

/// <summary>
/// Typeform: answers refer to fields by id; what a field asks is in the definition. A field whose reference the form's author has set to the
/// name of a lead's field is that field, whatever it asks.
/// </summary>
public sealed class TypeformPayload : IPayloadMapping
{
    /// <inheritdoc/>
    public MappedPayload Map(JsonElement body, Func<string, string?> header)
    {
        if (body.Text("event_type") is { } kind && kind != "form_response")
            return new MappedPayload.Ignored("events other than form_response are of no interest here");
        if (body.At("form_response") is not { ValueKind: JsonValueKind.Object } response)
            return MappedPayload.Missing("$.form_response", "an object");

        var asked = new Dictionary<string, (string? Title, string? Ref)>(StringComparer.Ordinal);
        foreach (var field in response.At("definition", "fields").Items())
        {
            if (field.Text("id") is { } id)
                asked.TryAdd(id, (field.Text("title"), field.Text("ref")));
        }

        var draft = new LeadDraft();
        var answers = response.At("answers").Items().Select(a => Read(a, asked)).ToList();
        // What the field is for says more than what it asks: an address typed into the address field is the address.
        var typed = answers.Where(a => a.Kind is "email" or "phone_number").DistinctBy(a => a.Kind).ToList();
        foreach (var answer in typed)
            draft.Set(answer.Kind == "email" ? "email" : "phone", answer.Text);
        foreach (var answer in answers.Except(typed))
            draft.Answer(answer.Ref is { } reference && FieldLabels.Field(reference) is not null ? reference : answer.Label, answer.Text);
        foreach (var hidden in response.At("hidden").Members())
            draft.Answer(hidden.Name, JsonWalk.Text(hidden.Value));
        draft.Custom("form", response.Text("definition", "title")).ReceivedAt(response.Text("submitted_at"));
        return MappedPayload.One(draft.ToElement(), response.Text("token") ?? body.Text("event_id"));
    }

    private sealed record Answer(string? Kind, string Label, string? Ref, string? Text);

    private static Answer Read(JsonElement answer, Dictionary<string, (string? Title, string? Ref)> asked)
    {
        var id = answer.Text("field", "id");
        var (title, reference) = id is not null && asked.TryGetValue(id, out var known) ? known : (null, null);
        reference ??= answer.Text("field", "ref");
        return new Answer(answer.Text("type"), title ?? reference ?? id ?? "answer", reference, Value(answer));
    }

    /// <summary>The value stands under the name of its type; choices have labels.</summary>
    private static string? Value(JsonElement answer) => answer.Text("type") is not { } kind || answer.At(kind) is not { } value ? null
        : value.ValueKind != JsonValueKind.Object ? JsonWalk.Text(value)
        : value.Text("labels") ?? value.Text("label") ?? value.Text("other") ?? JsonWalk.Text(value);
}
