using LeadPipeline.Worker.OpsConsole.Pages;
using LeadPipeline.Worker.OpsConsole.Session;
using LeadPipeline.Worker.OpsConsole.Views;

namespace LeadPipeline.Worker.OpsConsole;

/// <summary>What a person sees where a program would get a problem document.</summary>
internal static class ConsoleFaults
{
    /// <summary>Whether a request is a browser's, for a page of the console. Programs get the same answers as everywhere.</summary>
    public static bool Owns(HttpContext context) =>
        context.Request.Path.StartsWithSegments(ConsoleVisits.Root) && context.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);

    /// <summary>The page for a status.</summary>
    public static IResult Of(HttpContext context, int status)
    {
        if (status == 401)
        {
            // The address goes along, and nothing else: what somebody wanted to post is his to send again.
            var to = HttpMethods.IsGet(context.Request.Method) ? $"?to={Uri.EscapeDataString(context.Request.Path + context.Request.QueryString)}" : "?to=/ops";
            return new SeeOther(ConsoleVisits.SignIn + to + (ConsoleVisits.HasCookie(context) ? "&said=ended" : ""));
        }
        var (title, detail) = status switch
        {
            403 => ("Not for your role", "Your roles do not allow this. Somebody who administers LeadPipeline can give you another token."),
            404 => ("Nothing here", "There is nothing at this address, or not any more."),
            400 => ("That did not work", "The form was not complete, or the page was too old. Go back, load it again and send it once more."),
            409 => ("Not possible now", "Somebody was faster, or it has moved on. Load the page again."),
            503 => ("Not now", "The database cannot be asked at the moment. Leads are safe; try again after a while."),
            _ => ("Something went wrong", "The log of the worker says what. Leads are safe; try again."),
        };
        return Page(status, title, detail);
    }

    /// <summary>A page that says what is wrong.</summary>
    public static IResult Page(int status, string title, string detail) => new PageResult<FaultPage, FaultModel>(new FaultModel(status, title, detail), status);
}

/// <summary>Sends a browser elsewhere, to be asked for with GET.</summary>
/// <param name="address">Within the console.</param>
internal sealed class SeeOther(string address) : IResult
{
    public Task ExecuteAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status303SeeOther;
        context.Response.Headers.Location = address;
        return Task.CompletedTask;
    }
}
