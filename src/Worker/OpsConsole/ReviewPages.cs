using System.Globalization;
using System.Text.Json.Nodes;
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

    private const string ClaimField = "claim:";

    public static void MapReviewPages(this IEndpointRouteBuilder app)
    {
        var operate = app.Pages(Access.Operator);
        operate.MapGet("/reviews", async (HttpContext context, ReviewOperations reviews) =>
            new PageResult<ReviewsPage, ReviewsModel>(new ReviewsModel(await reviews.ListAsync(PageSize, context.RequestAborted))))
            .Describe(ConsoleRoutes.Looks("consoleReviews", "Leads that wait for a person, the oldest first."));
        operate.MapGet("/reviews/{id}", ShowAsync).Describe(ConsoleRoutes.Looks("consoleReview", "One review: the evidence, and what was claimed about it; nothing personal.", ConsoleRoutes.Html(404, "No such review.")));
        operate.MapPost("/reviews/{id}/approve", async (string id, HttpContext context, ReviewOperations reviews, ReviewViews views) =>
        {
            var (corrections, problem) = await CorrectionsAsync(id, context, views);
            return corrections is null
                ? ConsoleRoutes.Refused(problem!)
                : await DecideAsync(id, "approved", context, (review, reason, actor, token) => reviews.ApproveAsync(review, reason, corrections, actor, token));
        }).Describe(Verdict("approve", "Lets the lead go on, by the analysis on record or as corrected."));
        operate.MapPost("/reviews/{id}/reject", (string id, HttpContext context, ReviewOperations reviews) => DecideAsync(id, "rejected", context, reviews.RejectAsync))
            .Describe(Verdict("reject", "Closes the review."));
    }

    private static async Task<IResult> ShowAsync(string id, HttpContext context, ReviewViews views) =>
        ReviewId.Parse(id) is { } review && await views.FindAsync(review, full: false, context.RequestAborted) is { } view
            ? new PageResult<ReviewPage, ReviewModel>(new ReviewModel(view))
            : ConsoleRoutes.Missing("review");

    /// <summary>What the form changes. A claim that is to say what the evidence says takes its value from the evidence, not from the form.</summary>
    private static async Task<(ReviewCorrections? Corrections, string? Problem)> CorrectionsAsync(string id, HttpContext context, ReviewViews views)
    {
        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        var order = new JsonObject();
        foreach (var member in (string[])["intent", "decision"])
        {
            if (form[member].ToString() is { Length: > 0 } word)
                order[member] = word;
        }
        if (form["fitScore"].ToString().Trim() is { Length: > 0 } score)
            order["fitScore"] = int.TryParse(score, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : score;
        var drop = form.Where(f => f.Key.StartsWith(ClaimField, StringComparison.Ordinal) && f.Value == "drop").Select(f => f.Key[ClaimField.Length..]).ToList();
        if (drop.Count > 0)
            order["drop"] = new JsonArray([.. drop.Select(d => (JsonNode)d)]);
        var truths = form.Where(f => f.Key.StartsWith(ClaimField, StringComparison.Ordinal) && f.Value == "truth").Select(f => f.Key[ClaimField.Length..]).ToHashSet(StringComparer.Ordinal);
        if (truths.Count > 0 && ReviewId.Parse(id) is { } review && await views.FindAsync(review, full: true, context.RequestAborted) is { } view)
            order["claims"] = new JsonArray([.. view.Items("evidence").Where(e => truths.Contains(e.Text("path") ?? "")).Select(e => (JsonNode)new JsonObject { ["fieldPath"] = e.Text("path"), ["value"] = e["value"]?.DeepClone() })]);
        var (corrections, error) = ReviewCorrections.Read(order);
        return (corrections, error is null ? null : $"{error.Field} {error.Problem}; {error.Remedy}.");
    }

    private static RouteDescription Verdict(string verb, string summary) => ConsoleRoutes.Acts($"console{char.ToUpperInvariant(verb[0])}{verb[1..]}Review", summary, verb == "approve" ? "ConsoleReviewApproval" : "ConsoleReason",
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
