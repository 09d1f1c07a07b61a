using LeadPipeline.Worker.Http.OpenApi;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.OpsConsole.Pages;
using LeadPipeline.Worker.OpsConsole.Views;
using LeadPipeline.Worker.Reviews;

namespace LeadPipeline.Worker.OpsConsole;

/// <summary>The review queue.</summary>
internal static class ReviewPages
{
    private const int PageSize = 50;

    public static void MapReviewPages(this IEndpointRouteBuilder app)
    {
        var operate = app.Pages(Access.Operator);
        operate.MapGet("/reviews", async (HttpContext context, ReviewOperations reviews) =>
            new PageResult<ReviewsPage, ReviewsModel>(new ReviewsModel(await reviews.ListAsync(PageSize, context.RequestAborted))))
            .Describe(ConsoleRoutes.Looks("consoleReviews", "Leads that wait for a person, the oldest first."));
        operate.MapPost("/reviews/{id}/approve", (string id, HttpContext context, ReviewOperations reviews) => DecideAsync(id, "approved", context, (review, reason, actor, stop) => reviews.ApproveAsync(review, reason, new ReviewCorrections(), actor, stop)))
            .Describe(Verdict("approve", "Lets the lead go on."));
        operate.MapPost("/reviews/{id}/reject", (string id, HttpContext context, ReviewOperations reviews) => DecideAsync(id, "rejected", context, reviews.RejectAsync))
            .Describe(Verdict("reject", "Closes the review."));
    }

    private static RouteDescription Verdict(string verb, string summary) => ConsoleRoutes.Acts($"console{char.ToUpperInvariant(verb[0])}{verb[1..]}Review", summary, "ConsoleReason",
        ConsoleRoutes.Html(404, "No such review."), ConsoleRoutes.Html(409, "Not possible; the page says why."));

    private static async Task<IResult> DecideAsync(string id, string said, HttpContext context, Func<ReviewId, string, string, CancellationToken, Task<OperatorAnswer>> decide)
    {
        if (ReviewId.Parse(id) is not { } review)
            return ConsoleRoutes.Missing("review");
        if (await ConsoleForms.ReasonAsync(context) is not { } reason)
            return ConsoleForms.NoReason();
        return ConsoleRoutes.Answer(await decide(review, reason, OperatorBody.Actor(context), context.RequestAborted), $"/ops/reviews?said={said}");
    }
}

/// <summary>Fields of forms.</summary>
internal static class ConsoleForms
{
    /// <summary>Why somebody does something: 1 to 1000 characters; null when he did not say.</summary>
    public static async Task<string?> ReasonAsync(HttpContext context) =>
        (await context.Request.ReadFormAsync(context.RequestAborted))["reason"].ToString().Trim() is { Length: > 0 and <= 1000 } reason ? reason : null;

    /// <summary>The page when he did not say.</summary>
    public static IResult NoReason() => ConsoleRoutes.Refused("Say why, in at most 1000 characters: it is kept with the decision.");
}
