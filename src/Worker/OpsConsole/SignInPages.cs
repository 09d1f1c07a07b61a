using LeadPipeline.Worker.Http.OpenApi;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.OpsConsole.Pages;
using LeadPipeline.Worker.OpsConsole.Session;
using LeadPipeline.Worker.OpsConsole.Views;

namespace LeadPipeline.Worker.OpsConsole;

/// <summary>Coming and going.</summary>
internal static class SignInPages
{
    public static void MapSignIn(this IEndpointRouteBuilder app)
    {
        app.MapGet(ConsoleVisits.SignIn, (string? to) => Page(new SignInModel(Local(to)))).Describe(new RouteDescription("consoleSignInPage", "console", "The page to sign in to the console.")
        {
            Inputs = [new RouteInput(InputPlace.Query, "to", "Text", "Where to go after that, within the console.")],
            Answers = [ConsoleRoutes.Html()],
        });
        app.MapPost(ConsoleVisits.SignIn, (Delegate)SignInAsync).LimitPosts().Describe(new RouteDescription("consoleSignIn", "console", "Begins a visit: a cookie that carries the token, sealed.")
        {
            Bodies = [new RouteBody("application/x-www-form-urlencoded", "ConsoleSignIn")],
            Answers = [ConsoleRoutes.Redirect("Signed in."), ConsoleRoutes.Html(403, "The token does not hold, or there is none.")],
        });
        app.MapPost("/ops/sign-out", (HttpContext context) =>
        {
            ConsoleVisits.End(context);
            return new SeeOther(ConsoleVisits.SignIn + "?said=signed-out");
        }).AddEndpointFilter(ConsoleVisits.CheckFormAsync).RequireAuthorization(Access.Visitor).Describe(new RouteDescription("consoleSignOut", "console", "Ends a visit.")
        {
            Bodies = [ConsoleRoutes.Form()],
            Answers = [ConsoleRoutes.Redirect("Signed out."), RouteAnswer.Problem(400, "The form is not one of this visit."), RouteAnswer.Problem(415, "Not a form.")],
        });
    }

    private static async Task<IResult> SignInAsync(HttpContext context)
    {
        if (!context.Request.HasFormContentType)
            return Page(new SignInModel(ConsoleVisits.Root, "Send the form of this page."), 403);
        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        var (to, token) = (Local(form["to"]), form["token"].ToString().Trim());
        // The token was judged like any other before we came here.
        if (token.Length == 0 || context.User.Identity is not { IsAuthenticated: true })
            return Page(new SignInModel(to, "This token is not known here, or its time is over."), 403);
        return ConsoleVisits.TryBegin(context, token)
            ? new SeeOther(to)
            : Page(new SignInModel(to, "This token is too long for a cookie. Ask for one with fewer claims."), 403);
    }

    private static PageResult<SignInPage, SignInModel> Page(SignInModel model, int status = 200) => new(model, status);

    /// <summary>An address within the console, whatever was asked for: a link to us must not lead elsewhere.</summary>
    internal static string Local(string? to) =>
        to is not null && (to == ConsoleVisits.Root || to.StartsWith(ConsoleVisits.Root + "/", StringComparison.Ordinal) || to.StartsWith(ConsoleVisits.Root + "?", StringComparison.Ordinal))
        && to.All(c => c is > ' ' and <= '~' and not '\\') && !to.Contains("..", StringComparison.Ordinal)
            ? to
            : ConsoleVisits.Root;
}
