using System.Text.Json;
using LeadPipeline.Worker.Http;
using LeadPipeline.Worker.Http.OpenApi;
using LeadPipeline.Worker.Intake.Webhooks.Payloads;
using LeadPipeline.Worker.Messaging;
using LeadPipeline.Worker.Ops;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace LeadPipeline.Worker.Intake.Forms;

/// <summary><c>POST /forms/{form}</c>: an HTML form, answered to a browser by a page to go to, to a program by JSON.</summary>
public static partial class FormEndpoints
{
    /// <summary>Maps the doors.</summary>
    public static void MapForms(this WebApplication app) => app.MapPost("/forms/{form}", PostAsync)
        // Which sites may post is the form's own setting.
        .WelcomeOtherSites()
        .LimitPosts()
        .DisableAntiforgery()
        .Describe(new RouteDescription("postForm", "leads", "Takes an HTML form.")
        {
            Details = "Browsers are sent on to the form's page, if it has one; who asks for JSON is answered JSON.",
            Inputs = [new RouteInput(InputPlace.Path, "form", "DoorName", "A configured form; `contact` is there by default.")],
            Bodies = [new RouteBody("application/x-www-form-urlencoded", "FormPost"), new RouteBody("multipart/form-data", "FormPost")],
            Answers =
            [
                new RouteAnswer(202, "The lead cannot be lost any more.", "LeadAccepted"),
                new RouteAnswer(303, "The same, to a browser.", null),
                RouteAnswer.Problem(400, "Not filled in as it should be; a browser gets a page that says so."),
                RouteAnswer.Problem(403, "A page of that site may not post this form."),
                RouteAnswer.Problem(404, "No form of this name."),
                RouteAnswer.Problem(409, "The id belongs to another lead."),
                RouteAnswer.Problem(413, "Too large, or too many fields."),
                RouteAnswer.Problem(415, "Not a form, or an encoding that is not taken."),
                RouteAnswer.Problem(503, "The lead cannot be kept now."),
            ],
        });

    private static async Task<IResult> PostAsync(string form, HttpContext context, IOptions<FormOptions> forms, LeadDoor door, TimeProvider time, ILogger<HtmlFormOptions> logger)
    {
        form = form.ToLowerInvariant();
        if (!forms.Value.TryGetValue(form, out var options) && form != FormOptions.Default)
            return Problems.Of(404, "not-found", "There is no form of this name.");
        options ??= new HtmlFormOptions();
        var (origin, referer) = (Header(context, HeaderNames.Origin), Header(context, HeaderNames.Referer));
        if (!FormOrigin.MayPost(origin, referer, context.Request.Host.Value ?? "", Access.IsLoopback(context), options.AllowedOrigins))
            return Refuse(context, 403, "not-allowed", $"Pages of that site may not post this form; it would have to be among Forms:{form}:AllowedOrigins.");
        if (FormOrigin.ReadableBy(origin, options.AllowedOrigins) is { } readable)
        {
            context.Response.Headers.AccessControlAllowOrigin = readable;
            context.Response.Headers.Append(HeaderNames.Vary, HeaderNames.Origin);
        }
        if (!MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type) || !FormBody.IsForm(type))
            return Refuse(context, 415, "unsupported-media-type", "Send application/x-www-form-urlencoded or multipart/form-data.");
        var body = await RequestBody.ReadAsync(context, time);
        if (body.Bytes is not { } bytes)
            return body.Refusal!;
        switch (FormBody.Read(type, bytes))
        {
            case FormReading.Refused refused:
                return Refuse(context, refused.Status, refused.Code, refused.Detail, refused.Errors);
            case FormReading.Fields fields when !string.IsNullOrWhiteSpace(fields.Find(options.Honeypot)):
                IntakeMeters.FilledHoneypot(form);
                Log.FilledHoneypot(logger, form);
                return Thank(context, options, Guid.NewGuid(), false);
            case FormReading.Fields fields:
                return await TakeAsync(context, form, options, Lead(fields, options), door);
            default:
                throw new InvalidOperationException("A form is read or refused.");
        }
    }

    private static async Task<IResult> TakeAsync(HttpContext context, string form, HtmlFormOptions options, JsonElement lead, LeadDoor door)
    {
        try
        {
            return await door.TakeAsync(lead, form, trusted: false, null, null, context.RequestAborted) switch
            {
                DoorAnswer.Accepted accepted => Thank(context, options, accepted.LeadId, accepted.Duplicate),
                DoorAnswer.Refused refused => Refuse(context, 400, "invalid", "The form is not filled in as it should be.", [.. refused.Errors]),
                DoorAnswer.Taken taken => Refuse(context, 409, "conflict", "The key or id is taken.", taken.Error),
                _ => throw new InvalidOperationException("A door either takes a lead or refuses it."),
            };
        }
        catch (BusUnavailableException)
        {
            context.Response.Headers.RetryAfter = "5";
            return Refuse(context, 503, "unavailable", "The form cannot be kept now. Please send it again in a minute.");
        }
    }

    /// <summary>The fields as a lead. Nothing that a form states is believed, whatever its fields are called.</summary>
    internal static JsonElement Lead(FormReading.Fields fields, HtmlFormOptions options)
    {
        var draft = new LeadDraft();
        foreach (var (name, value) in fields.All.Where(f => f.Name != options.Honeypot))
            draft.Answer(name, value);
        return draft.ToElement();
    }

    private static IResult Thank(HttpContext context, HtmlFormOptions options, Guid leadId, bool duplicate)
    {
        if (options.RedirectUrl is null || Wants(context, "application/json"))
            return Results.Json(PostedLeads.Accepted(leadId, duplicate), statusCode: 202);
        context.Response.Headers.Location = options.RedirectUrl;
        return Results.StatusCode(303);
    }

    private static IResult Refuse(HttpContext context, int status, string code, string detail, params FieldError[] errors) =>
        Wants(context, "text/html") && !Wants(context, "application/json")
            ? FormPage.Of(status, status >= 500 ? "Not now" : "Not sent", detail, errors)
            : Problems.Of(status, code, detail, errors);

    private static bool Wants(HttpContext context, string type) =>
        MediaTypeHeaderValue.TryParseList(context.Request.Headers.Accept, out var accepted) && accepted.Any(a => a.MediaType.Equals(type, StringComparison.OrdinalIgnoreCase) && a.Quality is null or > 0);

    private static string? Header(HttpContext context, string name) => context.Request.Headers.TryGetValue(name, out var value) ? value.ToString() : null;

    private static partial class Log
    {
        [LoggerMessage(112, LogLevel.Information, "A post of form {Form} filled the field that people do not see, and was dropped")]
        public static partial void FilledHoneypot(ILogger logger, string form);
    }
}
