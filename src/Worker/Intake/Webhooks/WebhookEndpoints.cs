using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Http.OpenApi;
using LeadPipeline.Worker.Intake.Webhooks.Deferred;
using LeadPipeline.Worker.Intake.Webhooks.Lookups;
using LeadPipeline.Worker.Intake.Webhooks.Payloads;
using LeadPipeline.Worker.Intake.Webhooks.Signatures;
using LeadPipeline.Worker.Messaging;
using LeadPipeline.Worker.Ops;
using Microsoft.AspNetCore.Http.Features;

namespace LeadPipeline.Worker.Intake.Webhooks;

/// <summary><c>POST /webhooks/{source}</c>: read the body whole, check who sent it, only then look into it, hand its leads to the door.</summary>
public static partial class WebhookEndpoints
{
    /// <summary>Longest key that travels as it is; longer ones travel as their hash.</summary>
    private const int LongestKey = 255;

    /// <summary>Maps the doors. Reads the mapping files, so that a bad one ends the start.</summary>
    public static void MapWebhooks(this WebApplication app)
    {
        _ = app.Services.GetRequiredService<WebhookSources>();
        app.MapPost("/webhooks/{source}", PostAsync).LimitPosts().Describe(new RouteDescription("postWebhook", "leads", "Takes what a configured sender posts when something happens there.")
        {
            Details = "The body is the sender's own; its signature is checked over the raw bytes before they are looked into. Which senders there are, and what each sends, is configuration.",
            Inputs = [new RouteInput(InputPlace.Path, "source", "DoorName", "`standard`, `hubspot`, `typeform`, `meta`, `google-ads`, `calendly`, `webflow`, `marketo`, `generic`, or a name with a mapping file.")],
            Bodies = [new RouteBody("application/json", "WebhookPost"), new RouteBody("application/x-www-form-urlencoded", "FormPost")],
            Answers =
            [
                new RouteAnswer(202, "The leads in it cannot be lost any more; or it is genuine and there is no lead in it; or it only names leads, and is kept until they can be read.", "WebhookAnswer"),
                RouteAnswer.Problem(400, "Not what this sender sends, or the lead is not valid."),
                new RouteAnswer(400, "None of several leads is valid.", "LeadResults"),
                RouteAnswer.Problem(401, "Not signed as it should be, or too old."),
                RouteAnswer.Problem(404, "No sender of this name, or it is switched off."),
                RouteAnswer.Problem(409, "The sender's id belongs to another lead."),
                RouteAnswer.Problem(413, "More than 1,000,000 bytes or 1,000 leads."),
                RouteAnswer.Problem(415, "A content type or encoding that is not taken."),
                RouteAnswer.Problem(422, "No e-mail address, and no way to look it up."),
                RouteAnswer.Problem(503, "No secret is configured, or the leads cannot be kept now."),
            ],
        });
        app.MapGet("/webhooks/meta", Handshake).LimitPosts().Describe(new RouteDescription("verifyMeta", "leads", "Answers Meta's handshake.")
        {
            Inputs =
            [
                new RouteInput(InputPlace.Query, "hub.mode", "DoorText", "`subscribe`."),
                new RouteInput(InputPlace.Query, "hub.verify_token", "DoorText", "The configured `VerifyToken`."),
                new RouteInput(InputPlace.Query, "hub.challenge", "DoorText", "What is answered."),
            ],
            Answers =
            [
                new RouteAnswer(200, "The challenge.", "DoorText", "text/plain"),
                RouteAnswer.Problem(400, "Not a handshake."),
                RouteAnswer.Problem(403, "Another token."),
                RouteAnswer.Problem(404, "The sender is switched off."),
                RouteAnswer.Problem(503, "No token is configured."),
            ],
        });
    }

