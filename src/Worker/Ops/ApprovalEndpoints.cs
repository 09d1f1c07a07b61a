using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Approvals;
using LeadPipeline.Worker.Http.OpenApi;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Ops;

/// <summary>Requests for approval over HTTP. Who somebody is follows from the token and from nothing else.</summary>
public static class ApprovalEndpoints
{
    /// <summary>Maps them; all need the role <c>admin</c>.</summary>
    public static void MapApprovals(this IEndpointRouteBuilder app)
    {
        var approvals = app.MapGroup("/approvals").RequireAuthorization(Access.Admin);
        approvals.MapGet("", ListAsync).Describe(new RouteDescription("listApprovals", "approvals", "Requests for approval, newest first.")
        {
            Inputs = [new RouteInput(InputPlace.Query, "state", "ApprovalState", "Only those that stand here."), new RouteInput(InputPlace.Query, "limit", "ApprovalLimit", "At most so many.")],
            Answers = [new RouteAnswer(200, "The requests.", "Approvals"), RouteAnswer.Problem(400, "A bad parameter.")],
        });
        approvals.MapPost("", RequestAsync).Describe(new RouteDescription("requestApproval", "approvals", "Asks people to approve what the pipeline does not do by itself.")
        {
            Bodies = [new RouteBody("application/json", "ApprovalRequest")],
            Answers = [new RouteAnswer(201, "The request was made.", "Approval"), RouteAnswer.Problem(400, "A bad member.")],
        });
        approvals.MapPost("/{id:guid}/approve", (Guid id, HttpContext context, ApprovalStore store) =>
            ActAsync(id, new ApprovalAct.Approve(OperatorBody.Actor(context)), context, store)).Describe(Act("approve", "Says yes, in the name of the caller."));
        approvals.MapPost("/{id:guid}/deny", async (Guid id, HttpContext context, ApprovalStore store) =>
            await ActAsync(id, ApprovalRequests.Denial(OperatorBody.Actor(context), OperatorBody.Text(await OperatorBody.ReadAsync(context), "reason")), context, store)).Describe(Act("deny", "Says no, for good.", "ApprovalDenial"));
        approvals.MapPost("/{id:guid}/use", UseAsync).Describe(Act("use", "Says that what was approved has been done, with these arguments.", "ApprovalUse", RouteAnswer.Problem(400, "The arguments are missing.")));
    }

    private static RouteDescription Act(string verb, string summary, string? body = null, params RouteAnswer[] others) => new($"{verb}Approval", "approvals", summary)
    {
        Bodies = body is null ? [] : [new RouteBody("application/json", body)],
        Answers = [new RouteAnswer(200, "The request as it stands now.", "Approval"), .. others, RouteAnswer.Problem(404, "No such request."), RouteAnswer.Problem(409, "Refused; the title says why.")],
    };

    private static async Task<IResult> ListAsync(HttpContext context, ApprovalStore store, string? state = null, string? limit = null)
    {
        ApprovalState? wanted = null;
        if (state is not null)
        {
            if (!Enum.TryParse<ApprovalState>(state, ignoreCase: true, out var parsed) || !Enum.IsDefined(parsed))
                return OperatorBody.Invalid("state", "is not a state", $"use one of {string.Join(", ", Enum.GetValues<ApprovalState>().Select(ApprovalStore.Name))}");
            wanted = parsed;
        }
        var size = 200;
        if (limit is not null && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out size) || size is < 1 or > 1000))
            return OperatorBody.Invalid("limit", "is not allowed", "use a whole number from 1 to 1000");
        var found = await store.ListAsync(wanted, size, context.RequestAborted);
        return Results.Json(new JsonObject { ["items"] = new JsonArray([.. found.Select(s => (JsonNode)ApprovalRequests.Json(s))]) });
    }

    private static async Task<IResult> RequestAsync(HttpContext context, ApprovalRequests requests)
    {
        var body = await OperatorBody.ReadAsync(context);
        var lead = OperatorBody.Text(body, "leadId");
        if (lead is not null && !Guid.TryParse(lead, out _))
            return OperatorBody.Invalid("leadId", "is not an id", "write the lead's UUID, or leave it out");
        var wish = new ApprovalWish(OperatorBody.Text(body, "operation"), body?["arguments"] as JsonObject, OperatorBody.Text(body, "reason"), lead is null ? null : Guid.Parse(lead), OperatorBody.Actor(context));
        var (made, field, problem) = await requests.RequestAsync(wish, context.RequestAborted);
        return made is null ? OperatorBody.Invalid(field!, "is not usable", problem!) : Results.Json(ApprovalRequests.Json(made), statusCode: 201);
    }

    private static async Task<IResult> UseAsync(Guid id, HttpContext context, ApprovalStore store, ApprovalRequests requests) =>
        (await OperatorBody.ReadAsync(context))?["arguments"] is JsonObject arguments
            ? await AnswerAsync(id, await requests.UseAsync(id, arguments, OperatorBody.Actor(context), context.RequestAborted), context, store)
            : OperatorBody.Invalid("arguments", "is missing", "give the arguments that were used, as a JSON object");

    private static async Task<IResult> ActAsync(Guid id, ApprovalAct act, HttpContext context, ApprovalStore store) =>
        await AnswerAsync(id, await store.ActAsync(id, act, context.RequestAborted), context, store);

    private static async Task<IResult> AnswerAsync(Guid id, ApprovalDecision? decision, HttpContext context, ApprovalStore store) => decision switch
    {
        null => Problems.Of(404, "not-found", "There is no such request."),
        { Refusal: { } code } => Problems.Of(409, code, decision.Message ?? ""),
        _ => Results.Json(ApprovalRequests.Json((await store.FindAsync(id, context.RequestAborted))!)),
    };
}
