using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Http.OpenApi;
using LeadPipeline.Worker.Messaging;
using LeadPipeline.Worker.Ops;
using Microsoft.Net.Http.Headers;

namespace LeadPipeline.Worker.Intake;

/// <summary><c>POST /leads</c>: one lead, an array, or one a line.</summary>
public static class LeadEndpoints
{
    private static readonly JsonDocumentOptions Reading = new() { MaxDepth = StrictJson.MaxDepth, AllowDuplicateProperties = true };

    /// <summary>Maps the door.</summary>
    public static void MapLeadDoor(this IEndpointRouteBuilder app) => app.MapPost("/leads", PostAsync)
        .RequireAuthorization(Access.Poster)
        .LimitPosts()
        .Describe(new RouteDescription("postLeads", "leads", "Takes one lead, up to 1,000 in an array, or one a line.")
        {
            Details = "Answered only once the leads cannot be lost. From the machine of the service no token is needed; company facts and signals are believed with scope `leads:enrich` only.",
            Inputs = [new RouteInput(InputPlace.Header, "Idempotency-Key", "IdempotencyKey", "The same key and body again are the same leads; the same key with another body is refused.")],
            Bodies = [new RouteBody("application/json", "LeadPosts"), new RouteBody("application/x-ndjson", "LeadLines")],
            Answers =
            [
                new RouteAnswer(202, "Accepted: one lead, or each of several of which at least one was.", "LeadAnswer"),
                RouteAnswer.Problem(400, "One lead, or the body as a whole, is not valid."),
                new RouteAnswer(400, "None of several leads is valid.", "LeadResults"),
                RouteAnswer.Problem(409, "The key was used with another body, or the `leadId` belongs to another lead."),
                RouteAnswer.Problem(413, "More than 1,000,000 bytes or 1,000 leads."),
                RouteAnswer.Problem(415, "Neither JSON nor NDJSON in UTF-8, or compressed."),
                RouteAnswer.Problem(503, "The leads cannot be kept now."),
            ],
        });

    private static async Task<IResult> PostAsync(HttpContext context, LeadDoor door, TimeProvider time)
    {
        if (!MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type) || (type.MediaType != "application/json" && type.MediaType != "application/x-ndjson"))
            return Problems.Of(415, "unsupported-media-type", "Send application/json or application/x-ndjson.");
        if (type.Charset.HasValue && !type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase))
            return Problems.Of(415, "unsupported-charset", "Send UTF-8.");
        var body = await RequestBody.ReadAsync(context, time);
        if (body.Bytes is not { } bytes)
            return body.Refusal!;

        var key = context.Request.Headers["Idempotency-Key"].ToString() is { Length: > 0 } given ? given : null;
        if (key?.Length > 255)
            return Problems.Of(400, "invalid", "The request is not valid.", new FieldError("Idempotency-Key", "is longer than 255 characters", "use a shorter key"));
        var posted = new PostedLeads(door, "api", Access.IsTrusted(context), key is null ? null : CanonicalJson.Sha256Hex(bytes));
        try
        {
            return type.MediaType == "application/x-ndjson"
                ? await ManyAsync(posted, Lines(bytes, key), context.RequestAborted)
                : await JsonAsync(posted, bytes, key, context.RequestAborted);
        }
        catch (BusUnavailableException)
        {
            return PostedLeads.NotNow(context);
        }
    }

    private static async Task<IResult> JsonAsync(PostedLeads posted, byte[] bytes, string? key, CancellationToken cancellationToken)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(bytes, Reading);
        }
        catch (JsonException exception)
        {
            return Problems.Of(400, "invalid", "The body is not JSON.", StrictJson.NotJson(exception));
        }
        using (document)
        {
            if (document.RootElement.ValueKind == JsonValueKind.Array)
                return await ManyAsync(posted, [.. document.RootElement.EnumerateArray().Select((e, i) => new PostedLead(e, Key(key, i)))], cancellationToken);
            return PostedLeads.Answer(await posted.TakeAsync(new PostedLead(document.RootElement, key), cancellationToken));
        }
    }

    private static async Task<IResult> ManyAsync(PostedLeads posted, List<PostedLead> leads, CancellationToken cancellationToken) => leads.Count > PostedLeads.Most
        ? Problems.Of(413, "too-many", $"A post may hold {PostedLeads.Most} leads, this one has {leads.Count}; send them in several posts.")
        : await posted.TakeAsync(leads, cancellationToken);

    private static string? Key(string? key, int index) => key is null ? null : $"{key}#{index}";

    private static List<PostedLead> Lines(byte[] bytes, string? key)
    {
        var leads = new List<PostedLead>();
        var rest = new ReadOnlySpan<byte>(bytes);
        while (rest.Length > 0 && leads.Count <= PostedLeads.Most)
        {
            var end = rest.IndexOf((byte)'\n');
            var line = end < 0 ? rest : rest[..end];
            rest = end < 0 ? [] : rest[(end + 1)..];
            if (line.Trim(" \t\r"u8).Length > 0)
                leads.Add(Line(line, Key(key, leads.Count)));
        }
        return leads;
    }

    private static PostedLead Line(ReadOnlySpan<byte> line, string? key)
    {
        try
        {
            return new PostedLead(JsonElement.Parse(line, Reading), key);
        }
        catch (JsonException)
        {
            return new PostedLead(default, key, new FieldError("$", "is not JSON", "send one JSON object a line"));
        }
    }
}
