using System.Text.Json.Nodes;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.OpsConsole;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Ops;

/// <summary>Refusals in one form: <c>application/problem+json</c> with one entry per bad field.</summary>
public static class Problems
{
    /// <summary>A refusal.</summary>
    /// <param name="status">HTTP status.</param>
    /// <param name="code">A stable code.</param>
    /// <param name="detail">What is wrong and what to do, without repeating any value.</param>
    /// <param name="errors">The bad fields.</param>
    public static IResult Of(int status, string code, string detail, params FieldError[] errors)
    {
        var body = new JsonObject { ["type"] = "about:blank", ["title"] = code, ["status"] = status, ["detail"] = detail };
        if (errors.Length > 0)
            body["errors"] = Errors(errors);
        return Results.Json(body, statusCode: status, contentType: "application/problem+json");
    }

    /// <summary>The same form for refusals that no endpoint of ours makes: no token, no such address, and what nobody expected.</summary>
    public static void UseProblems(this WebApplication app)
    {
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            // The database being away is not our fault, and the caller can do something: try again.
            StatusCodeSelector = exception => app.Services.GetRequiredService<SqlDatabase>().IsTransient(exception) ? 503
                : exception is BadHttpRequestException bad ? bad.StatusCode : 500,
            SuppressDiagnosticsCallback = context => context.Exception is BadHttpRequestException || app.Services.GetRequiredService<SqlDatabase>().IsTransient(context.Exception),
            ExceptionHandler = context => Answer(context),
        });
        app.UseStatusCodePages(context => Answer(context.HttpContext));
    }

    private static Task Answer(HttpContext context)
    {
        var status = context.Response.StatusCode;
        if (status == 503)
            context.Response.Headers.RetryAfter = "5";
        if (ConsoleFaults.Owns(context))
            return ConsoleFaults.Of(context, status).ExecuteAsync(context);
        return (status switch
        {
            401 => Of(401, "unauthorized", "Send a token that this service knows: Authorization: Bearer …"),
            400 => Of(400, "invalid", "The request is not valid."),
            403 => Of(403, "not-allowed", "The token's roles and scopes do not allow this."),
            404 => Of(404, "not-found", "There is nothing at this address."),
            405 => Of(405, "method-not-allowed", "This address does not take this method."),
            408 => Of(408, "too-slow", "The request did not arrive in time; send it again."),
            413 => Of(413, "too-large", "The body is too large; send it in several requests."),
            415 => Of(415, "unsupported-media-type", "This address does not take this kind of body."),
            503 => Of(503, "unavailable", "The database cannot be asked now; try again after a while."),
            >= 500 => Of(status, "failed", "The request failed for a reason that nobody expected; the log has it."),
            _ => Of(status, "refused", "The request cannot be answered."),
        }).ExecuteAsync(context);
    }

    /// <summary>Bad fields as JSON.</summary>
    public static JsonArray Errors(IEnumerable<FieldError> errors) =>
        [.. errors.Select(e => (JsonNode)new JsonObject { ["field"] = e.Field, ["problem"] = e.Problem, ["remedy"] = e.Remedy })];
}
