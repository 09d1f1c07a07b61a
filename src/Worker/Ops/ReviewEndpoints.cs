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
        reviews.MapGet("/{id}", ShowAsync).Describe(new RouteDescription("showReview", "reviews", "All that is known of a lead that waits, with what was claimed beside each fact. Personal fields in full.")
        {
            Answers = [new RouteAnswer(200, "The review.", "ReviewView"), RouteAnswer.Problem(404, "No such review, or the lead has moved on.")],
        });
        reviews.MapPost("/{id}/approve", ApproveAsync)
            .Describe(Decision("approve", "ReviewApproval", "Lets the lead go on, by the analysis that is on record or by a corrected one, which is grounded too.", 202));
        reviews.MapPost("/{id}/reject", (string id, HttpContext context, ReviewOperations operations) => DecideAsync(id, context, 200, (review, reason, _, actor, cancellationToken) => operations.RejectAsync(review, reason, actor, cancellationToken)))
            .Describe(Decision("reject", "OperatorReason", "Closes the review; the lead stays as it is.", 200));
    }

    private static RouteDescription Decision(string verb, string body, string summary, int status) => new($"{verb}Review", "reviews", summary)
    {
        Bodies = [new RouteBody("application/json", body)],
        Answers = [new RouteAnswer(status, "The lead as it is now.", "LeadState"), RouteAnswer.Problem(400, "The reason is missing, or something else is not allowed."), RouteAnswer.Problem(404, "No such review."), RouteAnswer.Problem(409, "Not possible; the title says why.")],
    };

    private static async Task<IResult> ListAsync(HttpContext context, ReviewOperations operations, string? limit = null)
    {
        var size = 200;
        if (limit is not null && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out size) || size is < 1 or > 1000))
            return OperatorBody.Invalid("limit", "is not allowed", "use a whole number from 1 to 1000");
        return Results.Json(new JsonObject { ["items"] = await operations.ListAsync(size, context.RequestAborted) });
    }

    private static async Task<IResult> ShowAsync(string id, HttpContext context, ReviewViews reviews, PersonalDataViews views)
    {
        if (ReviewId.Parse(id) is not { } review || await reviews.FindAsync(review, full: false, context.RequestAborted) is not { } masked)
            return NotFound();
        if (!await views.WriteDownAsync(review.LeadId, OperatorBody.Actor(context), context.RequestAborted))
            return Results.Json(masked);
        return await reviews.FindAsync(review, full: true, context.RequestAborted) is { } view ? Results.Json(view) : NotFound();
    }

    private static Task<IResult> ApproveAsync(string id, HttpContext context, ReviewOperations operations) => DecideAsync(id, context, 202, operations.ApproveAsync);

    private static async Task<IResult> DecideAsync(string id, HttpContext context, int status, Func<ReviewId, string, ReviewCorrections, string, CancellationToken, Task<OperatorAnswer>> decide)
    {
        if (ReviewId.Parse(id) is not { } review)
            return NotFound();
        if (await OperatorBody.ReadAsync(context) is not { } body || OperatorBody.Reason(body) is not { } reason)
            return OperatorBody.NoReason();
        var (corrections, error) = ReviewCorrections.Read(body["corrections"]);
        if (corrections is null)
            return Problems.Of(400, "invalid", "The request is not valid.", error!);
        return await decide(review, reason, corrections, OperatorBody.Actor(context), context.RequestAborted) switch
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
