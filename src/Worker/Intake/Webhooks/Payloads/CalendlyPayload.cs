using System.Text.Json;

namespace LeadPipeline.Worker.Intake.Webhooks.Payloads;

/// <summary>Calendly: someone has made an appointment. Who moves one cancels it and makes another; that is the same lead.</summary>
public sealed class CalendlyPayload : IPayloadMapping
{
    /// <inheritdoc/>
    public MappedPayload Map(JsonElement body, Func<string, string?> header)
    {
        if (body.Text("event") != "invitee.created")
            return new MappedPayload.Ignored("events other than invitee.created are of no interest here");
        if (body.At("payload") is not { ValueKind: JsonValueKind.Object } invitee)
            return MappedPayload.Missing("$.payload", "an object");

        var draft = new LeadDraft()
            .Set("email", invitee.Text("email"))
            .Set("firstName", invitee.Text("first_name"))
            .Set("lastName", invitee.Text("last_name"))
            .Set("name", invitee.Text("name"));
        foreach (var asked in invitee.At("questions_and_answers").Items())
            draft.Answer(asked.Text("question") ?? "answer", asked.Text("answer"));
        draft.Answer("phone", invitee.Text("text_reminder_number"));
        foreach (var mark in invitee.At("tracking").Members())
            draft.Custom(mark.Name, JsonWalk.Text(mark.Value));
        draft.Custom("timezone", invitee.Text("timezone")).ReceivedAt(invitee.Text("created_at"));
        return MappedPayload.One(draft.ToElement(), invitee.Text("old_invitee") ?? invitee.Text("uri"));
    }
}
