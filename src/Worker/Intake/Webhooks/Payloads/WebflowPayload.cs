using System.Text.Json;

namespace LeadPipeline.Worker.Intake.Webhooks.Payloads;

/// <summary>Webflow: a form's labels and answers, in a body of the second version (<c>triggerType</c>, <c>payload</c>) or of the first.</summary>
public sealed class WebflowPayload : IPayloadMapping
{
    /// <inheritdoc/>
    public MappedPayload Map(JsonElement body, Func<string, string?> header)
    {
        if (body.Text("triggerType") is { } kind && kind != "form_submission")
            return new MappedPayload.Ignored("events other than form_submission are of no interest here");
        var submission = body.At("payload") ?? body;
        if (submission.At("data") is not { ValueKind: JsonValueKind.Object } answers)
            return MappedPayload.Missing("$.payload.data", "an object");

        var draft = new LeadDraft();
        foreach (var answer in answers.EnumerateObject())
            draft.Answer(answer.Name, JsonWalk.Text(answer.Value));
        draft.Custom("form", submission.Text("name")).Custom("page", submission.Text("pageUrl")).ReceivedAt(submission.Text("submittedAt") ?? submission.Text("d"));
        return MappedPayload.One(draft.ToElement(), submission.Text("id") ?? submission.Text("_id"));
    }
}
