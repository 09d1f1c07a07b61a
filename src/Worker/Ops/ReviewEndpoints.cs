using System.Globalization;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Http.OpenApi;
using LeadPipeline.Worker.Reviews;

namespace LeadPipeline.Worker.Ops;

/// <summary>The review queue over HTTP.</summary>
public static class ReviewEndpoints
{
    /// <summary>Maps them; all need the role <c>operator</c>.</summary>
    public static void MapReviews(this IEndpointRouteBuilder app)
    {
        var reviews = app.MapGroup("/reviews").RequireAuthorization(Access.Operator);
        reviews.MapGet("", ListAsync).Describe(new RouteDescription("listReviews", "reviews", "Leads that wait for a person, the oldest first.")
        {
            Inputs = [new RouteInput(InputPlace.Query, "limit", "ReviewLimit", "At most so many.")],
            Answers = [new RouteAnswer(200, "The reviews.", "Reviews"), RouteAnswer.Problem(400, "A bad parameter.")],
        });
        reviews.MapPost("/{id}/approve", (string id, HttpContext context, ReviewOperations operations) => DecideAsync(id, context, 202, operations.ApproveAsync))
            .Describe(Decision("approve", "Lets the lead go on, by the analysis that is on record.", 202));
        reviews.MapPost("/{id}/reject", (string id, HttpContext context, ReviewOperations operations) => DecideAsync(id, context, 200, operations.RejectAsync))
            .Describe(Decision("reject", "Closes the review; the lead stays as it is.", 200));
    }

    private static RouteDescription Decision(string verb, string summary, int status) => new($"{verb}Review", "reviews", summary)
    {
        Bodies = [new RouteBody("application/json", "OperatorReason")],
        Answers = [new RouteAnswer(status, "The lead as it is now.", "LeadState"), RouteAnswer.Problem(400, "The reason is missing."), RouteAnswer.Problem(404, "No such review."), RouteAnswer.Problem(409, "Not possible; the title says why.")],
    };

    private static async Task<IResult> ListAsync(HttpContext context, ReviewOperations operations, string? limit = null)
    {
        var size = 200;
        if (limit is not null && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out size) || size is < 1 or > 1000))
            return OperatorBody.Invalid("limit", "is not allowed", "use a whole number from 1 to 1000");
        return Results.Json(new JsonObject { ["items"] = await operations.ListAsync(size, context.RequestAborted) });
    }

    private static async Task<IResult> DecideAsync(string id, HttpContext context, int status, Func<ReviewId, string, string, CancellationToken, Task<OperatorAnswer>> decide)
    {
        if (ReviewId.Parse(id) is not { } review)
            return NotFound();
        if (await OperatorBody.ReasonAsync(context) is not { } reason)
            return OperatorBody.NoReason();
        return await decide(review, reason, OperatorBody.Actor(context), context.RequestAborted) switch
        {
            OperatorAnswer.Done { Saga: var saga } => Results.Json(new JsonObject
            {
                ["leadId"] = saga.LeadId.ToString(),
                ["status"] = saga.Status.ToString(),
                ["run"] = saga.Run,
                ["runId"] = DeterministicId.Run(saga.LeadId, saga.Run).ToString(),
            }, statusCode: status),
            OperatorAnswer.Refused refused => Problems.Of(409, refused.Code, refused.Detail),
            _ => NotFound(),
        };
    }

    private static IResult NotFound() => Problems.Of(404, "not-found", "There is no such review.");
}
