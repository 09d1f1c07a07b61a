using LeadPipeline.Worker.Http.OpenApi;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.OpsConsole.Session;

namespace LeadPipeline.Worker.OpsConsole;

/// <summary>The console for people: pages over the services that the command line and the HTTP interface use.</summary>
public static class ConsoleRoutes
{
    /// <summary>Adds what the pages need beside those services.</summary>
    public static void AddOpsConsole(this IServiceCollection services)
    {
        services.AddSingleton<ConsoleSessions>();
        services.AddSingleton<OverviewReader>();
        services.AddSingleton<SecretAges>();
    }

    /// <summary>Lets visits stand for tokens; before authentication.</summary>
    public static void UseOpsConsole(this WebApplication app) => app.UseConsoleVisits();

    /// <summary>Maps the pages.</summary>
    public static void MapOpsConsole(this IEndpointRouteBuilder app)
    {
        app.MapGet("/ops/assets/{name}", ConsoleAssets.Serve).Describe(new RouteDescription("consoleAsset", "console", "A file that the pages of the console use.")
        {
            Answers =
            [
                new RouteAnswer(200, "The file.", "ConsoleAsset", "text/css"), new RouteAnswer(200, "", "ConsoleAsset", "text/javascript"), new RouteAnswer(200, "", "ConsoleAsset", "image/svg+xml"),
                RouteAnswer.Problem(404, "No such file."),
            ],
        });
        app.MapSignIn();
        app.MapOverview();
        app.MapLeadPages();
        app.MapReviewPages();
        app.MapDeadLetterPages();
        app.MapApprovalPages();
        app.MapSystemPage();
    }

    /// <summary>Pages for one role, whose forms are checked.</summary>
    internal static RouteGroupBuilder Pages(this IEndpointRouteBuilder app, string role)
    {
        var group = app.MapGroup(ConsoleVisits.Root).RequireAuthorization(role);
        group.AddEndpointFilter(ConsoleVisits.CheckFormAsync);
        return group;
    }

    /// <summary>Answers with a page.</summary>
    internal static RouteAnswer Html(int status = 200, string summary = "The page.") => new(status, summary, "ConsoleHtml", "text/html");

    /// <summary>Answers by sending the browser to a page.</summary>
    internal static RouteAnswer Redirect(string summary) => new(303, summary, null);

    /// <summary>Takes a form.</summary>
    internal static RouteBody Form(string schema = "ConsoleForm") => new("application/x-www-form-urlencoded", schema);

    /// <summary>A page to look at.</summary>
    internal static RouteDescription Looks(string id, string summary, params RouteAnswer[] others) => new(id, "console", summary) { Answers = [Html(), .. others] };

    /// <summary>A form that does something and then leads to a page.</summary>
    internal static RouteDescription Acts(string id, string summary, string schema = "ConsoleForm", params RouteAnswer[] others) => new(id, "console", summary)
    {
        Bodies = [Form(schema)],
        Answers = [Redirect("Done."), .. others, RouteAnswer.Problem(400, "The form is not one of this visit."), RouteAnswer.Problem(415, "Not a form.")],
    };

    /// <summary>The page about something that is not there.</summary>
    internal static IResult Missing(string what) => ConsoleFaults.Page(404, "Nothing here", $"There is no such {what}, or not any more.");

    /// <summary>The page about an order that was refused.</summary>
    internal static IResult Refused(string detail) => ConsoleFaults.Page(409, "Not possible now", detail);

    /// <summary>What came of an order about a lead, as a page.</summary>
    internal static IResult Answer(OperatorAnswer answer, string next) => answer switch
    {
        OperatorAnswer.Done => new SeeOther(next),
        OperatorAnswer.Refused refused => Refused(refused.Detail),
        _ => Missing("lead"),
    };
}
