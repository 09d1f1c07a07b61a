using System.Text.Json;
using LeadPipeline.Worker.Intake.Forms;
using LeadPipeline.Worker.Ops;
using Microsoft.Net.Http.Headers;

namespace LeadPipeline.Worker.Intake.Webhooks;

/// <summary>Parses what a sender has signed, by the type that it says.</summary>
internal static class WebhookBody
{
    /// <summary>The body, or the refusal.</summary>
    public static (JsonElement? Body, IResult? Refusal) Parse(string? contentType, byte[] bytes, bool takesForms)
    {
        if (!MediaTypeHeaderValue.TryParse(contentType, out var type))
            return (null, WrongType(takesForms));
        if (IsJson(type))
        {
            if (type.Charset.HasValue && !type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase))
                return (null, Problems.Of(415, "unsupported-charset", "Send UTF-8."));
            var (body, fault) = StrictJson.Parse(bytes);
            return (body, fault is null ? null : Problems.Of(400, "invalid", "The body cannot be read.", fault));
        }
        if (!takesForms || !FormBody.IsForm(type))
            return (null, WrongType(takesForms));
        return FormBody.Read(type, bytes) switch
        {
            FormReading.Fields read => (read.ToObject(), null),
            FormReading.Refused refused => (null, Problems.Of(refused.Status, refused.Code, refused.Detail, refused.Errors)),
            _ => throw new InvalidOperationException("A form is read or refused."),
        };
    }

    private static bool IsJson(MediaTypeHeaderValue type) => type.MediaType == "application/json" || (type.Type == "application" && type.Suffix == "json");

    private static IResult WrongType(bool takesForms) => Problems.Of(415, "unsupported-media-type", takesForms ? "Send application/json or an HTML form." : "Send application/json.");
}
