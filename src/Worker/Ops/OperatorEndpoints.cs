using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Http.OpenApi;
using LeadPipeline.Worker.Saga;

namespace LeadPipeline.Worker.Ops;

/// <summary>What people may do with a lead over HTTP: replay, cancel, erase.</summary>
public static class OperatorEndpoints
{
    /// <summary>Maps them; replay and cancel need the role <c>operator</c>, erasing the role <c>admin</c>.</summary>
    public static void MapOperating(this IEndpointRouteBuilder app)
    {
        app.MapPost("/leads/{id:guid}/replay", ReplayAsync).RequireAuthorization(Access.Operator).Describe(new RouteDescription("replayLead", "operating", "Begins the next run of a lead that has ended; a dead-lettered one goes on where it failed.")
        {
            Details = "What earlier runs did is not done again, unless `again` says so.",
            Bodies = [new RouteBody("application/json", "ReplayOrder")],
            Answers = [new RouteAnswer(202, "It goes on.", "LeadState"), RouteAnswer.Problem(400, "The body is not valid."), NoSuchLead, Conflict],
        });
        app.MapPost("/leads/{id:guid}/cancel", async (Guid id, HttpContext context, LeadOperations operations) =>
            Answer(await operations.CancelAsync(id, OperatorBody.Actor(context), context.RequestAborted), 200)).RequireAuthorization(Access.Operator).Describe(new RouteDescription("cancelLead", "operating", "Stops a lead of which nothing has been sent to the CRM.")
            {
                Answers = [new RouteAnswer(200, "It has stopped.", "LeadState"), NoSuchLead, Conflict],
            });
        app.MapDelete("/leads/{id:guid}", EraseAsync).RequireAuthorization(Access.Admin).Describe(new RouteDescription("eraseLead", "operating", "Destroys what is personal about a lead, for good. Its audit chain still verifies.")
        {
            Answers = [new RouteAnswer(200, "It is erased; the CRM's records that were made for it are listed, to be looked after in a vendor's CRM.", "ErasedLead"), NoSuchLead, Conflict],
        });
    }

    private static RouteAnswer NoSuchLead => RouteAnswer.Problem(404, "No such lead.");

    private static RouteAnswer Conflict => RouteAnswer.Problem(409, "Not in the state that the lead is in; the title says why.");

    private static async Task<IResult> ReplayAsync(Guid id, HttpContext context, LeadOperations operations)
    {
        if (await AgainAsync(context) is not { } again)
            return OperatorBody.Invalid("again", "is not true or false", "send {\"again\": false}, or no body");
        return Answer(await operations.ReplayAsync(id, again, OperatorBody.Actor(context), context.RequestAborted), 202);
    }

    private static async Task<IResult> EraseAsync(Guid id, HttpContext context, LeadOperations operations)
    {
        var answer = await operations.EraseAsync(id, OperatorBody.Actor(context), context.RequestAborted);
        if (answer is not OperatorAnswer.Done done)
            return Answer(answer, 200);
        var view = View(done.Saga);
        view["records"] = await operations.RecordsAsync(id, context.RequestAborted);
        return Results.Json(view);
    }

    /// <summary>Whether to do everything again; false without a body, null when the body makes no sense.</summary>
    private static async Task<bool?> AgainAsync(HttpContext context)
    {
        if (await OperatorBody.ReadAsync(context) is not { } members || members.Any(m => m.Key != "again"))
            return null;
        return members["again"] switch
        {
            null => false,
            JsonValue value when value.TryGetValue<bool>(out var again) => again,
            _ => null,
        };
    }

    private static IResult Answer(OperatorAnswer answer, int status) => answer switch
    {
        OperatorAnswer.Done done => Results.Json(View(done.Saga), statusCode: status),
        OperatorAnswer.Refused refused => Problems.Of(409, refused.Code, refused.Detail),
        _ => Problems.Of(404, "not-found", "There is no such lead."),
    };

    private static JsonObject View(LeadSaga saga) => saga.Status == LeadStatus.Erased
        ? new JsonObject { ["leadId"] = saga.LeadId.ToString(), ["status"] = nameof(LeadStatus.Erased) }
        : new JsonObject
        {
            ["leadId"] = saga.LeadId.ToString(),
            ["status"] = saga.Status.ToString(),
            ["run"] = saga.Run,
            ["runId"] = DeterministicId.Run(saga.LeadId, saga.Run).ToString(),
        };
}
