using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Http.OpenApi;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Ops;

/// <summary>Dead letters over HTTP.</summary>
public static class DeadLetterEndpoints
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private static readonly string[] Members = ["ids", "group", "all", "preview", "ramp", "rate"];

    /// <summary>Maps them; all need the role <c>operator</c>.</summary>
    public static void MapDeadLetters(this IEndpointRouteBuilder app)
    {
        var letters = app.MapGroup("/dead-letters").RequireAuthorization(Access.Operator);
        letters.MapGet("", ListAsync).Describe(new RouteDescription("listDeadLetters", "dead letters", "What failed for good, in groups by cause and one by one.")
        {
            Inputs =
            [
                new RouteInput(InputPlace.Query, "state", "DeadLetterState", "Only those that stand here; `open` when left out."),
                new RouteInput(InputPlace.Query, "group", "DeadLetterGroupName", "Only items of this group."),
                new RouteInput(InputPlace.Query, "search", "DeadLetterSearch", "Only items in whose group, reason, queue, id or lead's id this occurs."),
                new RouteInput(InputPlace.Query, "limit", "DeadLetterLimit", "At most so many items; groups are always all."),
            ],
            Answers = [new RouteAnswer(200, "Groups, the largest first, and items, the oldest first.", "DeadLetters"), RouteAnswer.Problem(400, "A bad parameter.")],
        });
        letters.MapPost("/replay", ReplayAsync).Describe(new RouteDescription("replayDeadLetters", "dead letters", "Sends dead letters on their way again, or tells what that would do.")
        {
            Details = "A lead goes on in its run; a message goes back to its queue. It is kept as a job before the answer and carried out by a worker; when that one ends, another goes on with it.",
            Bodies = [new RouteBody("application/json", "DeadLetterReplay")],
            Answers = [new RouteAnswer(200, "Only with `preview`: what it would do.", "DeadLetterPreview"), new RouteAnswer(202, "It is begun.", "DeadLetterReplayBegun"), RouteAnswer.Problem(400, "The body is not valid.")],
        });
        letters.MapGet("/{id:guid}", ShowAsync).Describe(new RouteDescription("getDeadLetter", "dead letters", "One dead letter: why it failed, what a replay would do, and what was done about it.")
        {
            Answers = [new RouteAnswer(200, "The dead letter.", "DeadLetterDetail"), RouteAnswer.Problem(404, "No such dead letter.")],
        });
        letters.MapPost("/notes", NoteAsync).Describe(new RouteDescription("noteDeadLetterGroup", "dead letters", "Writes a note on a group, for the next one who looks.")
        {
            Bodies = [new RouteBody("application/json", "DeadLetterNote")],
            Answers = [new RouteAnswer(200, "It is written.", "DeadLetterNote"), RouteAnswer.Problem(400, "The group or the text is missing.")],
        });
        letters.MapGet("/jobs", JobsAsync).Describe(new RouteDescription("listReplayJobs", "dead letters", "Replays that were ordered, the newest first.")
        {
            Answers = [new RouteAnswer(200, "At most 100 of them.", "ReplayJobs")],
        });
        letters.MapGet("/jobs/{id:guid}", JobAsync).Describe(new RouteDescription("getReplayJob", "dead letters", "How far a replay has come.")
        {
            Answers = [new RouteAnswer(200, "The replay.", "ReplayJob"), RouteAnswer.Problem(404, "No such replay.")],
        });
        letters.MapPost("/jobs/{id:guid}/stop", StopAsync).Describe(new RouteDescription("stopReplayJob", "dead letters", "Ends a replay where it is; what has gone on goes on.")
        {
            Answers = [new RouteAnswer(200, "It has ended.", "ReplayJob"), RouteAnswer.Problem(404, "No such replay.")],
        });
        letters.MapPost("/{id:guid}/edit", EditAsync).Describe(new RouteDescription("editDeadLetter", "dead letters", "Says how the lead in a message that could not be taken in should read.")
        {
            Details = "Nothing is sent until somebody else has approved it.",
            Bodies = [new RouteBody("application/json", "DeadLetterEditOrder")],
            Answers = [new RouteAnswer(202, "It waits for somebody else.", "DeadLetterEdit"), RouteAnswer.Problem(400, "The lead could not be taken in like this either, or the reason is missing."), RouteAnswer.Problem(404, "No such dead letter."), RouteAnswer.Problem(409, "It is not open, or no message.")],
        });
        letters.MapGet("/edits", EditsAsync).Describe(new RouteDescription("listDeadLetterEdits", "dead letters", "Edits that wait for somebody, with the members that they change.")
        {
            Answers = [new RouteAnswer(200, "The edits, the oldest first.", "DeadLetterEdits")],
        });
        letters.MapGet("/edits/{id:guid}", ViewEditAsync).Describe(new RouteDescription("getDeadLetterEdit", "dead letters", "One edit with what stands in the members that it changes.")
        {
            Details = "It is written down who has looked.",
            Answers = [new RouteAnswer(200, "The edit.", "DeadLetterEdit"), RouteAnswer.Problem(404, "No such edit.")],
        });
        letters.MapPost("/edits/{id:guid}/approve", ApproveEditAsync).Describe(new RouteDescription("approveDeadLetterEdit", "dead letters", "Approves an edit of somebody else and sends the new message.")
        {
            Answers = [new RouteAnswer(200, "It is sent.", "DeadLetterEdit"), RouteAnswer.Problem(404, "No such edit."), RouteAnswer.Problem(409, "It is your own, or not open."), RouteAnswer.Problem(503, "The broker did not take it.")],
        });
        letters.MapPost("/edits/{id:guid}/deny", DenyEditAsync).Describe(new RouteDescription("denyDeadLetterEdit", "dead letters", "Says no to an edit.")
        {
            Bodies = [new RouteBody("application/json", "OperatorReason")],
            Answers = [new RouteAnswer(200, "It is denied.", "DeadLetterEdit"), RouteAnswer.Problem(400, "The reason is missing."), RouteAnswer.Problem(404, "No such edit."), RouteAnswer.Problem(409, "It is not open.")],
        });
        letters.MapPost("/{id:guid}/discard", DiscardAsync).Describe(new RouteDescription("discardDeadLetter", "dead letters", "Puts a dead letter aside for good, with a reason.")
        {
            Bodies = [new RouteBody("application/json", "OperatorReason")],
            Answers = [new RouteAnswer(200, "It is discarded.", "DeadLetterDiscarded"), RouteAnswer.Problem(400, "The reason is missing."), RouteAnswer.Problem(404, "No such dead letter."), RouteAnswer.Problem(409, "It is not open.")],
        });
    }

    private static async Task<IResult> ListAsync(HttpContext context, DeadLetterStore store, DeadLetterActs acts, string? state = null, string? group = null, string? search = null, string? limit = null)
    {
        if (state is not null && !DeadLetterStore.States.Contains(state))
            return OperatorBody.Invalid("state", "is not a state", $"use one of {string.Join(", ", DeadLetterStore.States)}");
        var size = 200;
        if (limit is not null && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out size) || size is < 1 or > 1000))
            return OperatorBody.Invalid("limit", "is not allowed", "use a whole number from 1 to 1000");
        return Results.Json(await ViewAsync(store, acts, state ?? "open", group, search, size, context.RequestAborted));
    }

    /// <summary>Groups and items as they are shown, here and on the command line.</summary>
    internal static async Task<JsonObject> ViewAsync(DeadLetterStore store, DeadLetterActs acts, string state, string? group, string? search, int limit, CancellationToken cancellationToken)
    {
        var notes = (await acts.NotesAsync(cancellationToken)).ToLookup(n => n.Group);
        var groups = new JsonArray();
        foreach (var found in await store.GroupsAsync(state, cancellationToken))
        {
            var json = found.Json();
            json["notes"] = new JsonArray([.. notes[found.Group].Select(n => (JsonNode)n.Json())]);
            groups.Add(json);
        }
        return new JsonObject { ["groups"] = groups, ["items"] = new JsonArray([.. (await store.ListAsync(state, group, search, limit, cancellationToken)).Select(r => (JsonNode)DeadLetterStore.Json(r))]) };
    }

    /// <summary>One dead letter as it is shown, here and on the command line.</summary>
    internal static async Task<JsonObject> DetailAsync(DeadLetterRow row, DeadLetterStore store, DeadLetterOperations operations, DeadLetterActs acts, CancellationToken cancellationToken)
    {
        var view = (await operations.PreviewAsync([row], cancellationToken))[0]!.DeepClone().AsObject();
        var message = store.Message(row);
        view["why"] = message?.Why;
        view["messageId"] = message?.MessageId;
        view["replaces"] = message?.Headers.GetValueOrDefault(DeadLetterEditing.Replaces);
        if (store.Discarded(row) is { } note)
            view["discarded"] = new JsonObject { ["by"] = note.By, ["reason"] = note.Reason };
        view["acts"] = new JsonArray([.. (await acts.OfAsync(row, cancellationToken)).Select(a => (JsonNode)a.Json())]);
        return view;
    }

    private static async Task<IResult> ShowAsync(Guid id, HttpContext context, DeadLetterStore store, DeadLetterOperations operations, DeadLetterActs acts) =>
        await store.FindAsync([id], context.RequestAborted) is [var row]
            ? Results.Json(await DetailAsync(row, store, operations, acts, context.RequestAborted))
            : Problems.Of(404, "not-found", "There is no such dead letter.");

    private static async Task<IResult> NoteAsync(HttpContext context, DeadLetterActs acts)
    {
        var body = await OperatorBody.ReadAsync(context);
        if (body?["group"] is not JsonValue named || !named.TryGetValue<string>(out var group) || group.Length is 0 or > 300)
            return OperatorBody.Invalid("group", "is missing", "send a group of GET /dead-letters");
        if (body["text"] is not JsonValue said || !said.TryGetValue<string>(out var text) || text.Trim().Length is 0 or > 1000)
            return OperatorBody.Invalid("text", "is missing", "say what the next one should know, in 1 to 1000 characters");
        await acts.RecordAsync(OperatorBody.Actor(context), DeadLetterActs.Noted, null, group, text.Trim(), context.RequestAborted);
        return Results.Json(new JsonObject { ["group"] = group, ["text"] = text.Trim() });
    }

    private static async Task<IResult> EditAsync(Guid id, HttpContext context, DeadLetterEditing editing)
    {
        var body = await OperatorBody.ReadAsync(context);
        if (body?["lead"] is not JsonObject lead)
            return OperatorBody.Invalid("lead", "is missing", "send the whole lead as it should read, as a JSON object");
        if (body["reason"] is not JsonValue said || !said.TryGetValue<string>(out var reason) || reason.Trim().Length is 0 or > 1000)
            return OperatorBody.NoReason();
        return Answer(await editing.RequestAsync(id, lead, reason.Trim(), OperatorBody.Actor(context), context.RequestAborted), 202);
    }

    private static async Task<IResult> EditsAsync(HttpContext context, DeadLetterEditing editing) =>
        Results.Json(new JsonObject { ["items"] = new JsonArray([.. (await editing.ListAsync(context.RequestAborted)).Select(e => (JsonNode)e.Summary())]) });

    private static async Task<IResult> ViewEditAsync(Guid id, HttpContext context, DeadLetterEditing editing) =>
        await editing.ViewAsync(id, OperatorBody.Actor(context), context.RequestAborted) is { } edit ? Results.Json(edit.Json()) : Problems.Of(404, "not-found", "There is no such edit.");

    private static async Task<IResult> ApproveEditAsync(Guid id, HttpContext context, DeadLetterEditing editing) =>
        Answer(await editing.ApproveAsync(id, OperatorBody.Actor(context), context.RequestAborted), 200);

    private static async Task<IResult> DenyEditAsync(Guid id, HttpContext context, DeadLetterEditing editing) => await OperatorBody.ReasonAsync(context) is { } reason
        ? Answer(await editing.DenyAsync(id, reason, OperatorBody.Actor(context), context.RequestAborted), 200)
        : OperatorBody.NoReason();

    private static IResult Answer(EditAnswer answer, int status) => answer switch
    {
        { Edit: { } edit } => Results.Json(edit.Json(), statusCode: status),
        { Code: "not-found" } => Problems.Of(404, answer.Code, answer.Detail!),
        { Code: "invalid" } => Problems.Of(400, answer.Code, answer.Detail!, [.. answer.Errors!]),
        { Code: "broker-unavailable" } => Problems.Of(503, answer.Code, answer.Detail!),
        _ => Problems.Of(409, answer.Code!, answer.Detail!),
    };

    private static async Task<IResult> JobsAsync(HttpContext context, ReplayJobStore jobs) =>
        Results.Json(new JsonObject { ["items"] = new JsonArray([.. (await jobs.ListAsync(null, 100, context.RequestAborted)).Select(j => (JsonNode)j.Json())]) });

    private static async Task<IResult> JobAsync(Guid id, HttpContext context, ReplayJobStore jobs) =>
        await jobs.FindAsync(id, context.RequestAborted) is { } job ? Results.Json(job.Json()) : Problems.Of(404, "not-found", "There is no such replay.");

    private static async Task<IResult> StopAsync(Guid id, HttpContext context, ReplayJobStore jobs, DeadLetterActs acts)
    {
        if (await jobs.StopAsync(id, context.RequestAborted) is not { } job)
            return Problems.Of(404, "not-found", "There is no such replay.");
        await acts.RecordAsync(OperatorBody.Actor(context), "replay_stopped", null, null, $"job {id}", context.RequestAborted);
        return Results.Json(job.Json());
    }

    private static async Task<IResult> ReplayAsync(HttpContext context, DeadLetterOperations operations, ReplayJobStore jobs, DeadLetterActs acts)
    {
        if (await OperatorBody.ReadAsync(context) is not { } body || body.Any(m => !Members.Contains(m.Key)))
            return OperatorBody.Invalid("body", "is not an order", $"send a JSON object with {string.Join(", ", Members)}");
        if (!TryFlag(body, "all", out var all) || !TryFlag(body, "preview", out var preview) || !TryFlag(body, "ramp", out var ramp))
            return OperatorBody.Invalid("all, preview, ramp", "are not true or false", "send true or false, or leave them out");
        var ids = new List<Guid>();
        if (body["ids"] is { } listed)
        {
            if (listed is not JsonArray texts || texts.Any(t => t is not JsonValue v || !v.TryGetValue<string>(out var s) || !Guid.TryParse(s, out _)))
                return OperatorBody.Invalid("ids", "is not a list of ids", "send ids of GET /dead-letters");
            ids.AddRange(texts.Select(t => Guid.Parse(t!.GetValue<string>())));
        }
        string? group = null;
        if (body["group"] is { } named && (named is not JsonValue name || !name.TryGetValue(out group)))
            return OperatorBody.Invalid("group", "is not text", "send a group of GET /dead-letters");
        double rate = 0;
        if (body["rate"] is { } paced && (paced is not JsonValue number || !number.TryGetValue(out rate) || rate is < 0.01 or > 1000))
            return OperatorBody.Invalid("rate", "is not allowed", "use a number from 0.01 to 1000, in dead letters a second");
        var selection = new DeadLetterSelection(ids, group, all);
        if (selection.IsEmpty)
            return OperatorBody.Invalid("ids", "nothing is selected", "send ids, a group, or all");

        var (open, refused) = await operations.SelectAsync(selection, context.RequestAborted);
        if (preview)
            return Results.Json(new JsonObject { ["items"] = await operations.PreviewAsync(open, context.RequestAborted) });
        var job = await ReplayJobs.OrderAsync(jobs, acts, open, new ReplayPace(ramp, body["rate"] is null ? null : rate, Patience), OperatorBody.Actor(context), context.RequestAborted);
        return Results.Json(new JsonObject { ["job"] = job.Id.ToString(), ["selected"] = open.Count, ["refused"] = new JsonArray([.. refused.Select(r => (JsonNode)r.Json())]) }, statusCode: 202);
    }

    private static async Task<IResult> DiscardAsync(Guid id, HttpContext context, DeadLetterOperations operations)
    {
        if (await OperatorBody.ReasonAsync(context) is not { } reason)
            return OperatorBody.NoReason();
        return await operations.DiscardAsync(id, reason, OperatorBody.Actor(context), context.RequestAborted) switch
        {
            DiscardAnswer.Done => Results.Json(new JsonObject { ["id"] = id.ToString(), ["state"] = "discarded" }),
            DiscardAnswer.NotOpen => Problems.Of(409, "not-open", "Somebody has replayed or discarded it."),
            _ => Problems.Of(404, "not-found", "There is no such dead letter."),
        };
    }

    private static bool TryFlag(JsonObject body, string member, out bool flag)
    {
        flag = false;
        return body[member] is null || (body[member] is JsonValue value && value.TryGetValue(out flag));
    }
}