    private static async Task<IResult> PostAsync(string source, HttpContext context, WebhookSources sources, LeadDoor door, DeferredEventStore deferred, TimeProvider time, ILogger<WebhookSources> logger)
    {
        if (!sources.TryFind(source, out var sender))
            return Problems.Of(404, "not-found", "There is no sender of this name, or it is switched off.");
        if (sender is not { Secrets.Count: > 0 })
            return NotConfigured(context, "secret");
        var read = await RequestBody.ReadAsync(context, time);
        if (read.Bytes is not { } bytes)
            return read.Refusal!;

        if (Verify(context, sender, bytes, time) is { IsGenuine: false, Reason: var reason })
        {
            IntakeMeters.RefusedSignature(sender.Name);
            Log.RefusedSignature(logger, sender.Name, reason!);
            return Problems.Of(401, "bad-signature", $"The post is not signed as it should be: {reason}.");
        }
        var (body, refusal) = WebhookBody.Parse(context.Request.ContentType, bytes, sender.Payload.TakesForms);
        if (body is not { } parsed)
            return refusal!;
        var posted = new PostedLeads(door, sender.Name, sender.Trusted);
        try
        {
            return sender.Payload.Map(parsed, name => Header(context, name)) switch
            {
                MappedPayload.Leads leads => await TakeAsync(posted, [.. leads.Mapped.Select(l => new PostedLead(l.Lead, Short(l.Key)))], context.RequestAborted),
                MappedPayload.Referred referred when sender is { Lookup: null, KeepsReferred: true } => await KeepAsync(context, sender, referred.Mapped, deferred, time, logger),
                MappedPayload.Referred referred => await LookUpAsync(context, posted, sender, referred.Mapped, logger),
                MappedPayload.Ignored ignored => Results.Json(new JsonObject { ["status"] = "ignored", ["reason"] = ignored.Reason }, statusCode: 202),
                MappedPayload.Unusable unusable => Problems.Of(400, "invalid", "The body is not what this sender sends.", unusable.Error),
                _ => throw new InvalidOperationException("A post means one of four things."),
            };
        }
        catch (BusUnavailableException)
        {
            return PostedLeads.NotNow(context);
        }
    }

    private static SignatureVerdict Verify(HttpContext context, WebhookSource sender, byte[] bytes, TimeProvider time)
    {
        // As it was sent: what the server has decoded cannot be signed again.
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var url = (sender.PublicUrl ?? $"{context.Request.Scheme}://{context.Request.Host.Value}") + target;
        return sender.Scheme.Verify(new WebhookRequest(context.Request.Method, url, name => Header(context, name), bytes), sender.Secrets, time.GetUtcNow(), sender.Tolerance);
    }

    /// <summary>Keeps what cannot be read yet. The sender would repeat its post for a few days at most, and a token may take an operator longer than that to get.</summary>
    private static async Task<IResult> KeepAsync(HttpContext context, WebhookSource sender, IReadOnlyList<ReferredLead> referred, DeferredEventStore deferred, TimeProvider time, ILogger logger)
    {
        if (referred.Count > PostedLeads.Most)
            return TooMany(referred.Count);
        var now = time.GetUtcNow();
        await deferred.KeepAsync([.. referred.Select(r => new DeferredEvent(sender.Name, r, now, now, DeferredEvent.NoToken))], context.RequestAborted);
        Log.Kept(logger, referred.Count, sender.Name);
        return Results.Json(new JsonObject { ["status"] = "deferred", ["reason"] = DeferredEvent.NoToken }, statusCode: 202);
    }

    private static async Task<IResult> LookUpAsync(HttpContext context, PostedLeads posted, WebhookSource sender, IReadOnlyList<ReferredLead> referred, ILogger logger)
    {
        if (sender.Lookup is null)
            return Problems.Of(422, "no-email", $"The post has no e-mail and there is no way to look it up; configure Webhooks:{sender.Name}:AccessToken.");
        if (referred.Count > PostedLeads.Most)
            return TooMany(referred.Count);
        switch (await sender.Lookup.FindAsync([.. referred.Select(r => r.Id).Distinct()], context.RequestAborted))
        {
            case LookupResult.NotNow trouble:
                Log.LookupFailed(logger, sender.Name, trouble.Reason);
                context.Response.Headers.RetryAfter = ((int)Math.Clamp((trouble.RetryAfter ?? TimeSpan.FromSeconds(30)).TotalSeconds, 1, 3600)).ToString(System.Globalization.CultureInfo.InvariantCulture);
                return Problems.Of(503, "unavailable", "The post refers to leads that cannot be read at the sender now. Nothing was accepted; send it again after a while.");
            case LookupResult.Found found:
                var gone = new FieldError("id", "is not known to the sender any more", "nothing; it was removed there, or our token may not see it");
                return await TakeAsync(posted, [.. referred.Select(r => found.Leads.TryGetValue(r.Id, out var lead) ? new PostedLead(lead, r.Key) : new PostedLead(default, r.Key, gone))], context.RequestAborted);
            default:
                throw new InvalidOperationException("A look-up finds, or does not now.");
        }
    }

