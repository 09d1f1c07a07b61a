using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Http.OpenApi;
using LeadPipeline.Worker.Messaging;
using LeadPipeline.Worker.Ops;
using Microsoft.Net.Http.Headers;

namespace LeadPipeline.Worker.Intake;

/// <summary><c>POST /leads</c>: one lead, an array, or one a line.</summary>
public static class LeadEndpoints
{
    private const int MaxLeads = 1000, MaxBytes = 1_000_000, MaxDepth = 32, Together = 64;

    private static readonly JsonDocumentOptions Reading = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = true };

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

    private static async Task<IResult> PostAsync(HttpContext context, LeadDoor door)
    {
        if (!MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type) || (type.MediaType != "application/json" && type.MediaType != "application/x-ndjson"))
            return Problems.Of(415, "unsupported-media-type", "Send application/json or application/x-ndjson.");
        if (type.Charset.HasValue && !type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase))
            return Problems.Of(415, "unsupported-charset", "Send UTF-8.");
        if (context.Request.Headers.ContentEncoding.Count > 0 && context.Request.Headers.ContentEncoding != "identity")
            return Problems.Of(415, "unsupported-encoding", "Send the body without a content encoding.");
        if (await ReadAsync(context.Request, context.RequestAborted) is not { } bytes)
            return Problems.Of(413, "too-large", $"A body may have {MaxBytes} bytes; send the leads in several posts.");

        var key = context.Request.Headers["Idempotency-Key"].ToString() is { Length: > 0 } given ? given : null;
        if (key?.Length > 255)
            return Problems.Of(400, "invalid", "The request is not valid.", new FieldError("Idempotency-Key", "is longer than 255 characters", "use a shorter key"));
        try
        {
            return type.MediaType == "application/x-ndjson"
                ? await ManyAsync(context, door, Lines(bytes), key, bytes)
                : await JsonAsync(context, door, bytes, key);
        }
        catch (BusUnavailableException)
        {
            context.Response.Headers.RetryAfter = "5";
            return Problems.Of(503, "unavailable", "The lead cannot be kept now. Nothing was accepted beyond what was answered; send it again after a while.");
        }
    }

    private static async Task<IResult> JsonAsync(HttpContext context, LeadDoor door, byte[] bytes, string? key)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(bytes, Reading);
        }
        catch (JsonException exception)
        {
            return Problems.Of(400, "invalid", "The body is not JSON.", new FieldError("$", $"is not JSON (line {exception.LineNumber + 1}, byte {exception.BytePositionInLine})", "send one JSON object or an array of them"));
        }
        using (document)
        {
            if (document.RootElement.ValueKind == JsonValueKind.Array)
                return await ManyAsync(context, door, [.. document.RootElement.EnumerateArray().Select(e => (e, (string?)null))], key, bytes);
            return await door.TakeAsync(document.RootElement, "api", Access.IsTrusted(context), key, key is null ? null : CanonicalJson.Sha256Hex(bytes), context.RequestAborted) switch
            {
                DoorAnswer.Accepted accepted => Results.Json(new JsonObject { ["leadId"] = accepted.LeadId.ToString(), ["status"] = "accepted", ["duplicate"] = accepted.Duplicate }, statusCode: 202),
                DoorAnswer.Refused refused => Problems.Of(400, "invalid", "The lead is not valid.", [.. refused.Errors]),
                DoorAnswer.Taken taken => Problems.Of(409, "conflict", "The key or id is taken.", taken.Error),
                _ => throw new InvalidOperationException("A door either takes a lead or refuses it."),
            };
        }
    }

    private static async Task<IResult> ManyAsync(HttpContext context, LeadDoor door, List<(JsonElement Body, string? Error)> leads, string? key, byte[] bytes)
    {
        if (leads.Count > MaxLeads)
            return Problems.Of(413, "too-many", $"A post may hold {MaxLeads} leads, this one has {leads.Count}; send them in several posts.");
        var hash = key is null ? null : CanonicalJson.Sha256Hex(bytes);
        var trusted = Access.IsTrusted(context);
        var results = new JsonObject[leads.Count];
        await Parallel.ForEachAsync(Enumerable.Range(0, leads.Count), new ParallelOptions { MaxDegreeOfParallelism = Together, CancellationToken = context.RequestAborted }, async (i, token) =>
        {
            var answer = leads[i].Error is { } error
                ? new DoorAnswer.Refused([new FieldError("$", error, "send one JSON object a line")])
                : await door.TakeAsync(leads[i].Body, "api", trusted, key is null ? null : $"{key}#{i}", hash, token);
            results[i] = answer switch
            {
                DoorAnswer.Accepted accepted => new JsonObject { ["index"] = i, ["leadId"] = accepted.LeadId.ToString(), ["duplicate"] = accepted.Duplicate },
                DoorAnswer.Refused refused => new JsonObject { ["index"] = i, ["errors"] = Problems.Errors(refused.Errors) },
                DoorAnswer.Taken taken => new JsonObject { ["index"] = i, ["errors"] = Problems.Errors([taken.Error]) },
                _ => throw new InvalidOperationException("A door either takes a lead or refuses it."),
            };
        });
        var body = new JsonObject { ["results"] = new JsonArray([.. results.Select(r => (JsonNode)r)]) };
        return Results.Json(body, statusCode: results.Any(r => r.ContainsKey("leadId")) ? 202 : 400, contentType: "application/json");
    }

    private static List<(JsonElement Body, string? Error)> Lines(byte[] bytes)
    {
        var leads = new List<(JsonElement, string?)>();
        var rest = new ReadOnlySpan<byte>(bytes);
        while (rest.Length > 0)
        {
            var end = rest.IndexOf((byte)'\n');
            var line = end < 0 ? rest : rest[..end];
            rest = end < 0 ? [] : rest[(end + 1)..];
            if (line.Trim(" \t\r"u8).Length == 0)
                continue;
            try
            {
                using var document = JsonDocument.Parse(line.ToArray(), Reading);
                leads.Add((document.RootElement.Clone(), null));
            }
            catch (JsonException)
            {
                leads.Add((default, "is not JSON"));
            }
            if (leads.Count > MaxLeads)
                break;
        }
        return leads;
    }

    private static async Task<byte[]?> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (request.ContentLength > MaxBytes)
            return null;
        while (true)
        {
            var read = await request.BodyReader.ReadAsync(cancellationToken);
            if (read.Buffer.Length > MaxBytes)
                return null;
            if (read.IsCompleted)
            {
                var bytes = read.Buffer.ToArray();
                request.BodyReader.AdvanceTo(read.Buffer.End);
                return bytes;
            }
            request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }
}