    private static async Task<IResult> TakeAsync(PostedLeads posted, IReadOnlyList<PostedLead> leads, CancellationToken cancellationToken)
    {
        if (leads.Count > PostedLeads.Most)
            return TooMany(leads.Count);
        if (leads.All(l => l.Error is not null || !HasEmail(l.Body)))
            return Problems.Of(422, "no-email", "No lead of the post has an e-mail, and there is no way to look it up.", new FieldError("email", "is missing", "ask for it in the form, and send it"));
        return leads.Count == 1
            ? PostedLeads.Answer(await posted.TakeAsync(leads[0], cancellationToken))
            : await posted.TakeAsync(leads, cancellationToken);
    }

    private static bool HasEmail(JsonElement lead) => lead.ValueKind != JsonValueKind.Object || lead.At("email") is { } email && !(email.ValueKind == JsonValueKind.String && string.IsNullOrWhiteSpace(email.GetString()));

    private static IResult TooMany(int count) => Problems.Of(413, "too-many", $"A post may hold {PostedLeads.Most} leads, this one has {count}.");

    private static IResult NotConfigured(HttpContext context, string what)
    {
        // An operator has to do something first: a sender that keeps trying for days gets there.
        context.Response.Headers.RetryAfter = "300";
        return Problems.Of(503, "not-configured", $"No {what} is configured for this sender, and nothing is accepted without.");
    }

    private static string? Short(string? key) => key?.Length > LongestKey ? Contracts.CanonicalJson.Sha256Hex(System.Text.Encoding.UTF8.GetBytes(key)) : key;

    private static string? Header(HttpContext context, string name) => context.Request.Headers.TryGetValue(name, out var value) ? value.ToString() : null;

    /// <summary>Meta asks once whether the address is ours, and wants its challenge back.</summary>
    private static IResult Handshake(HttpContext context, WebhookSources sources)
    {
        if (!sources.TryFind("meta", out var sender))
            return Problems.Of(404, "not-found", "There is no sender of this name, or it is switched off.");
        if (sender?.VerifyToken is not { } expected)
            return NotConfigured(context, nameof(WebhookSenderOptions.VerifyToken));
        var (mode, token, challenge) = (context.Request.Query["hub.mode"].ToString(), context.Request.Query["hub.verify_token"].ToString(), context.Request.Query["hub.challenge"].ToString());
        if (mode != "subscribe" || challenge.Length is 0 or > 200 || !challenge.All(char.IsAsciiLetterOrDigit))
            return Problems.Of(400, "invalid", "This is no handshake: hub.mode is subscribe, and hub.challenge letters and digits.");
        return SharedSecret.IsOneOf(token, [expected])
            ? Results.Text(challenge, "text/plain")
            : Problems.Of(403, "not-allowed", "hub.verify_token is another one.");
    }

    private static partial class Log
    {
        [LoggerMessage(110, LogLevel.Warning, "A post to /webhooks/{Source} was refused: {Reason}")]
        public static partial void RefusedSignature(ILogger logger, string source, string reason);

        [LoggerMessage(111, LogLevel.Warning, "Leads of {Source} cannot be read there now: {Reason}; its posts are answered 503 and it will repeat them")]
        public static partial void LookupFailed(ILogger logger, string source, string reason);

        [LoggerMessage(112, LogLevel.Warning, "{Count} events of {Source} are kept until there is an access token to read their leads with")]
        public static partial void Kept(ILogger logger, int count, string source);
    }
}
